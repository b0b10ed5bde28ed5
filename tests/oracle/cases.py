"""Random contracts with their accounts and events, from few values, so that ties and edges are
common. One seed is one case, on every machine.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from tests.oracle.days import DAY, iso, start_of
from tests.oracle.terms import Agreement
from tests.oracle.world import World

Document = dict[str, Any]

EVENTS = 200
#: The day on which all is asked: no event is later, contracts go on.
TODAY = date(2026, 5, 10)
MOMENT = timedelta(microseconds=1)

METERS: dict[str, Document] = {
    "units": {"event_type": "use", "aggregation": "sum", "property": "n"},
    "calls": {"event_type": "use", "aggregation": "count"},
    "peak": {"event_type": "use", "aggregation": "max", "property": "n"},
    "people": {"event_type": "use", "aggregation": "unique", "property": "who"},
    "sms": {
        "event_type": "use",
        "aggregation": "sum",
        "property": "n",
        "filter": [{"property": "channel", "op": "eq", "value": "sms"}],
        "dimensions": ["channel", "country"],
    },
    "level": {"event_type": "level", "aggregation": "latest", "property": "held"},
    "stored": {
        "event_type": "level", "aggregation": "latest", "property": "held", "kind": "stock",
    },
}  # fmt: skip
#: Whose use can be laid out event by event, or day by day.
ADDING = ("units", "calls", "sms")

ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe",
    "Asia/Kolkata",
)  # fmt: skip
BILLING: tuple[Document, ...] = (
    {}, {}, {"cycle_unit": "month", "cycle_length": 2}, {"cycle_unit": "month", "cycle_length": 3},
    {"cycle_unit": "day", "cycle_length": 30}, {"cycle_unit": "week", "cycle_length": 2},
    {"cycle_unit": "year"},
)  # fmt: skip
STARTS = ("2026-01-01", "2026-01-31", "2025-11-30", "2026-02-20", "2025-10-20", "2025-12-29")
AMOUNTS = ("1", "0.05", "0.015", "2", "0.333", "0.005", "10")
SUMS = ("0", "10", "100", "1000", "33.33", "0.005")
VOLUMES = ("0", "10", "10.5", "11", "100", "300", "1000", "333.333333333333")
EDGES = ("10", "10.5", "11", "100", "300", "1000")
PERCENTS = ("0", "10", "33.3", "100", "12.5")
QUANTITIES = (
    ("10", "10", "20", "50"), ("0.5", "1", "10", "10.5", "11"),
    ("0.000000000001", "333.333333333333", "1"), ("1", "2", "0"),
)  # fmt: skip


@dataclass
class Case:
    """A small world of its own; every key in it begins with `prefix`."""

    world: World
    prefix: str

    @property
    def until(self) -> date:
        """Return a day far enough after all that is asked: the last cycle's end."""
        said = json.dumps([*self.world.contracts.values()])
        is_long = '"year"' in said or '"cycle_length": 12' in said
        return TODAY + (400 if is_long else 180) * DAY


def case(seed: int, prefix: str = "", events: int = EVENTS) -> Case:
    """Make the case of a seed."""
    maker = _Maker(Random(seed), prefix or f"k{seed}-")
    maker.accounts()
    maker.contract()
    maker.events(events)
    return Case(maker.world, maker.prefix)


class _Maker:
    def __init__(self, random: Random, prefix: str) -> None:
        self.random, self.prefix = random, prefix
        self.world = World(meters={key: {"filter": [], **m} for key, m in METERS.items()})
        self.pick = random.choice
        self.start = iso(self.pick(STARTS))
        self.number = 0

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def day(self, least: int = 1, most: int = 110) -> str:
        return str(self.start + self.random.randint(least, most) * DAY)

    def named(self, stem: str) -> str:
        self.number += 1
        return f"{stem}{self.number}"

    # accounts ---------------------------------------------------------------------------------

    def accounts(self) -> None:
        """A root, and often children; one is moved in and out of the tree on a day."""
        own = {
            "timezone": self.pick(ZONES),
            "day_start": self.pick(("00:00", "00:00", "03:00", "02:30")),
            "currency": self.pick(("USD", "USD", "EUR", "JPY", "KWD")),
        }
        self.zone, self.clock = own["timezone"], own["day_start"]
        self.root = f"{self.prefix}a"
        self.world.accounts[self.root] = [own]
        self.pooling = self.pick(("none", "none", "parent_pool", "sum_of_children"))
        if self.pooling == "none":
            return
        for name in ("b", "c"):
            self.world.accounts[self.prefix + name] = [{**own, "parent": self.root}]
        self.moved = self.day(20, 60)
        away = {**own, "valid_from": self.moved, "parent": None}
        back = {**own, "valid_from": self.day(61, 80), "parent": f"{self.prefix}b"}
        self.world.accounts[f"{self.prefix}c"] += [away, back] if self.chance(0.5) else [away]

    # contracts --------------------------------------------------------------------------------

    def contract(self) -> None:
        """A contract with up to three versions, and contracts of children where they count."""
        self.billing = {**self.pick(BILLING), "timing": self.pick(("advance", "arrears"))}
        if self.chance(0.5):
            self.billing["cycle_start_date"] = self.pick(
                ("2026-01-01", "2026-01-31", "2024-02-29", "2025-11-30", "2026-02-15")
            )
        first = self._first()
        later = [self._later(first) for _ in range(self.random.randint(0, 2))]
        self.world.contracts[f"{self.prefix}C"] = [first, *later]
        if self.pooling == "sum_of_children":
            for name in ("b", "c"):
                self.world.contracts[self.prefix + name.upper()] = [self._childs(name, first)]

    def _first(self) -> Document:
        made: Document = {
            "account": self.root,
            "start_date": str(self.start),
            "billing": self.billing,
            "pooling": self.pooling,
            **(
                {"timezone": self.pick(ZONES)}
                if self.pooling == "none" and self.chance(0.2)
                else {}
            ),
            "lines": [self._line() for _ in range(self.random.randint(1, 3))],
        }
        if self.chance(0.6):
            made["end_date"] = self.day(50, 130)
            made["renewal"] = {"policy": self.pick(("none", "auto", "ask"))}
            if self.chance(0.3):
                made["renewal"] |= {"cycle_unit": "month", "cycle_length": self.pick((1, 2, 12))}
        self.has_end = "end_date" in made
        if self.pooling == "sum_of_children":  # each meter once, so that a pool has one line of it
            made["lines"] = list({line.get("meter"): line for line in made["lines"]}.values())
        if self.chance(0.3):
            made["meter_groups"] = [self._group()]
        if self.chance(0.6):
            made["base_charges"] = [self._base() for _ in range(self.random.randint(1, 2))]
        if self.chance(0.3):
            made["discounts"] = [self._discount(made) for _ in range(self.random.randint(1, 2))]
        if self.chance(0.25):
            made["commitments"] = [
                {"name": self.named("commit"), "amount": self.pick(SUMS), **self._cycle(),
                 "prorate": self.chance(0.5)}
            ]  # fmt: skip
        if self.chance(0.25):
            made["credits"] = [self._credit() for _ in range(self.random.randint(1, 2))]
        made["rate_schedules"] = list(self._schedules(made))
        if self.chance(0.25):
            made["phases"] = self._phases(made)
        return made

    def _cycle(self) -> Document:
        """A cycle of one's own, or none."""
        if self.chance(0.6):
            return {}
        if self.chance(0.2) and getattr(self, "has_end", False):
            return {"cycle_unit": "term"}
        unit = self.pick(("month", "month", "week", "day", "year"))
        lengths = {"year": (1,), "day": (10, 45)}.get(unit, (1, 2, 3))
        return {"cycle_unit": unit, "cycle_length": self.pick(lengths)}

    def _line(self) -> Document:
        line: Document = {"code": self.named("line")}
        kind = self.pick(("metered", "metered", "metered", "by_event", "flat", "fixed"))
        if self.pooling != "none" and kind != "by_event":
            kind = "metered"
        if kind == "fixed":
            line |= {"quantity": self.pick(VOLUMES), "price": self._price()}
        elif kind == "by_event":
            line |= {"meter": self.pick(("units", "sms")), "price": self._by_event()}
            if line["meter"] != "sms":
                line["price"] = self._percentage()
        else:
            line["meter"] = self.pick(tuple(METERS))
            line["price"] = self._price() if kind == "metered" else self._flat()
        self._included(line, kind)
        if self.chance(0.2):
            line["discount_percent"] = self.pick(PERCENTS)
        if self.chance(0.2):
            line["minimum_amount"] = self.pick(SUMS)
        if self.chance(0.2):
            line["maximum_amount"] = self.pick(SUMS)
        return _bounded(line)

    def _included(self, line: Document, kind: str) -> None:
        """What a line includes, and how its quantity is converted."""
        if self.chance(0.3):
            line["free_quantity"] = self.pick(VOLUMES)
        if self.chance(0.7) or self.pooling == "sum_of_children":
            own = line["allotment"] = {"quantity": self.pick(VOLUMES), **self._cycle()}
            if kind in {"metered", "by_event"} and self.chance(0.4):
                own["rollover"] = {
                    "cap": self.pick((None, "10", "100", "1000")),
                    "expires_after": self.pick((None, 1, 2)),
                }
            adds = line.get("meter") in ADDING and kind == "metered"
            if adds and self.pooling == "none" and self.chance(0.1):
                line["allotment"] = {"quantity": None}
                line["price"] = {"model": "per_unit", "unit_amount": self.pick(AMOUNTS)}
        if kind == "metered" and self.chance(0.15):
            line["conversion"] = {
                "unit": "parcels",
                "divide_by": self.pick(("1", "3", "60", "0.5")),
                "step": self.pick((None, "1", "0.5", "10")),
                "mode": self.pick(("up", "down", "half_up")),
            }

    def _price(self) -> Document:
        tiers = self._tiers()
        amounts = {
            "unit_amount": lambda: self.pick(AMOUNTS),
            "flat_amount": lambda: self.pick(SUMS),
        }

        def filled(*fields: str) -> list[Document]:
            return [{**tier, **{f: amounts[f]() for f in fields}} for tier in tiers]

        model = self.pick(
            ("per_unit", "graduated", "graduated", "volume", "stairstep", "package",
             "graduated_percentage")
        )  # fmt: skip
        made: Document = {"model": model}
        if model == "per_unit":
            made["unit_amount"] = self.pick(AMOUNTS)
        elif model == "package":
            made["package_size"] = self.pick(EDGES)
            made["package_amount"] = self.pick(SUMS)
            made["rounding"] = self.pick(("up", "down"))
        elif model == "stairstep":
            made["tiers"] = filled("flat_amount")
        elif model == "graduated_percentage":
            made["tiers"] = [{**tier, "rate": self.pick(("0", "0.02", "0.125"))} for tier in tiers]
        else:
            fields = ("unit_amount", "flat_amount") if self.chance(0.4) else ("unit_amount",)
            made["tiers"] = filled(*fields)
        return made

    def _tiers(self) -> list[Document]:
        ends = sorted(self.random.sample(EDGES, self.random.randint(0, 3)), key=float)
        return [{"up_to": end} for end in [*ends, None]]

    def _flat(self) -> Document:
        return {"model": "flat", "amount": self.pick(SUMS)}

    def _by_event(self) -> Document:
        names = self.pick((["country"], ["channel", "country"]))
        values = [["DE"], ["US"]] if len(names) == 1 else [["sms", "DE"], ["mail", "US"]]
        made: Document = {
            "model": "matrix",
            "dimensions": names,
            "cells": [{"values": v, "unit_amount": self.pick(AMOUNTS)} for v in values],
            "default": {"unit_amount": self.pick(AMOUNTS)},
        }
        return made if self.chance(0.5) else self._percentage()

    def _percentage(self) -> Document:
        made: Document = {"model": "percentage", "rate": self.pick(("0.02", "0.333", "0"))}
        if self.chance(0.5):
            made["fixed_amount"] = self.pick(AMOUNTS)
        if self.chance(0.3):
            made["min"] = self.pick(("0.01", "0.5"))
        if self.chance(0.3):
            made["max"] = self.pick(("0.75", "3"))
        return made

    def _group(self) -> Document:
        meters = self.random.sample(("units", "calls", "peak", "people"), self.random.randint(1, 3))
        made: Document = {
            "name": self.named("group"),
            "meters": meters,
            "covered_quantity": self.pick(VOLUMES),
            "overage_method": self.pick(("bill", "bill", "allow_with_credit", "roll_forward")),
            **self._cycle(),
        }
        if self.chance(0.5):
            made["overage_rate"] = self.pick(AMOUNTS)
        else:
            made["overage_tiers"] = [
                {**t, "unit_amount": self.pick(AMOUNTS)} for t in self._tiers()
            ]
        if self.chance(0.3):
            made["credit_rate"] = self.pick(AMOUNTS)
        return made

    def _base(self) -> Document:
        made: Document = {"name": self.named("base"), "amount": self.pick(SUMS), **self._cycle()}
        if self.chance(0.3):
            made["quantity"] = self.pick(("1", "3", "2.5"))
        if self.chance(0.3):
            made["timing"] = self.pick(("advance", "arrears"))
        return made

    def _discount(self, contract: Document) -> Document:
        made: Document = {"name": self.named("less")}
        if self.chance(0.7):
            made["percent"] = self.pick(PERCENTS)
        else:
            made["amount"] = self.pick(SUMS)
        if self.chance(0.5):
            codes = [line["code"] for line in contract["lines"]]
            codes += [base["name"] for base in contract.get("base_charges", [])]
            made["lines"] = self.random.sample(codes, self.random.randint(1, len(codes)))
        return made

    def _credit(self) -> Document:
        made: Document = {"name": self.named("paid"), "amount": self.pick(SUMS)}
        if self.chance(0.4):
            made["valid_from"] = self.day(0, 60)
        if self.chance(0.4):
            made["valid_to"] = self.day(61, 120)
        return made

    def _schedules(self, contract: Document) -> Iterator[Document]:
        """Planned increases, each on the cycle of what it raises."""
        for line in contract["lines"]:
            if self.chance(0.1):
                yield self._raise("overage", line["code"], line.get("allotment") or {})
        for base in contract.get("base_charges", []):
            if self.chance(0.2):
                yield self._raise("base", base["name"], base)

    def _raise(self, kind: str, ref: str, cycle: Document) -> Document:
        return {
            "name": self.named("raise"),
            "applies_to": kind,
            "ref": ref,
            "percent": self.pick(("10", "3.5", "-5")),
            "every": self.pick((1, 2)),
            "places": self.pick((None, 2, 4)),
            **{f: cycle[f] for f in ("cycle_unit", "cycle_length") if f in cycle},
        }

    def _phases(self, contract: Document) -> list[Document]:
        """One or two phases that follow each other."""
        begins = self.start + self.pick((0, 0, 14, 31)) * DAY
        made = []
        for _ in range(self.random.randint(1, 2)):
            ends = begins + self.pick((13, 30, 45)) * DAY
            phase: Document = {"start_date": str(begins), "end_date": str(ends)}
            if self.chance(0.8):
                phase["lines"] = [self._changed(line) for line in contract["lines"]]
            if "base_charges" in contract and self.chance(0.5):
                phase["base_charges"] = [
                    {**base, "amount": self.pick(SUMS)} for base in contract["base_charges"]
                ]
            made.append(phase)
            begins = ends + DAY
        if "end_date" in contract:
            last = contract["end_date"]
            made = [p for p in made if p["end_date"] <= last]
        return made

    def _later(self, first: Document) -> Document:
        """A version from a day on, sometimes before one that was written earlier."""
        made = {k: v for k, v in first.items() if k != "phases"}
        made |= {"valid_from": self.day(), "name": self.named("again")}  # no two say the same
        made["lines"] = [self._changed(line) for line in first["lines"]]
        if len(made["lines"]) > 1 and self.chance(0.2):
            del made["lines"][0]
        codes = {line["code"] for line in made["lines"]}
        codes |= {base["name"] for base in made.get("base_charges", [])}
        made["rate_schedules"] = [s for s in first["rate_schedules"] if s["ref"] in codes]
        if "discounts" in made:
            made["discounts"] = [
                d for d in made["discounts"] if not set(d.get("lines") or ()) - codes
            ]
        if "base_charges" in made and self.chance(0.5):
            made["base_charges"] = [
                {**b, "quantity": self.pick(("1", "2", "4"))} for b in made["base_charges"]
            ]
        if "base_charges" in made and self.chance(0.15):
            dropped = made["base_charges"][0]["name"]
            made["base_charges"] = made["base_charges"][1:]
            for part in ("rate_schedules", "discounts"):
                made[part] = [p for p in made.get(part, []) if not _names(p, dropped)]
        if self.chance(0.1):
            made["base_charges"] = [*made.get("base_charges", []), self._base()]
        if "meter_groups" in made and self.chance(0.3):
            made["meter_groups"] = self.pick(
                ([], [{**g, "covered_quantity": self.pick(VOLUMES)} for g in made["meter_groups"]])
            )
        if self.has_end and self.chance(0.2):
            made["end_date"] = self.day(90, 130)
            made["status"] = self.pick(("active", "ended"))
        if self.chance(0.15):
            made["billing"] = {**self.billing, "cycle_unit": "month", "cycle_length": 1}
        return made

    def _changed(self, line: Document) -> Document:
        """The same line with another price, allotment, minimum or discount."""
        made = {**line}
        if self.chance(0.5) and self._may_change_price(line):
            made["price"] = self._price()
        own = line.get("allotment")
        if own and own.get("quantity") is not None and self.chance(0.5):
            made["allotment"] = {**own, "quantity": self.pick(VOLUMES)}
        if own and line.get("meter") and self.pooling == "none" and self.chance(0.1):
            made["allotment"] = {**own, "quantity": None}
            made["allotment"].pop("rollover", None)
        may_change = self._may_change_price(line) and "conversion" not in line
        if line.get("meter") in {"calls", "units"} and may_change:
            made["meter"] = self.pick((line["meter"], line["meter"], "calls", "units"))
            made["price"] = made["price"] if self.chance(0.8) else self._percentage()
        if self.chance(0.2):
            made["free_quantity"] = self.pick(VOLUMES)
        if self.chance(0.2):
            made["discount_percent"] = self.pick(PERCENTS)
        if self.chance(0.2):
            made["minimum_amount"] = self.pick(SUMS)
        if "quantity" in line:
            made["quantity"] = self.pick(VOLUMES)
        return _bounded(made)

    def _may_change_price(self, line: Document) -> bool:
        unlimited = (line.get("allotment") or {"quantity": "0"})["quantity"] is None
        fixed = {"flat", "percentage", "matrix"}
        return not unlimited and line["price"]["model"] not in fixed

    def _childs(self, name: str, contract: Document) -> Document:
        """A child's contract with a line of each meter of its parent's."""
        lines = [
            {
                **line,
                "code": f"own{i}",
                "allotment": {"quantity": self.pick(VOLUMES), **self._cycle()},
            }
            for i, line in enumerate(contract["lines"])
        ]
        kept: Document = {
            k: contract[k] for k in ("start_date", "end_date", "billing") if k in contract
        }
        return {**kept, "account": self.prefix + name, "lines": lines}

    # events -----------------------------------------------------------------------------------

    def events(self, count: int) -> None:
        """Events at random, and at the very edges of periods, versions and moves."""
        edges = list(self._edges())
        subjects = list(self.world.accounts)
        quantities, busy = self.pick(QUANTITIES), self.pick((0.05, 0.5, 0.9))
        for i in range(count):
            at = self.pick(edges) + self.pick((-1, 0, 0, 1)) * MOMENT
            if self.chance(0.5):
                first = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
                minutes = (TODAY - self.start).days * 24 * 60
                at = first + timedelta(minutes=self.random.randint(-1000, minutes))
            at += timedelta(0) if self.chance(0.9) else timedelta(hours=1)
            kind = self.pick(("use", "use", "use", "level")) if self.chance(busy) else "other"
            self.world.events.append(
                {
                    "id": f"{self.prefix}{i:03}",
                    "type": kind,
                    "subject": self.pick(subjects),
                    "time": at.isoformat(),
                    "data": self._data(kind, quantities),
                }
            )
        self._part_ties()

    def _data(self, kind: str, quantities: Sequence[str]) -> Document:
        if kind == "level":
            return {"held": self.pick(VOLUMES)}
        data = {
            "n": self.pick(quantities),
            "who": f"p{self.random.randint(1, 12)}",
            "channel": self.pick(("sms", "mail")),
            "country": self.pick(("DE", "US", "FR")),
        }
        if self.chance(0.03):
            del data[self.pick(("n", "who", "channel", "country"))]
        return data

    def _part_ties(self) -> None:
        """Of two values at one instant neither is the latest."""
        taken: set[str] = set()
        for event in self.world.events:
            while event["type"] == "level" and event["time"] in taken:
                event["time"] = (datetime.fromisoformat(event["time"]) + 7 * MOMENT).isoformat()
            taken.add(event["time"])

    def _edges(self) -> Iterator[datetime]:
        agreement = Agreement(self.world, f"{self.prefix}C", TODAY)
        for period in agreement.periods:
            yield start_of(period.first, self.zone, self.clock)
        for version in self.world.contracts[f"{self.prefix}C"]:
            since = min(TODAY, iso(version.get("valid_from", str(self.start))))
            yield start_of(since, self.zone, self.clock)
        if self.pooling != "none":
            yield start_of(iso(self.moved), self.zone, self.clock)
        yield datetime(2026, 4, 5, 3, tzinfo=UTC)  # an hour that Santiago has twice
        yield datetime(2025, 11, 2, 6, tzinfo=UTC)  # and one that New York has


def _bounded(line: Document) -> Document:
    """A line cannot cost at least more than it costs at most."""
    if {"minimum_amount", "maximum_amount"} <= line.keys():
        bounds = sorted((line["minimum_amount"], line["maximum_amount"]), key=float)
        line["minimum_amount"], line["maximum_amount"] = bounds
    return line


def _names(part: Document, name: str) -> bool:
    return part.get("ref") == name or name in (part.get("lines") or ())
