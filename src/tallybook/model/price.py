"""What every price model offers; the models themselves are the files of `pricing`."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a charge, for explanation: `tier` counts from 0; amounts are unrounded."""

    tier: int
    quantity: Decimal
    unit_amount: Decimal | None
    flat_amount: Decimal | None
    amount: Decimal


class Price(Protocol):
    """Turns a quantity of at least zero into an unrounded amount, and says how."""

    def charge(self, quantity: Decimal) -> Decimal:
        """Return the amount for a quantity: exact, never rounded."""

    def parts(self, quantity: Decimal) -> tuple[Part, ...]:
        """Return the pieces whose amounts add up to the charge."""
