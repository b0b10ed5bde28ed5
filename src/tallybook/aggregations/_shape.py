"""What an aggregation's file must offer, and how one is found by name. Computes nothing."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, NamedTuple, Protocol, cast

import tallybook.aggregations as room
from tallybook.model.errors import Invalid
from tallybook.model.kinds import load
from tallybook.model.nouns import Meter

#: What an event must have to be counted: a readable quantity, a scalar value, or nothing more
#: than the property where the meter names one. A `rise` is what a quantity, the reading of a
#: counter, has over the reading before it: 0 where it is the first, or below it.
Reads = Literal["quantity", "rise", "value", "presence"]
#: What is read from a quantity.
NUMERIC: Final = frozenset({"quantity", "rise"})
#: What a store returns for one cell: the values of the aggregation's SQL, in its order.
Parts = Sequence[Any]


class Row(NamedTuple):
    """One counted event: its instant in microseconds, ledger number, and quantity or value."""

    time: int
    seq: int
    value: Any


class Aggregation(Protocol):
    """The names in an aggregation's file.

    SQL: expressions over the columns `quantity`, `value`, `time` and `seq`. Rows with a NULL
    quantity or value are not counted: where none is, the first is NULL over quantities, else 0.
    An engine that says it otherwise has its own beside it, under its name in capitals.
    ADDS: values over disjoint spans or accounts may be added up.
    EMPTY: the value of a bucket without events.
    CARRIES: a stock meter's bucket without events shows the value before it instead.
    merge: parts of an earlier span and of the later one beside it, as parts of both; None where
    parts do not tell.
    """

    READS: Reads
    ADDS: bool
    EMPTY: Decimal | None
    CARRIES: bool
    SQL: tuple[str, ...]
    merge: Callable[[Parts, Parts], Parts] | None

    def fold(self, rows: Iterable[Row]) -> Decimal | None:
        """Aggregate rows in plain Python: what every store's answer must equal."""
        ...

    def finish(self, parts: Parts) -> Decimal | None:
        """Make the value of the parts of a cell with at least one counted row."""
        ...


@cache
def aggregation(name: str) -> Aggregation:
    """Return an aggregation by its file name.

    Raises:
        Invalid: `unknown_kind`.
    """
    return cast("Aggregation", load(room, name))


def expressions(kind: Aggregation, engine: str) -> tuple[str, ...]:
    """Return an aggregation's expressions as an engine says them."""
    return cast("tuple[str, ...]", getattr(kind, engine.upper(), kind.SQL))


def aggregation_of(meter: Meter) -> Aggregation:
    """Return a meter's aggregation.

    Raises:
        Invalid: `unknown_kind`, or `property_required` where it reads one and the meter has none.
    """
    kind = aggregation(meter.aggregation)
    if kind.READS != "presence" and meter.property is None:
        raise Invalid(
            "property_required",
            f"A meter that takes the {meter.aggregation} needs a property to read.",
            field="property",
        )
    return kind
