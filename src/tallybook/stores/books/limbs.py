"""Decimals as integer columns, so that every database sorts and adds them up exactly.

A value is millions × 10^6 + units ÷ 10^12 + (amounts only) rest ÷ 10^24, with 0 ≤ units < 10^18
and 0 ≤ rest < 10^12. Values beyond 2 × 10^19 are cut, so that no sum of a fleet overflows; an
amount's digits past the 24th are rounded. The position itself is stored whole beside them.
"""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, func

from tallybook.model.quantity import EXACT
from tallybook.stores.books.schema import LIMBS

_MAX: Final = Decimal(20_000_000_000_000_000_000)
_ONE: Final = Decimal(1)
_MILLION: Final = 10**18
#: Digits of a fraction that one column holds.
_LIMB_DIGITS: Final = 12
_REST: Final = 10**_LIMB_DIGITS
#: Sums of units would overflow after nine lines, so their halves are added up apart.
_HALF: Final = 10**9


def split(name: str, value: Decimal | None) -> tuple[int | None, ...]:
    """Return the columns of a value, in the order of `LIMBS`."""
    limbs = LIMBS[name]
    if value is None:
        return (None,) * len(limbs)
    value = max(-_MAX, min(_MAX, value))
    places = _LIMB_DIGITS * (len(limbs) - 1)
    number = int(value.scaleb(places, EXACT).quantize(_ONE, ROUND_HALF_UP, EXACT))
    if places == _LIMB_DIGITS:
        return divmod(number, _MILLION)
    upper, rest = divmod(number, _REST)
    return (*divmod(upper, _MILLION), rest)


def sums(table: FromClause, name: str) -> Iterator[ColumnElement[Any]]:
    """Yield the sums that `added` makes one number of."""
    columns = table.c
    yield func.sum(columns[f"{name}_m"])
    yield func.sum(columns[f"{name}_u"].op("/")(_HALF))
    yield func.sum(columns[f"{name}_u"] % _HALF)
    if "n" in LIMBS[name]:
        yield func.sum(columns[f"{name}_n"])


def whole(found: Sequence[int | None]) -> int:
    """Return the columns of one value as one integer, in its least unit; of none it is zero."""
    millions, units, *rest = (part or 0 for part in found)
    number = millions * _MILLION + units
    return number * _REST + rest[0] if rest else number


def added(found: Sequence[Any]) -> int:
    """Return the number whose sums were found, in its least unit; of nothing it is zero."""
    millions, upper, lower, *rest = (int(part or 0) for part in found)
    return whole((millions, upper * _HALF + lower, *rest))


def decimal(name: str, number: int) -> Decimal:
    """Return what so many least units are."""
    return EXACT.scaleb(Decimal(number), -_LIMB_DIGITS * (len(LIMBS[name]) - 1))
