"""The terms of contracts as they stand today, with the rates that hold today, for checks of how
contracts are set up. Counts no use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from tallybook.model.check import Found
from tallybook.model.contract import BaseCharge, Contract, Cycle, MeterGroup
from tallybook.model.position import Position
from tallybook.model.price import Price
from tallybook.model.quantity import EXACT
from tallybook.model.view import View
from tallybook.positions.agreement import NEVER, Agreement, agreement
from tallybook.positions.items import Segment, items, segments, turns
from tallybook.positions.layers import Layer, layer_on
from tallybook.positions.rating import price_in
from tallybook.pricing._raise import raised_amount

_DAY: Final = timedelta(days=1)
#: The digits of a sum for which no exact decimal exists: beyond those of any price.
_MONTHLY_DIGITS: Final = 38


@dataclass(frozen=True, slots=True)
class Agreed:
    """A contract in force on its local day `day`, `terms` as they hold then."""

    number: str
    day: date
    terms: Contract
    agreed: Agreement

    @property
    def rates(self) -> Iterator[tuple[str, str, Decimal]]:
        """Yield each part that is charged by the unit, a meter of it, and the rate of a unit."""
        for line in self.terms.lines:
            price = line.price or {}
            if price.get("model") == "per_unit" and line.meter is not None:
                rate = Decimal(str(price["unit_amount"]))
                yield line.code, line.meter, self._raised("line", line.code, rate)
        for group in self.terms.meter_groups:
            rate_ = self.rate(group)
            if rate_ is not None:
                yield group.name, group.meters[0], rate_

    @property
    def priced(self) -> Iterator[tuple[str, str | None, Price]]:
        """Yield each line and group whose price is not one rate of a unit, a meter of it, None of a
        fixed quantity, and the price, planned increases included.
        """
        known = {code for code, _, _ in self.rates}
        for item in items(self.terms):
            if item.code not in known and item.price is not None:
                segments_ = segments(self.agreed, items)[item.code]
                turn = next(iter(turns(self.agreed, segments_, self.day, self.day + _DAY)))
                price = price_in(turn, item) or item.price
                yield item.code, next(iter(item.meters), None), price

    def turns(self, ahead: int) -> list["Agreed"]:
        """Return it as it will be on each of the next `ahead` days on which terms or periods of
        billing begin, which is when rates change.
        """
        until = self.day + timedelta(days=ahead + 1)
        days = {stretch.start for stretch in self.agreed.between(self.day, until)}
        days |= {span.start for span in self.agreed.periods(self.day, until)}
        found = ((day, self.agreed.on(day)) for day in sorted(days) if day > self.day)
        return [
            Agreed(self.number, day, terms, self.agreed)
            for day, terms in found
            if terms is not None
        ]

    @property
    def layer(self) -> Layer:
        """Return the terms that hold on the day, which know the lengths of cycles."""
        return layer_on(self.terms, self.day)

    @property
    def has_end(self) -> bool:
        """Tell whether it ends."""
        return self.agreed.stretches[-1].end != NEVER

    @property
    def last_day(self) -> date:
        """Return its last day in force."""
        return self.agreed.stretches[-1].end - _DAY

    def amount(self, charge: BaseCharge) -> Decimal:
        """Return what a base charge comes to in its cycle, planned increases included."""
        amount = self._raised("base", charge.name, charge.amount)
        return EXACT.multiply(amount, charge.quantity)

    def rate(self, group: MeterGroup) -> Decimal | None:
        """Return a group's overage rate, planned increases included: the one it names, else that of
        its only tier; None where there are several, or none.
        """
        rate = group.overage_rate
        if rate is None and group.overage_tiers and len(group.overage_tiers) == 1:
            only = group.overage_tiers[0]
            rate = None if only.flat_amount else only.unit_amount
        return None if rate is None else self._raised("overage", group.name, rate)

    def _raised(self, kind: str, name: str, amount: Decimal) -> Decimal:
        applies_to = "base" if kind == "base" else "overage"
        for planned in self.terms.rate_schedules:
            if planned.applies_to == applies_to and planned.ref in {None, name}:
                times = self._turn(kind, name) // planned.every
                amount = raised_amount(amount, planned.percent, times, planned.places)
        return amount

    def _turn(self, kind: str, name: str) -> int:
        """Return how many cycles of a part have gone by."""
        known: Sequence[Segment[Any]]
        if kind == "line":
            known = segments(self.agreed, items)[name]
        else:
            known = segments(self.agreed, _base_charges if kind == "base" else _meter_groups)[name]
        return next(iter(turns(self.agreed, known, self.day, self.day + _DAY))).number


def today(view: View) -> Iterator[tuple[str, date, Agreement]]:
    """Yield all contracts with the local day it is for each, also those not in force."""
    for number in view.contracts():
        agreed = agreement(view.directory, number)
        yield number, agreed.calendar_on(view.now.date()).day_of(view.now), agreed


def in_force(view: View, numbers: Iterable[str] | None = None) -> Iterator[Agreed]:
    """Yield the contracts that are in force now, each on its own local day: those looked at, or
    some others that count beside them.
    """
    for number in view.contracts() if numbers is None else numbers:
        agreed = agreement(view.directory, number)
        day = agreed.day_of(view.now)
        terms = None if day is None else agreed.on(day)
        if day is not None and terms is not None:
            yield Agreed(number, day, terms, agreed)


def over(view: View) -> Iterator[Agreed]:
    """Yield the contracts that ended after `since`, each on its last day."""
    for number in view.contracts():
        agreed = agreement(view.directory, number)
        end = agreed.ends_at
        if end is not None and view.since < end <= view.now:
            last = agreed.stretches[-1]
            yield Agreed(number, last.end - _DAY, last.terms, agreed)


def terms_of(one: Agreed, position: Position) -> Contract:
    """Return the terms of a line where it stands: of today, or of the last day of a cycle that is
    over.
    """
    return one.agreed.on(min(one.day, position.period.end_date - _DAY)) or one.terms


def found(
    one: Agreed,
    state: str,
    message: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    *,
    part: str = "",
    step: str = "",
) -> Found:
    """Return a finding of a contract, or of a `part` of it: CONTRACT/PART."""
    return Found(
        entity=f"{one.number}/{part}" if part else one.number,
        account=one.terms.account,
        state=state,
        message=message,
        inputs=inputs,
        outputs=outputs,
        currency=one.agreed.currency,
        contract=one.number,
        branch=one.terms.branch,
        step=step,
    )


def a_month(one: Agreed, amounts: Iterable[tuple[Decimal, Cycle]]) -> Fraction:
    """Return amounts, each of a cycle, added up and brought to one month, exactly."""
    sums: dict[Fraction, Decimal] = {}
    layer = one.layer
    for amount, cycle in amounts:
        months = layer.months(cycle)
        known = sums.get(months)
        sums[months] = amount if known is None else EXACT.add(known, amount)
    parts = [Fraction(amount) / months for months, amount in sums.items()]
    return parts[0] if len(parts) == 1 else sum(parts, Fraction(0))


def decimal(value: Fraction) -> Decimal:
    """Return a fraction as a decimal, with as many digits as a price may have."""
    digits = EXACT.copy()
    digits.prec = _MONTHLY_DIGITS
    return digits.divide(Decimal(value.numerator), Decimal(value.denominator))


def _base_charges(terms: Contract) -> Iterable[BaseCharge]:
    return terms.base_charges


def _meter_groups(terms: Contract) -> Iterable[MeterGroup]:
    return terms.meter_groups
