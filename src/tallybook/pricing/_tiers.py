"""Tiers: their shapes, what makes a list of them valid, and the one walk through it. Which part of
a quantity each prices is said by the models.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from tallybook.model import limits
from tallybook.model.nouns import Noun
from tallybook.model.price import Billable, Part
from tallybook.model.quantity import EXACT
from tallybook.pricing._raise import RATE
from tallybook.pricing._shape import ZERO, ByQuantity, Fraction, Money, Size, fault


class Tier(Noun):
    """A range of quantities up to and with `up_to`; null has no end. It begins where the one before
    ends, so no quantity lies between two. `flat_amount` is charged once when it is entered.
    """

    up_to: Size | None = None
    flat_amount: Money | None = None

    @property
    def factor(self) -> Decimal:
        """Return what a quantity in this tier is multiplied with."""
        return ZERO

    def part(self, tier: int, quantity: Decimal) -> Part:
        """Return what a quantity comes to in this tier, the tier's flat amount with it."""
        return Part(tier, quantity, None, self.flat_amount, self._amount(quantity))

    def _amount(self, quantity: Decimal) -> Decimal:
        return EXACT.fma(quantity, self.factor, self.flat_amount or ZERO)


class StepTier(Tier):
    """A tier with one amount for all of it."""

    flat_amount: Money


class UnitTier(Tier):
    """A tier with an amount for each unit, one for entering it, or both."""

    unit_amount: Annotated[Money | None, RATE] = None

    @property
    def factor(self) -> Decimal:
        """Return the amount for each unit."""
        return self.unit_amount or ZERO

    def part(self, tier: int, quantity: Decimal) -> Part:
        """Return what a quantity comes to in this tier, with the amount for each unit."""
        return Part(tier, quantity, self.unit_amount, self.flat_amount, self._amount(quantity))

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        if self.unit_amount is None and self.flat_amount is None:
            raise ValueError("name a unit_amount, a flat_amount or both; 0 is an amount too")
        return self


class RateTier(Tier):
    """A tier with a fraction of the amount in it, and an amount for entering it."""

    rate: Fraction

    @property
    def factor(self) -> Decimal:
        """Return the fraction."""
        return self.rate

    def part(self, tier: int, quantity: Decimal) -> Part:
        """Return what a quantity comes to in this tier, with the fraction."""
        amount = self._amount(quantity)
        return Part(tier, quantity, None, self.flat_amount, amount, rate=self.rate)


T = TypeVar("T", bound=Tier)


def _in_order(tiers: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse tiers that do not rise to a single open end, naming the tier at fault."""
    for index, tier in enumerate(tiers[:-1]):
        if tier.up_to is None:
            raise fault((index, "up_to"), "only the last tier has no end")
    if tiers[-1].up_to is not None:
        raise fault(
            (len(tiers) - 1, "up_to"), "the last tier has no end: leave it out or write null"
        )
    for index, (one, other) in enumerate(pairwise(tiers[:-1]), 1):
        if one.up_to is not None and other.up_to is not None and other.up_to <= one.up_to:
            raise fault((index, "up_to"), f"must lie above {one.up_to}, where the tier before ends")
    return tiers


#: Tiers that rise to a single open end, which is the last.
Tiers = Annotated[
    tuple[T, ...],
    Field(min_length=1, max_length=limits.TIERS_MAX),
    AfterValidator(_in_order),
]


@dataclass(frozen=True, slots=True)
class Walk:
    """A list of tiers, walked once. Of each: where it starts and ends, what all before it and
    entering it come to, and its factor.
    """

    starts: tuple[Decimal, ...]
    ends: tuple[Decimal, ...]
    before: tuple[Decimal, ...]
    factors: tuple[Decimal, ...]

    def tier(self, quantity: Decimal) -> int:
        """Return the tier that a quantity has reached: whose end it has not passed."""
        return bisect_left(self.ends, quantity)

    def sliced(self, quantity: Decimal) -> Decimal:
        """Return what a quantity comes to, each slice of it in its own tier."""
        i = bisect_left(self.ends, quantity)
        slice_ = EXACT.subtract(quantity, self.starts[i])
        return EXACT.fma(slice_, self.factors[i], self.before[i])


def walk(tiers: Sequence[Tier]) -> Walk:
    """Walk through tiers once, so that a charge is one look-up and one multiplication."""
    ends = tuple(tier.up_to for tier in tiers if tier.up_to is not None)
    starts = (ZERO, *ends)
    before, total = [], ZERO
    for start, tier in zip(starts, tiers, strict=True):
        total = EXACT.add(total, tier.flat_amount or ZERO)
        before.append(total)
        if tier.up_to is not None:
            total = EXACT.fma(EXACT.subtract(tier.up_to, start), tier.factor, total)
    return Walk(starts, ends, tuple(before), tuple(tier.factor for tier in tiers))


class Tiered(ByQuantity):
    """A price with tiers; subclasses say of which kind."""

    tiers: tuple[Tier, ...]

    @cached_property
    def walk(self) -> Walk:
        """Return its tiers, walked once."""
        return walk(self.tiers)


class Sliced(Tiered):
    """A price with tiers in which each slice of the quantity has the price of its own tier."""

    def charge(self, use: Billable) -> Decimal:
        """Return the sum over the slices, and the flat amount of each tier that is entered."""
        return self.walk.sliced(use.quantity)

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return one part for each tier entered; their quantities add up to the whole."""
        reached = self.walk.tier(use.quantity)
        edges = (*self.walk.starts[: reached + 1], use.quantity)
        return tuple(
            self.tiers[tier].part(tier, EXACT.subtract(end, start))
            for tier, (start, end) in enumerate(pairwise(edges))
        )
