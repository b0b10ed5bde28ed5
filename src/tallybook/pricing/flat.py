"""Price model `flat`: one amount, whatever the quantity."""

from decimal import Decimal
from typing import Literal

from tallybook.model import nouns
from tallybook.model.nouns import Document
from tallybook.model.price import Billable, Part
from tallybook.pricing._shape import ByQuantity, Money


class Flat(ByQuantity):
    """An amount for each cycle, also without use."""

    model: Literal["flat"] = "flat"
    amount: Money

    def charge(self, use: Billable) -> Decimal:
        """Return the amount, whatever the use."""
        return self.parts(use)[0].amount

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return the single part of this charge."""
        return (Part(0, use.quantity, None, self.amount, self.amount),)


def parse(document: Document) -> Flat:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(Flat, document)
