"""What every price model offers; the models themselves are the files of `pricing`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar, Literal, NamedTuple, Protocol

from tallybook.model.quantity import EXACT

#: A bound of what an event costs.
Limit = Literal["min", "max"]

_ZERO = Decimal(0)


class Piece(NamedTuple):
    """What one event, or many alike, bring: a quantity, and the values of a price's dimensions."""

    quantity: Decimal
    values: tuple[str | None, ...] = ()


class Billable(NamedTuple):
    """Use that a price is put to. `pieces` are its events in order of (time, id), for models that
    look at each; their quantities add up to `quantity`. None is one event with all of it.
    """

    quantity: Decimal
    pieces: tuple[Piece, ...] | None = None

    @property
    def events(self) -> tuple[Piece, ...]:
        """Return the events; without pieces a quantity is one, and a quantity of 0 is none."""
        if self.pieces is not None:
            return self.pieces
        return (Piece(self.quantity),) if self.quantity else ()

    def beyond(self, included: Decimal) -> "Billable":
        """Return what is left when the first `included` units are taken away.

        Of each event remains by how much it raised what lies beyond; one wholly inside is left out,
        one that comes later stays, also with a quantity of 0.
        """
        rest = max(_ZERO, EXACT.subtract(self.quantity, included))
        if self.pieces is None or not included:
            return Billable(rest, self.pieces)
        inside, left, pieces = included, _ZERO, []
        for piece in self.pieces:
            inside = EXACT.subtract(inside, piece.quantity)
            beyond = EXACT.minus(inside) if inside < 0 else _ZERO
            if beyond != left or (not piece.quantity and inside <= 0):
                pieces.append(piece._replace(quantity=EXACT.subtract(beyond, left)))
            left = beyond
        return Billable(rest, tuple(pieces))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a charge, for explanation: amounts are unrounded, `tier` counts from 0.

    amount = quantity × (unit_amount or rate) + flat_amount × count. `rate` is a fraction, `count`
    how many events or packages pay the flat amount, `limit` the bound that these events met,
    `values` those of the cell of a matrix, whose `tier` counts its cells.
    """

    tier: int
    quantity: Decimal
    unit_amount: Decimal | None
    flat_amount: Decimal | None
    amount: Decimal
    rate: Decimal | None = None
    count: int = 1
    limit: Limit | None = None
    values: tuple[str | None, ...] | None = None


class Price(Protocol):
    """Turns what is billable into an unrounded amount, and says how."""

    #: Whether it looks at each event rather than at the quantity alone.
    BY_EVENT: ClassVar[bool]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return the properties whose values it looks at, in the order of `Piece.values`."""

    def charge(self, use: Billable) -> Decimal:
        """Return the amount for some use: exact, never rounded."""

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return the pieces whose amounts add up to the charge."""


def risen(after: Sequence[Part], before: Sequence[Part]) -> tuple[Part, ...]:
    """Return what each part of a charge rose by, from what it was before; none that did not."""
    found: dict[tuple[int, Limit | None], Part] = {}
    taken = (_negative(part) for part in before)
    for part in (*after, *taken):
        known = found.get((part.tier, part.limit))
        found[part.tier, part.limit] = part if known is None else _sum(known, part)
    return tuple(part for part in found.values() if part.quantity or part.amount or part.count)


def _negative(part: Part) -> Part:
    return replace(
        part,
        quantity=EXACT.minus(part.quantity),
        amount=EXACT.minus(part.amount),
        count=-part.count,
    )


def _sum(one: Part, other: Part) -> Part:
    return replace(
        one,
        quantity=EXACT.add(one.quantity, other.quantity),
        amount=EXACT.add(one.amount, other.amount),
        count=one.count + other.count,
    )
