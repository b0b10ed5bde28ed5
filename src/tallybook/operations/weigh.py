"""What definitions come to in money and units: the statement of each contract's current period as
it is, and as it would be with them. Writes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any, Final, NamedTuple

from tallybook.model.directory import Directory
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.model.statement import ChargeKind, ClosedStatement
from tallybook.operations.apply import Outcome
from tallybook.operations.position import whole
from tallybook.operations.rate import Basis, Course, Rated, rate, rated

_CHARGES: Final = ("lines", "base_charges", "discounts", "commitments")


class Name(NamedTuple):
    """What makes a charge the same charge in two statements."""

    kind: ChargeKind
    code: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Charged:
    """A charge of a statement: what is included in its newest cycle (None is unlimited, or a charge
    that counts nothing), its quantity, what of it is billable, and its amount.
    """

    included: Decimal | None
    quantity: Decimal | None
    billable_quantity: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Side:
    """A statement: its period, exclusive of `end_date`, its total, and its charges."""

    start_date: date
    end_date: date
    currency: str
    total: Decimal
    charges: Mapping[Name, Charged]


@dataclass(frozen=True, slots=True)
class Effect:
    """A contract's statement before and after, None where it is not in force or may not be seen."""

    contract: str
    before: Side | None
    after: Side | None

    @property
    def differing(self) -> list[tuple[Name, Charged | None, Charged | None]]:
        """Return the charges that differ, before and after, in the order of the statement."""
        old = self.before.charges if self.before else {}
        new = self.after.charges if self.after else {}
        names = dict.fromkeys((*new, *old))
        return [(n, old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)]


def weigh(scope: Scope, basis: Basis, outcome: Outcome) -> list[Effect]:
    """Return what becomes of the current statements that definitions touch, by contract.

    `basis` is of the directory that the outcome was planned against. Where a definition is at
    fault nothing can be said of any.
    """
    if outcome.faults or not scope.sees_prices:
        return []
    numbers = sorted(_touched(outcome))
    before = _sides(scope, basis, numbers)
    after = _sides(scope, replace(basis, directory=outcome.after), numbers)
    return [Effect(n, before.get(n), after.get(n)) for n in numbers if n in before or n in after]


def _touched(outcome: Outcome) -> set[str]:
    """Return the contracts that change, or whose account or meters do."""
    changed = {(item.noun, item.key) for item in outcome.items if item.state != "unchanged"}
    found = {key for noun, key in changed if noun == "contract"}
    if len(found) == len(changed):
        return found
    for number in outcome.before.ever("contract"):
        for span in outcome.before.spans("contract", number):
            named = {("account", span.noun.account), *(("meter", m) for m in span.noun.meters)}
            if named & changed:
                found.add(number)
    return found


def _sides(scope: Scope, basis: Basis, numbers: Iterable[str]) -> Mapping[str, Side]:
    numbers = [n for n in numbers if basis.directory.spans("contract", n)]
    closed: dict[str, list[ClosedStatement]] = {n: [] for n in numbers}
    for one in basis.statements.closed(whole(scope), numbers, basis.mark.revision):
        closed[one.contract].append(one)
    asked = []
    for number in numbers:
        course = Course(basis, number, closed[number])
        place = course.place(course.today)
        if place is not None and course.is_seen(scope, place):
            asked.append((course, [place]))
    found = (rated(one, basis.mark) for one in rate(scope, basis, asked, compared=False))
    return {one.contract: _side(one, basis.directory) for one in found}


def _side(found: Rated, directory: Directory) -> Side:
    said = found.document
    charges = {
        Name(charge["kind"], charge["code"], _unit(charge, directory)): _charged(charge)
        for group in _CHARGES
        for charge in said[group]
    }
    total = Decimal(said["total"])
    return Side(found.start_date, found.end_date, said["currency"], total, charges)


def _unit(said: Mapping[str, Any], directory: Directory) -> str | None:
    """Return what a charge counts: the unit it names, else that of its meter."""
    meters = [key for use in said["explanation"]["use"] for key in use["meters"]]
    meter = directory.meter(meters[-1]) if meters else None
    return said["unit"] or (meter.unit if meter else None)


def _charged(said: Mapping[str, Any]) -> Charged:
    included = None
    if said["explanation"]["cycles"]:
        newest = said["explanation"]["cycles"][-1]
        if not newest["is_unlimited"]:
            parts = (Decimal(newest[part]) for part in ("allotment", "rolled", "free"))
            included = reduce(EXACT.add, parts)
    quantity, billable = (
        None if said[name] is None else Decimal(said[name])
        for name in ("quantity", "billable_quantity")
    )
    return Charged(included, quantity, billable, Decimal(said["amount"]))
