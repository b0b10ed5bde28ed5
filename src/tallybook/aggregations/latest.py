"""Latest: the quantity of the newest event by time; at the same time, of the last to arrive."""

from collections.abc import Iterable
from decimal import Decimal

from tallybook.aggregations._shape import Parts, Row

READS = "quantity"
ADDS = False
EMPTY = None
CARRIES = True
SQL = ("arg_max(quantity, (time, seq))",)
CLICKHOUSE = ("argMax(quantity, (time, seq))",)


def fold(rows: Iterable[Row]) -> Decimal | None:
    newest = max(rows, key=lambda row: (row.time, row.seq), default=None)
    return None if newest is None else newest.value


def merge(_earlier: Parts, later: Parts) -> Parts:
    return later


def finish(parts: Parts) -> Decimal | None:
    return Decimal(parts[0])
