"""The terms of a contract as written: its own, and those of each phase with what the phase leaves
to the contract; and where in the document each part of them stands. Judges nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from tallybook.model.contract import TERMS, Contract, Cycle, MeterGroup
from tallybook.positions.agreement import NEVER, laid_over, phase_on, term_cycle
from tallybook.positions.periods import add_days, months

_MONTHS: Final = {"month": 1, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}


class Length(NamedTuple):
    """How long a cycle is: so many months, days or terms. Two alike come round together."""

    unit: str
    units: int


@dataclass(frozen=True, slots=True)
class Layer:
    """Terms that hold together on some days. `where` names the path of each of their parts, and
    `own` those that this layer itself writes.
    """

    terms: Contract
    where: Mapping[str, str]
    own: frozenset[str]

    def at(self, part: str, *path: str | int) -> str:
        """Return the path of something in a part."""
        return ".".join(map(str, (self.where[part], *path)))

    def length(self, cycle: Cycle) -> Length:
        """Return how long a cycle is; one without a unit is as long as the billing's."""
        unit, count = cycle.cycle_unit, cycle.cycle_length
        if unit is None:
            unit, count = self.terms.billing.cycle_unit, self.terms.billing.cycle_length
        if unit == "term":
            return Length("term", 1)
        if unit in _MONTHS:
            return Length("month", count * _MONTHS[unit])
        return Length("day", count * _DAYS[unit])

    def months(self, cycle: Cycle) -> Fraction:
        """Return a cycle's length in months, exactly, to compare it with another."""
        length = self.length(cycle)
        if length.unit == "month":
            return months("month", length.units)
        if length.unit == "day":
            return months("day", length.units)
        last = self.terms.end_date
        end = NEVER if last is None else add_days(last, 1)
        return months(*term_cycle(self.terms.start_date, end, None))

    def group(self, name: str | None) -> MeterGroup | None:
        """Return the meter group of a name."""
        return next((group for group in self.terms.meter_groups if group.name == name), None)


def layers(contract: Contract) -> Iterator[Layer]:
    """Yield the contract's own terms, then those of each phase."""
    yield _layer(contract, None)
    for place in range(len(contract.phases)):
        yield _layer(contract, place)


def layer_on(contract: Contract, day: date) -> Layer:
    """Return the terms that hold on a day."""
    return _layer(contract, phase_on(contract, day))


def _layer(contract: Contract, place: int | None) -> Layer:
    if place is None:
        return Layer(contract, {name: name for name in TERMS}, frozenset(TERMS))
    phase = contract.phases[place]
    own = frozenset(name for name in TERMS if getattr(phase, name) is not None)
    where = {name: f"phases.{place}.{name}" if name in own else name for name in TERMS}
    return Layer(laid_over(contract, place), where, own)
