"""Price model `graduated_percentage`: a fraction of each slice of an amount, by its own tier."""

from typing import Literal

from tallybook.model import nouns
from tallybook.model.nouns import Document
from tallybook.pricing._tiers import RateTier, Sliced, Tiers


class GraduatedPercentage(Sliced):
    """Tiers of a rate (0.02 is 2 %), each for the slice of the whole amount that lies in it."""

    model: Literal["graduated_percentage"] = "graduated_percentage"
    tiers: Tiers[RateTier]


def parse(document: Document) -> GraduatedPercentage:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(GraduatedPercentage, document)
