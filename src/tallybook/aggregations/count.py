"""Count: how many events there are; with a property, how many have it and not as null."""

from collections.abc import Iterable
from decimal import Decimal

from tallybook.aggregations._shape import Parts, Row

READS = "presence"
ADDS = True
EMPTY = Decimal(0)
CARRIES = False
SQL = ("count(*)",)


def fold(rows: Iterable[Row]) -> Decimal | None:
    return Decimal(len(list(rows)))


def merge(earlier: Parts, later: Parts) -> Parts:
    return (earlier[0] + later[0],)


def finish(parts: Parts) -> Decimal | None:
    return Decimal(parts[0])
