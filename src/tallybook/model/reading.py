"""What a meter reads from an event's data: a property, a quantity, whether a filter holds.

These are the rules; stores answer the same in their own language, and the laws compare them.
Numbers are int or Decimal.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tallybook.model.errors import Invalid
from tallybook.model.limits import PRICE_DIGITS_MAX
from tallybook.model.nouns import FilterTerm
from tallybook.model.quantity import exact_text, fits_quantity, parse_quantity

#: A text that counts as a quantity: plain digits, no exponent and no blanks.
_PLAIN: Final = re.compile(r"[+-]?0*[0-9]{1,18}(\.[0-9]{1,12}0*)?", re.ASCII)


def property_at(data: object, path: str) -> Any:
    """Return the value at a dotted path, which reaches into objects only; None if missing."""
    for name in path.split("."):
        if not isinstance(data, Mapping):
            return None
        data = data.get(name)
    return data


def quantity_of(value: object) -> Decimal:
    """Read a property as a quantity: a number, or a text of plain digits (`"100"` is 100).

    Raises:
        Invalid: `quantity_missing` for null and empty text, `quantity_invalid` for all that is no
            number or has more than 18 integer or 12 fraction digits.
    """
    if value is None or value == "":
        raise Invalid("quantity_missing", "The event does not have the quantity.")
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        number = Decimal(value)
        if _is_near(number) and fits_quantity(number):
            return number
    elif isinstance(value, str) and _PLAIN.fullmatch(value):
        return parse_quantity(value)
    raise Invalid("quantity_invalid", "The event's quantity cannot be read as a number.")


def _is_near(number: Decimal) -> bool:
    """Tell whether a number may be expanded: an exponent of millions would cost seconds."""
    return number.is_finite() and (not number or abs(number.adjusted()) <= PRICE_DIGITS_MAX)


def is_scalar(value: object) -> bool:
    """Tell a text, number, true or false from null, objects and arrays."""
    return value is not None and not isinstance(value, (Mapping, list))


def shown(value: object) -> str | None:
    """Write a scalar as people read it, and as the values of a dimension are; None for all else."""
    if not is_scalar(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return exact_text(Decimal(value)) if isinstance(value, (int, Decimal)) else str(value)


def holds(term: FilterTerm, data: object) -> bool:
    """Tell whether one condition holds; a missing property is null."""
    value = property_at(data, term.property)
    if term.op == "exists":
        return (value is not None) is term.value
    if term.op in {"eq", "in", "ne", "not_in"}:
        values = term.value if term.op in {"in", "not_in"} else [term.value]
        return any(_same(value, v) for v in values) is (term.op in {"eq", "in"})
    if isinstance(term.value, str):
        return isinstance(value, str) and _in_order(term.op, value.encode(), term.value.encode())
    if isinstance(value, (str, bool)):
        return False
    try:
        return _in_order(term.op, quantity_of(value), Decimal(term.value))
    except Invalid:
        return False


def _same(value: object, other: object) -> bool:
    """Compare JSON values by type: 1 equals 1.0, but neither "1" nor true."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    return is_scalar(value) is is_scalar(other) and value == other


def _in_order(op: str, value: Any, limit: Any) -> bool:
    if op == "gt":
        return bool(value > limit)
    if op == "gte":
        return bool(value >= limit)
    return bool(value < limit) if op == "lt" else bool(value <= limit)
