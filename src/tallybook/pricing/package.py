"""Price model `package`: units come in packages, and each package begun, or filled, costs."""

from decimal import Decimal
from typing import Literal

from tallybook.model import nouns
from tallybook.model.nouns import Document
from tallybook.model.price import Billable, Part
from tallybook.model.quantity import EXACT
from tallybook.pricing._shape import ByQuantity, Rate, Size


class Package(ByQuantity):
    """An amount for each package: with `rounding` up for each one begun, down for each filled."""

    model: Literal["package"] = "package"
    package_size: Size
    package_amount: Rate
    rounding: Literal["up", "down"] = "up"

    def charge(self, use: Billable) -> Decimal:
        """Return packages × package amount."""
        return EXACT.multiply(self._packages(use.quantity), self.package_amount)

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return the single part of this charge; its flat amount is charged for each package."""
        count = int(self._packages(use.quantity))
        return (Part(0, use.quantity, None, self.package_amount, self.charge(use), count=count),)

    def _packages(self, quantity: Decimal) -> Decimal:
        whole, rest = EXACT.divmod(quantity, self.package_size)
        return EXACT.add(whole, 1) if rest and self.rounding == "up" else whole


def parse(document: Document) -> Package:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(Package, document)
