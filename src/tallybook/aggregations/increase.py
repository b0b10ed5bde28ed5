"""Increase: the rises of a counter, summed; a fall is a reset and never negative use."""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from tallybook.aggregations._shape import Parts, Row
from tallybook.model.quantity import EXACT

READS = "rise"
# A rise belongs to the later of its two readings, so no window and no part needs another's.
ADDS = True
EMPTY = Decimal(0)
CARRIES = False
SQL = ("sum(quantity)",)
# Its sums wrap silently at the width of what is summed.
CLICKHOUSE = ("sum(toDecimal256(quantity, 12))",)


def fold(rows: Iterable[Row]) -> Decimal | None:
    with localcontext(EXACT):
        return sum((row.value for row in rows), EMPTY)


def merge(earlier: Parts, later: Parts) -> Parts:
    with localcontext(EXACT):
        return (earlier[0] + later[0],)


def finish(parts: Parts) -> Decimal | None:
    return Decimal(parts[0])
