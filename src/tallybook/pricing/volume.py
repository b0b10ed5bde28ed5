"""Price model `volume`: the whole quantity has the price of the tier it reaches."""

from decimal import Decimal
from typing import Literal

from tallybook.model import nouns
from tallybook.model.nouns import Document
from tallybook.model.price import Billable, Part
from tallybook.pricing._tiers import Tiered, Tiers, UnitTier


class Volume(Tiered):
    """Tiers of an amount a unit for all of it, and the flat amount of the tier reached; so more may
    cost less: 500 at 2.00 are 1,000.00, 501 at 1.50 are 751.50.
    """

    model: Literal["volume"] = "volume"
    tiers: Tiers[UnitTier]

    def charge(self, use: Billable) -> Decimal:
        """Return quantity × unit amount of the tier reached, and that tier's flat amount."""
        reached = self.walk.tier(use.quantity)
        return self.tiers[reached].part(reached, use.quantity).amount

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return the single part of this charge: the tier reached."""
        reached = self.walk.tier(use.quantity)
        return (self.tiers[reached].part(reached, use.quantity),)


def parse(document: Document) -> Volume:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(Volume, document)
