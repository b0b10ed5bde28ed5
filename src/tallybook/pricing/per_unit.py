"""Price model `per_unit`: every unit costs the same."""

from decimal import Decimal
from typing import Literal

from tallybook.model import nouns
from tallybook.model.nouns import Document
from tallybook.model.price import Billable, Part
from tallybook.model.quantity import EXACT
from tallybook.pricing._shape import ByQuantity, Rate


class PerUnit(ByQuantity):
    """An amount for each unit, in the contract's currency."""

    model: Literal["per_unit"] = "per_unit"
    unit_amount: Rate

    def charge(self, use: Billable) -> Decimal:
        """Return quantity × unit amount, unrounded."""
        return EXACT.multiply(use.quantity, self.unit_amount)

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return the single part of this charge."""
        return (Part(0, use.quantity, self.unit_amount, None, self.charge(use)),)


def parse(document: Document) -> PerUnit:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(PerUnit, document)
