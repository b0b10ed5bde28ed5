"""What every price model offers; the models themselves are the files of `pricing`."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, NamedTuple, Protocol

from tallybook.model.quantity import EXACT

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

    def beyond(self, included: Decimal) -> "Billable":
        """Return what is left when the first `included` units are taken away, piece by piece."""
        rest = max(_ZERO, EXACT.subtract(self.quantity, included))
        if self.pieces is None:
            return Billable(rest)
        left, pieces = included, []
        for piece in self.pieces:
            taken = min(max(left, _ZERO), piece.quantity)
            left = EXACT.subtract(left, taken)
            if piece.quantity > taken or not piece.quantity:
                pieces.append(piece._replace(quantity=EXACT.subtract(piece.quantity, taken)))
        return Billable(rest, tuple(pieces))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a charge, for explanation: `tier` counts from 0; amounts are unrounded."""

    tier: int
    quantity: Decimal
    unit_amount: Decimal | None
    flat_amount: Decimal | None
    amount: Decimal


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
