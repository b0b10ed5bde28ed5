"""Minimum: the smallest quantity among the events."""

from collections.abc import Iterable
from decimal import Decimal

from tallybook.aggregations._shape import Parts, Row

READS = "quantity"
ADDS = False
EMPTY = None
CARRIES = False
SQL = ("min(quantity)",)


def fold(rows: Iterable[Row]) -> Decimal | None:
    return min((row.value for row in rows), default=None)


def merge(earlier: Parts, later: Parts) -> Parts:
    return (min(earlier[0], later[0]),)


def finish(parts: Parts) -> Decimal | None:
    return Decimal(parts[0])
