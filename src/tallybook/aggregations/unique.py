"""Unique: how many different values a property has. 1 and 1.0 are one value, "1" is another."""

from collections.abc import Iterable
from decimal import Decimal

from tallybook.aggregations._shape import Parts, Row

READS = "value"
ADDS = False
EMPTY = Decimal(0)
CARRIES = False
SQL = ("count(DISTINCT value)",)

#: A count does not say which values were counted.
merge = None


def fold(rows: Iterable[Row]) -> Decimal | None:
    return Decimal(len({row.value for row in rows}))


def finish(parts: Parts) -> Decimal | None:
    return Decimal(parts[0])
