"""Price model `stairstep`: one amount for the range that the quantity reaches."""

from decimal import Decimal
from typing import Literal

from tallybook.model import nouns
from tallybook.model.nouns import Document
from tallybook.model.price import Billable, Part
from tallybook.pricing._tiers import StepTier, Tiered, Tiers


class Stairstep(Tiered):
    """Tiers of a flat amount; the first one is reached at quantity 0."""

    model: Literal["stairstep"] = "stairstep"
    tiers: Tiers[StepTier]

    def charge(self, use: Billable) -> Decimal:
        """Return the flat amount of the tier reached."""
        return self.tiers[self.walk.tier(use.quantity)].flat_amount

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return the single part of this charge: the tier reached."""
        reached = self.walk.tier(use.quantity)
        return (self.tiers[reached].part(reached, use.quantity),)


def parse(document: Document) -> Stairstep:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(Stairstep, document)
