"""A year in the life of a made-up vendor: documents for its nouns and events for their use.

Pure: the same `now` gives the same bytes. What is made here is sent by others, through the API.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any, Final

from tallybook.model.time import Calendar, format_instant, from_micros, micros
from tallybook.samples import agreed
from tallybook.samples.customers import AGREEMENTS, CUSTOMERS, MOVED, Agreement, Aim
from tallybook.samples.plan import DAYS, Course, Stream, course, plan
from tallybook.samples.services import CONTACTS, SOURCE, Service, meters

BATCH_EVENTS: Final = 4_000

_DAY: Final = timedelta(days=1)
#: One day of use in so many arrives late, after so many days, as after a fault on the way.
_LATE_ONE_IN: Final = 90
_LATE_DAYS: Final = 4
#: Quarters of an hour of a day, drawn by their weight: quiet nights, busy office hours.
_QUARTERS: Final = tuple(
    quarter
    for hour, weight in enumerate((1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 16,
                                   13, 15, 17, 16, 13, 9, 6, 5, 4, 3, 2, 1))
    for quarter in range(hour * 4, hour * 4 + 4)
    for _ in range(weight)
)  # fmt: skip
_QUARTER_MICROS: Final = 900_000_000
_DAY_MICROS: Final = 96 * _QUARTER_MICROS
#: The newest event lies so long before now, so that no clock finds it in the future.
_MARGIN: Final = timedelta(minutes=2)


class Vendor:
    """The sample vendor as it stands at an instant."""

    def __init__(self, now: datetime, days: int = DAYS) -> None:
        """Plan a year, or the last days of it, up to `now`."""
        self._now = now
        self._days = days

    @cached_property
    def streams(self) -> list[Stream]:
        """Return the planned use."""
        return plan(self._now, self._days)

    def accounts(self) -> list[dict[str, Any]]:
        """Return account documents, parents first; the last is a move of one of them."""
        documents = []
        for customer in CUSTOMERS:
            document: dict[str, Any] = {
                "key": customer.key,
                "name": customer.name,
                "timezone": customer.zone,
                "currency": customer.currency,
                "branch": customer.branch,
                "csm": {"name": customer.csm, "email": _email(customer.csm)},
            }
            root = {"attributes": {"sample": True}}
            documents.append(document | ({"parent": customer.parent} if customer.parent else root))
        site, parent, days_ago = MOVED
        found = next(d for d in documents if d["key"] == site)
        day = Calendar(found["timezone"]).day_of(self._now) - days_ago * _DAY
        moved = {"parent": parent, "valid_from": day.isoformat(), "reason": "Moved to the South"}
        return [*documents, found | moved]

    def meters(self) -> list[dict[str, Any]]:
        """Return the documents of all meters."""
        return meters()

    def contracts(self) -> list[dict[str, Any]]:
        """Return the contract documents."""
        return [self._contract(agreement) for agreement in AGREEMENTS]

    def closings(self) -> list[tuple[str, str]]:
        """Return contracts and a day of the period before this month's, which is to be closed."""
        day = self._today.replace(day=1) - _DAY
        starts = {contract["number"]: contract["start_date"] for contract in self.contracts()}
        return [(key, day.isoformat()) for key in agreed.CLOSED if starts[key] <= day.isoformat()]

    def amendments(self) -> list[Mapping[str, Any]]:
        """Return contracts as they were changed in their term, after what `closings` says."""
        found = (agreed.amended(contract, self._today) for contract in self.contracts())
        return [contract for contract in found if contract is not None]

    @property
    def _today(self) -> date:
        return self._now.date()

    def events_count(self) -> int:
        """Return how many events `events` will yield."""
        return sum(
            _count(stream.service, use) for stream in self.streams for use in stream.days.values()
        )

    def events(self) -> Iterator[tuple[int, bytes]]:
        """Yield (count, NDJSON) batches of CloudEvents in the order of their arrival."""
        batch: list[str] = []
        for event in self._arrivals():
            batch.append(event)
            if len(batch) == BATCH_EVENTS:
                yield BATCH_EVENTS, "\n".join(batch).encode()
                batch.clear()
        if batch:
            yield len(batch), "\n".join(batch).encode()

    def _arrivals(self) -> Iterator[str]:
        late: dict[date, list[str]] = defaultdict(list)
        streams = [(s, Random(f"events {s.customer.key} {s.service.key}")) for s in self.streams]
        first = min(next(iter(stream.days)) for stream in self.streams)
        last = max(stream.today for stream in self.streams)
        for index in range((last - first).days + 1):
            day = first + index * _DAY
            for place, (stream, draw) in enumerate(streams):
                made = self._of_day(stream, day, draw)
                if (index + 7 * place) % _LATE_ONE_IN:
                    yield from made
                else:
                    late[day + _LATE_DAYS * _DAY].extend(made)
            yield from late.pop(day, ())
        for day in sorted(late):
            yield from late[day]

    def _of_day(self, stream: Stream, day: date, draw: Random) -> Iterator[str]:
        if day not in stream.days:
            return
        quantity = stream.days[day]
        count = _count(stream.service, quantity)
        if not count:
            return
        service, account = stream.service, stream.customer.key
        begin = micros(stream.calendar.start_of(day))
        length = micros(stream.calendar.start_of(day + _DAY)) - begin
        newest = micros(self._now - _MARGIN)
        for number, part in enumerate(_split(service, quantity, count, draw)):
            slot = _QUARTERS[draw.randrange(len(_QUARTERS))] * _QUARTER_MICROS
            into = (slot + draw.randrange(900_000) * 1000) * length // _DAY_MICROS
            if begin + into > newest:  # the day is not over: what it holds has happened by now
                into = into % max(1, newest - begin)
            time = format_instant(from_micros((begin + into) // 1000 * 1000))
            yield (
                f'{{"specversion":"1.0","id":"{account}.{service.key}.{day}.{number}",'
                f'"source":"{SOURCE}","type":"{service.event_type}","subject":"{account}",'
                f'"time":"{time}","data":{{{service.data(service.text(part), draw)}}}}}'
            )

    def _contract(self, agreement: Agreement) -> dict[str, Any]:
        customer = next(c for c in CUSTOMERS if c.key == agreement.account)
        today = Calendar(customer.zone).day_of(self._now)
        start = today - min(self._days, customer.began_days_ago) * _DAY
        young = customer.began_days_ago < _whole_month(today)
        first = start if young else start.replace(day=1)
        more = agreed.beside(agreement.number, first, today)
        return {
            **more,
            "number": agreement.number,
            "account": agreement.account,
            "name": f"{customer.name} {start.year}",
            "branch": customer.branch,
            "csm": {"name": customer.csm, "email": _email(customer.csm)},
            "currency": customer.currency,
            "start_date": first.isoformat(),
            "billing": {
                **more.get("billing", {}),
                "cycle_start_date": start.replace(day=1).isoformat(),
            },
            "pooling": "parent_pool" if agreement.pooled else "none",
            "lines": [
                self._line(agreement, service, aim, price)
                for service, aim, price in agreement.lines
            ]
            + _contacts(agreement),
        }

    def _line(self, agreement: Agreement, service: Service, aim: Aim, price: str) -> dict[str, Any]:
        below = _tree(agreement.account) if agreement.pooled else {agreement.account}
        use = course(s for s in self.streams if s.service is service and s.customer.key in below)
        line: dict[str, Any] = {
            "code": service.key,
            "product": service.product,
            "meter": service.key,
            "price": agreed.price(agreement.number, service.key, price),
        }
        if aim == "none":
            return line
        quantity = None if aim == "unlimited" else _allotment(aim, use, service)
        return line | {"allotment": {"quantity": None if quantity is None else str(quantity)}}


def _contacts(agreement: Agreement) -> list[dict[str, Any]]:
    if agreement.contacts is None:
        return []
    return [
        {
            "code": CONTACTS["key"],
            "product": CONTACTS["name"],
            "meter": CONTACTS["key"],
            "allotment": {"quantity": str(agreement.contacts)},
            "price": {"model": "per_unit", "unit_amount": "0.02"},
        }
    ]


def _email(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@vendor.example"


def _whole_month(today: date) -> int:
    """Return the days that a customer of at least a month has behind it."""
    return 31 + today.day


def _tree(root: str) -> set[str]:
    """Return the keys of a root and all below it; customers are listed parents first."""
    keys = {root}
    for customer in CUSTOMERS:
        if customer.parent in keys:
            keys.add(customer.key)
    return keys


def _count(service: Service, quantity: int) -> int:
    """Return how many events carry a day's quantity."""
    if service.kind == "stock":
        return 1
    return min(quantity, max(1, quantity // service.typical)) if quantity else 0


def _split(service: Service, quantity: int, count: int, draw: Random) -> list[int]:
    """Split a day's quantity into events of uneven size that add up to it exactly."""
    if service.kind == "stock":
        return [quantity]
    base, rest = divmod(quantity, count)
    parts = [base + (number < rest) for number in range(count)]
    for number in range(0, count - 1, 2):
        moved = draw.randrange(base // 2 + 1)
        parts[number] += moved
        parts[number + 1] -= moved
    return parts


def _allotment(aim: Aim, use: Course, service: Service) -> int:
    """Return the allotment, in whole units, at which a line shows what it is to show."""
    so_far, projected = use.so_far // service.scale, -(-use.projected // service.scale)
    wanted = {
        "over": min(so_far * 85, projected * 78) // 100,
        "likely": so_far + (projected - so_far) * 6 // 10,
        "near": so_far * 100 // 88,
        "low": projected * 100 // 34,
        "full": so_far,
    }.get(aim, projected * 100 // 72)
    return max(1, wanted if aim in {"full", "likely"} else _round(wanted))


def _round(number: int) -> int:
    """Keep two digits, as people agree on round numbers."""
    zeros = max(0, len(str(number)) - 2)
    return int(str(number)[:2] + "0" * zeros)
