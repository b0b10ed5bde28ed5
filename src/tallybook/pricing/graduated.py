"""Price model `graduated`: each slice of the quantity has the price of its own tier."""

from typing import Literal

from tallybook.model import nouns
from tallybook.model.nouns import Document
from tallybook.pricing._tiers import Sliced, Tiers, UnitTier


class Graduated(Sliced):
    """Tiers of an amount a unit, each for the slice that lies in it."""

    model: Literal["graduated"] = "graduated"
    tiers: Tiers[UnitTier]


def parse(document: Document) -> Graduated:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(Graduated, document)
