"""A contract's document as the sections of its page: who, when, what is billed, line by line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from tallybook.model.contract import TERMS
from tallybook.model.directory import Directory
from tallybook.model.pages import line_page
from tallybook.web.pages import format as words
from tallybook.web.pages.contracts import words as says
from tallybook.web.pages.contracts.view import (
    Band,
    BaseRow,
    Clause,
    Phase,
    Said,
    Terms,
    TierTable,
)
from tallybook.web.pages.view import Standing

Part = Mapping[str, Any]

_DAY: Final = timedelta(days=1)
_YEAR: Final = timedelta(days=365)
_POOLING: Final = {
    "parent_pool": "Shared by the account's whole tree",
    "sum_of_children": "The tree's use against the sum of its allotments",
}
_METHODS: Final = {
    "allow_with_credit": "What is not used is credited.",
    "roll_forward": "What is used beyond is taken from the next cycle and not charged.",
}
#: Parts that a phase may replace and that are said by their names only.
_REPLACED: Final = {
    "meter_groups": "Meter groups",
    "commitments": "Commitments",
    "discounts": "Discounts",
    "rate_schedules": "Planned increases",
}
_LEVELS: Final = {"product": "product", "meter_group": "meter group"}


def terms(
    directory: Directory,
    document: Part,
    on: date,
    *,
    sees_prices: bool,
    standings: Mapping[str, Standing],
) -> Terms:
    """Return what holds on a day; the phase that holds it is laid over the document."""
    account = directory.account(document["account"])
    currency = document.get("currency") or (account.currency if account else "USD")
    phase = _phase_on(document, on)
    own = {name: phase[name] for name in TERMS if phase and phase.get(name) is not None}
    held = {**document, **own}
    made = _Sections(directory, held, currency, standings, sees_prices=sees_prices)
    return Terms(
        tuple(made.parties()),
        tuple(made.term()),
        tuple(made.billing()),
        currency,
        tuple(made.base()),
        tuple(made.lines()),
        tuple(made.groups()),
        tuple(made.others()),
        tuple(Said(str(n), _plain(v)) for n, v in (document.get("attributes") or {}).items()),
        _band(document, on, made),
        _phase_name(document, phase) if phase else "",
    )


class _Sections:
    """The sections of one document; `held` is with its phase laid over it."""

    def __init__(
        self,
        directory: Directory,
        held: Part,
        currency: str,
        standings: Mapping[str, Standing],
        *,
        sees_prices: bool,
    ) -> None:
        self._directory = directory
        self._held = held
        self._billing: Part = held.get("billing") or {}
        self._currency = currency
        self._sees_prices = sees_prices
        self._standings = standings

    def parties(self) -> Iterator[Said]:
        held = self._held
        yield self._account("Account", held["account"])
        if held.get("bill_to") and held["bill_to"] != held["account"]:
            yield self._account("Billed to", held["bill_to"])
        owner = self._directory.account(held["account"])
        branch = held.get("branch") or (owner.branch if owner else None)
        named = ("Type", held.get("type")), ("Branch", branch), ("Bill code", held.get("bill_code"))
        for label, value in named:
            if value:
                yield Said(label, value)
        csm: Part = held.get("csm") or (owner.csm.model_dump() if owner and owner.csm else {})
        for label, person in (("CSM", csm), ("Sales rep", held.get("sales_rep") or {})):
            shown = person.get("name") or person.get("email")
            if shown:
                email = person.get("email")
                yield Said(label, shown, url=f"mailto:{email}" if email else "")
        if held.get("pooling") in _POOLING:
            yield Said("Pool", _POOLING[held["pooling"]])

    def term(self) -> Iterator[Said]:
        held, end = self._held, says.day(self._held.get("end_date"))
        yield Said("First day", words.day(_sure(says.day(held["start_date"])), year=True))
        yield Said("Last day", words.day(end, year=True) if end else "None: it is open")
        if end:
            yield Said("Then", says.renewal(held.get("renewal") or {}))
        if held.get("expiration_quantity") is not None:
            yield Said("Ends by quantity", says.number(held["expiration_quantity"]))
        yield Said("Local days", words.place(self.zone))

    @property
    def zone(self) -> str:
        """Return the zone of the contract's days."""
        account = self._directory.account(self._held["account"])
        return self._held.get("timezone") or (account.timezone if account else "UTC")

    def billing(self) -> Iterator[Said]:
        terms = self._billing
        if terms.get("enabled") is False:
            yield Said("Billing", "Switched off")
        yield Said("Period", says.every(terms).removeprefix("a ").capitalize())
        anchor = says.day(terms.get("cycle_start_date"))
        if anchor:
            yield Said("Counted from", words.day(anchor, year=True))
        yield Said("Base charges", says.timing({}, terms).capitalize())
        yield Said("Currency", self._currency)
        if terms.get("hold_above") is not None and self._sees_prices:
            yield Said("Held above", says.money(terms["hold_above"], self._currency))

    def base(self) -> Iterator[BaseRow]:
        for charge in self._held.get("base_charges") or ():
            level = _LEVELS.get(charge.get("level", ""), "")
            quantity = says.decimal(charge.get("quantity", 1)) or Decimal(0)
            amount = says.decimal(charge.get("amount"))
            yield BaseRow(
                charge["name"],
                amount if amount is None or quantity == 1 else amount * quantity,
                says.every(charge, self._billing),
                says.timing(charge, self._billing),
                f"{level} {charge.get('ref') or ''}".strip(),
            )

    def lines(self) -> Iterator[Clause]:
        for line in self._held.get("lines") or ():
            unit = self._unit(line)
            priced: Part = line.get("conversion") or {}
            beyond = "Beyond that" if _includes(line) else "Price"
            sentences = [
                *says.conversion(line, unit),
                *says.included(line, priced.get("unit") or unit, self._billing),
            ]
            if self._sees_prices and not _is_unlimited(line):
                one = _one(priced.get("unit") or unit)
                sentences.append(says.price(line.get("price"), one, self._currency, beyond))
                sentences += says.limits(line, self._currency)
            table = says.tiers(line.get("price"), self._currency) if self._sees_prices else None
            name = line.get("name") or line.get("product")
            yield self._clause(line["code"], name, line, sentences, table)

    def groups(self) -> Iterator[Clause]:
        for group in self._held.get("meter_groups") or ():
            units = {self._meter_unit(key) for key in group["meters"]} - {""}
            unit = units.pop() if len(units) == 1 else "units"
            covered = says.number(group.get("covered_quantity", 0))
            sentences = [
                f"Pools {_listed(group['meters'])}.",
                f"{says.each(group, self._billing)} covers {covered} {unit}.",
            ]
            if self._sees_prices:
                sentences += self._overage(group, unit)
            if group.get("counts_to_expiration"):
                sentences.append("Counts towards the quantity at which the contract ends.")
            found = group.get("overage_tiers")
            table = says.tier_table(found, self._currency) if found and self._sees_prices else None
            yield self._clause(group["name"], group.get("product"), group, sentences, table)

    def _overage(self, group: Part, unit: str) -> Iterator[str]:
        if group.get("overage_rate") is not None:
            yield f"Beyond that: {says.rate(group['overage_rate'], self._currency)} a {_one(unit)}."
        elif group.get("overage_tiers"):
            yield "Beyond that: each tier's units at that tier's price."
        else:
            yield "Beyond that: no rate."
        if group.get("overage_method") in _METHODS:
            yield _METHODS[group["overage_method"]]
        if group.get("credit_rate") is not None:
            yield f"Credit: {says.rate(group['credit_rate'], self._currency)} a {_one(unit)}."

    def others(self) -> Iterator[Said]:
        held, currency = self._held, self._currency
        if not self._sees_prices:
            return
        for one in held.get("commitments") or ():
            least = says.money(one.get("amount"), currency)
            stub = ", by days on a stub" if one.get("prorate") else ""
            said = f"At least {least} {says.every(one, self._billing)}{stub}"
            yield Said("Commitment", said, one["name"])
        for one in held.get("credits") or ():
            amount = says.money(one.get("amount"), currency)
            yield Said("Credit", f"{amount}{_span(one)}", one["name"])
        for one in held.get("discounts") or ():
            off = (
                f"{says.number(one['percent'])}%"
                if one.get("percent") is not None
                else says.money(one.get("amount"), currency)
            )
            of = f" on {_listed(one['lines'])}" if one.get("lines") else " on all charges"
            yield Said("Discount", f"{off} off{of}", one["name"])
        for one in held.get("rate_schedules") or ():
            yield Said("Planned increase", says.increase(one, self._billing), one["name"])

    def brief(self, phase: Part) -> Iterator[str]:
        """Yield what a phase replaces, in short."""
        for charge in phase.get("base_charges") or ():
            amount = says.money(charge.get("amount"), self._currency)
            said = amount if self._sees_prices else "its own amount"
            yield f"{charge['name']}: {said} {says.every(charge, self._billing)}"
        for line in phase.get("lines") or ():
            unit = self._unit(line)
            yield f"{line['code']}: {' '.join(says.included(line, unit, self._billing))}"
        for name, label in _REPLACED.items():
            if phase.get(name) is not None:
                count = len(phase[name])
                yield f"{label}: {'none' if not count else ', '.join(_named(phase[name]))}"

    def _account(self, label: str, key: str) -> Said:
        account = self._directory.account(key)
        url = f"/volume?q={quote(key, safe='')}"
        return Said(label, account.title if account else key, key if account else "", url)

    def _clause(
        self,
        code: str,
        name: str | None,
        part: Part,
        sentences: Sequence[str],
        table: TierTable | None,
    ) -> Clause:
        return Clause(
            code,
            name or code,
            part.get("meter") or ("fixed" if part.get("quantity") is not None else "pool"),
            tuple(sentences),
            table,
            line_page(self._held["number"], code) if code in self._standings else "",
            self._standings.get(code),
        )

    def _unit(self, line: Part) -> str:
        return line.get("unit") or self._meter_unit(line.get("meter"))

    def _meter_unit(self, key: str | None) -> str:
        meter = self._directory.meter(key) if key else None
        return (meter.unit or "") if meter else ""


def _phase_on(document: Part, on: date) -> Part | None:
    phases: Iterable[Part] = document.get("phases") or ()
    for phase in phases:
        start, end = says.day(phase["start_date"]), says.day(phase.get("end_date"))
        if start is not None and start <= on and (end is None or on <= end):
            return phase
    return None


def _phase_name(document: Part, phase: Part) -> str:
    return phase.get("name") or f"Phase {[*document['phases']].index(phase) + 1}"


def _band(document: Part, on: date, made: _Sections) -> Band | None:
    """Return the phases over the term; one that is open is drawn for a year more than is known."""
    phases = document.get("phases") or ()
    if not phases:
        return None
    starts = [_sure(says.day(phase["start_date"])) for phase in phases]
    first = min(_sure(says.day(document["start_date"])), *starts)
    ends = [says.day(phase.get("end_date")) for phase in phases]
    last = says.day(document.get("end_date"))
    known = [end for end in (*ends, last, *starts) if end is not None]
    end = (last or max(known) + _YEAR) + _DAY
    length = Decimal(max((end - first).days, 1))

    def share(day: date) -> Decimal:
        return min(max(Decimal((day - first).days) * 100 / length, Decimal(0)), Decimal(100))

    shown = tuple(
        Phase(
            _phase_name(document, phase),
            start,
            until,
            share(start),
            share(end if until is None else until + _DAY) - share(start),
            start <= on and (until is None or on <= until),
            tuple(made.brief(phase)),
        )
        for phase, start, until in zip(phases, starts, ends, strict=True)
    )
    today = share(on) if first <= on < end else None
    return Band(first, end - _DAY, last is None, shown, today)


def _is_unlimited(line: Part) -> bool:
    allotment = line.get("allotment")
    return allotment is not None and allotment.get("quantity") is None


def _includes(line: Part) -> bool:
    allotment: Part = line.get("allotment") or {}
    return bool(says.decimal(allotment.get("quantity")) or says.decimal(line.get("free_quantity")))


def _one(unit: str) -> str:
    """Return the singular of a unit: pages, copies; what has another plural stays."""
    if unit.endswith("ies"):
        return f"{unit[:-3]}y"
    return unit[:-1] if unit.endswith("s") and not unit.endswith("ss") else unit


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _named(parts: Iterable[Part]) -> list[str]:
    return [str(part["name"]) for part in parts]


def _span(credit: Part) -> str:
    start, end = says.day(credit.get("valid_from")), says.day(credit.get("valid_to"))
    said = f" from {words.day(start, year=True)}" if start else ""
    return f"{said} through {words.day(end, year=True)}" if end else said


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(one) for one in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(one)}" for name, one in value.items())
    return {True: "yes", False: "no", None: "–"}.get(value, "") if _is_word(value) else str(value)


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _sure(day: date | None) -> date:
    """Return a day that every document has."""
    return day or date.min
