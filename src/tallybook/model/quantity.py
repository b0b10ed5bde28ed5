"""Exact numbers: reading a quantity or a price from text, and writing it again. Never floats."""

import re
from collections.abc import Iterable
from decimal import Context, Decimal, localcontext
from typing import Final

from tallybook.model import limits
from tallybook.model.errors import Invalid

#: Wide enough for any product of a quantity and a price, so arithmetic never rounds by itself.
EXACT: Final = Context(prec=120)

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


def parse_decimal(text: str, *, field: str = "number") -> Decimal:
    """Read a finite decimal that is neither too large nor too small.

    The exponent is checked before anything is expanded: a ten-byte number must not cost seconds.

    Raises:
        Invalid: `number_invalid` or `number_out_of_range`.
    """
    if not _NUMBER.fullmatch(text.strip()):
        raise Invalid("number_invalid", f"{field} is not a decimal number.", field=field)
    return check_exponent(Decimal(text.strip()), field=field)


def check_exponent(value: Decimal, *, field: str = "number") -> Decimal:
    """Refuse NaN, infinities, and a first digit over 38 places from the point.

    Raises:
        Invalid: `number_invalid` or `number_out_of_range`.
    """
    if not value.is_finite():
        raise Invalid("number_invalid", f"{field} must be a finite number.", field=field)
    if value and not -limits.PRICE_DIGITS_MAX <= value.adjusted() <= limits.PRICE_DIGITS_MAX:
        raise Invalid(
            "number_out_of_range",
            f"{field} is too large or too small; write a number whose first digit is at most "
            f"{limits.PRICE_DIGITS_MAX} places from the point.",
            field=field,
            limit=limits.PRICE_DIGITS_MAX,
            asked=value.adjusted(),
        )
    return value


def parse_quantity(text: str, *, field: str = "quantity") -> Decimal:
    """Read a quantity: at most 18 integer and 12 fraction digits.

    Raises:
        Invalid: as `parse_decimal`, or `quantity_out_of_range`.
    """
    value = parse_decimal(text, field=field)
    if not fits_quantity(value):
        raise Invalid(
            "quantity_out_of_range",
            f"{field} has more than {limits.QUANTITY_INTEGER_DIGITS_MAX} integer or "
            f"{limits.QUANTITY_FRACTION_DIGITS_MAX} fraction digits; write it with fewer.",
            field=field,
        )
    return value


def parse_price(text: str, *, field: str = "amount") -> Decimal:
    """Read an amount of money a unit or a period costs: at most 38 digits.

    Raises:
        Invalid: as `parse_decimal`; too many digits are `number_out_of_range` too.
    """
    value = parse_decimal(text, field=field)
    digits = len(value.as_tuple().digits)
    if digits > limits.PRICE_DIGITS_MAX:
        raise Invalid(
            "number_out_of_range",
            f"{field} has {digits} digits, more than {limits.PRICE_DIGITS_MAX}.",
            field=field,
            limit=limits.PRICE_DIGITS_MAX,
            asked=digits,
        )
    return value


def fits_quantity(value: Decimal) -> bool:
    """Tell whether a finite decimal is storable as DECIMAL(38,12) with 18 integer digits."""
    if not value:
        return True
    if len(value.as_tuple().digits) > EXACT.prec:  # what follows would round it
        return False
    normal = value.normalize(EXACT)
    exponent = normal.as_tuple().exponent
    return (
        normal.adjusted() < limits.QUANTITY_INTEGER_DIGITS_MAX
        and isinstance(exponent, int)
        and exponent >= -limits.QUANTITY_FRACTION_DIGITS_MAX
    )


def exact_sum(parts: Iterable[Decimal]) -> Decimal:
    """Add decimals up without rounding, however long they are."""
    with localcontext(EXACT):
        return sum(parts, Decimal(0))


def exact_text(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros: one text for one value."""
    with localcontext(EXACT):
        if not value:
            return "0"
        return format(value.normalize(), "f")
