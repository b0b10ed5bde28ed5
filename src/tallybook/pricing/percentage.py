"""Price model `percentage`: a fraction of each event's amount, and an amount for each event."""

from decimal import Decimal
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from tallybook.model import nouns
from tallybook.model.nouns import Document, Noun
from tallybook.model.price import Billable, Limit, Part
from tallybook.model.quantity import EXACT
from tallybook.pricing._shape import ZERO, Fraction, Money


class Percentage(Noun):
    """For each event, in this order: amount × `rate` (0.02 is 2 %), plus `fixed_amount`, at most
    `max`, at least `min`. An event with a negative amount gives back amount × `rate`, at most
    `max`, and nothing else.
    """

    BY_EVENT: ClassVar = True

    model: Literal["percentage"] = "percentage"
    rate: Fraction
    fixed_amount: Money = ZERO
    min: Money | None = None
    max: Money | None = None

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return none: only the amount of each event counts."""
        return ()

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min lies above max; raise max, or lower min")
        return self

    def charge(self, use: Billable) -> Decimal:
        """Return the sum over the events."""
        amount = ZERO
        for part in self.parts(use):
            amount = EXACT.add(amount, part.amount)
        return amount

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return one part for the events at the plain rate, one for those cut to `max`, one for
        those raised to `min`; `count` says how many pay its flat amount.
        """
        sums: dict[Limit | None, tuple[Decimal, int]] = {}
        for event in use.events:
            limit, count = self._limit(event.quantity)
            quantity, counted = sums.get(limit, (ZERO, 0))
            sums[limit] = EXACT.add(quantity, event.quantity), counted + count
        return tuple(
            self._part(limit, *sums[limit]) for limit in (None, "max", "min") if limit in sums
        )

    def _limit(self, amount: Decimal) -> tuple[Limit | None, int]:
        """Return which limit an event meets, and how often it pays the flat amount of its part."""
        if amount < 0:
            given_back = EXACT.multiply(EXACT.minus(amount), self.rate)
            return ("max", -1) if self.max is not None and given_back > self.max else (None, 0)
        fee = EXACT.fma(amount, self.rate, self.fixed_amount)
        if self.max is not None and fee > self.max:
            return "max", 1
        return ("min" if self.min is not None and fee < self.min else None), 1

    def _part(self, limit: Limit | None, quantity: Decimal, count: int) -> Part:
        if limit is None:
            flat = EXACT.multiply(self.fixed_amount, count)
            amount = EXACT.fma(quantity, self.rate, flat)
            fixed = self.fixed_amount or None
            return Part(0, quantity, None, fixed, amount, rate=self.rate, count=count)
        most = (self.max if limit == "max" else self.min) or ZERO
        return Part(0, quantity, None, most, EXACT.multiply(most, count), count=count, limit=limit)


def parse(document: Document) -> Percentage:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(Percentage, document)
