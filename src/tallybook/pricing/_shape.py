"""What the models of this room are made of: amounts that are never negative, and what all that look
at the quantity alone have in common.
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Final

from pydantic import Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from tallybook.model.nouns import Amount, Noun, Quantity
from tallybook.pricing._raise import RATE

ZERO: Final = Decimal(0)

#: An amount in the contract's currency.
Money = Annotated[Amount, Field(ge=0)]
#: The same for each unit or package: what planned increases raise.
Rate = Annotated[Amount, Field(ge=0), RATE]
#: A part of an amount: 0.02 is 2 %. Planned increases leave it.
Fraction = Annotated[Amount, Field(ge=0)]
#: A size or an end.
Size = Annotated[Quantity, Field(gt=0)]


def fault(field: tuple[int | str, ...], sentence: str) -> ValidationError:
    """Return what a validator raises of a field within what it checks."""
    error = PydanticCustomError("price", "{sentence}", {"sentence": sentence})
    found = InitErrorDetails(type=error, loc=field, input=None)
    return ValidationError.from_exception_data("price", [found])


class ByQuantity(Noun):
    """A price that looks at the quantity alone, however many events it came from."""

    BY_EVENT: ClassVar = False

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return none: only the quantity counts."""
        return ()
