"""Average: the mean quantity of the events, with 12 places, half away from zero."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from tallybook.aggregations._shape import Parts, Row
from tallybook.model.quantity import EXACT

READS = "quantity"
ADDS = False
EMPTY = None
CARRIES = False
# Engines never divide: they return the sum and the count.
SQL = ("sum(quantity)", "count(quantity)")
# Its sums wrap silently at the width of what is summed.
CLICKHOUSE = ("sum(toDecimal256(quantity, 12))", "count(quantity)")

_PLACES: Final = Decimal("1e-12")


def fold(rows: Iterable[Row]) -> Decimal | None:
    values = [row.value for row in rows]
    with localcontext(EXACT):
        return finish((sum(values, Decimal(0)), len(values))) if values else None


def merge(earlier: Parts, later: Parts) -> Parts:
    with localcontext(EXACT):
        return (earlier[0] + later[0], earlier[1] + later[1])


def finish(parts: Parts) -> Decimal | None:
    total, count = Decimal(parts[0]), Decimal(parts[1])
    with localcontext(EXACT):
        return (total / count).quantize(_PLACES, ROUND_HALF_UP)
