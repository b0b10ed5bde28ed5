"""Maximum: the greatest quantity among the events."""

from collections.abc import Iterable
from decimal import Decimal

from tallybook.aggregations._shape import Parts, Row

READS = "quantity"
ADDS = False
EMPTY = None
CARRIES = False
SQL = ("max(quantity)",)


def fold(rows: Iterable[Row]) -> Decimal | None:
    return max((row.value for row in rows), default=None)


def merge(earlier: Parts, later: Parts) -> Parts:
    return (max(earlier[0], later[0]),)


def finish(parts: Parts) -> Decimal | None:
    return Decimal(parts[0])
