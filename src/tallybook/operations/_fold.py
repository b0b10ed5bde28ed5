"""What a meter makes of events that somebody hands over: by its filter and property, and by the
fold of its aggregation. The stores say the same of theirs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Final, NamedTuple

from tallybook.aggregations._shape import NUMERIC, Row, aggregation_of
from tallybook.model.errors import Invalid
from tallybook.model.nouns import Meter
from tallybook.model.price import Billable, Piece
from tallybook.model.quantity import EXACT
from tallybook.model.reading import holds, is_scalar, property_at, quantity_of, shown
from tallybook.model.time import FIRST_INSTANT, micros

Told = tuple[datetime, Mapping[str, Any]]
_ZERO: Final = Decimal(0)


class Taken(NamedTuple):
    """An event that a meter counts, and what of it."""

    time: datetime
    row: Row
    data: Mapping[str, Any]


def taken(meter: Meter, events: Iterable[Told]) -> list[Taken]:
    """Return what a meter counts, in order of time; at the same time, as it was told."""
    reads = aggregation_of(meter).READS
    readings: dict[tuple[str | None, ...], Decimal] = {}
    found = []
    for number, (time, data) in enumerate(sorted(events, key=lambda event: event[0])):
        value = _value(meter, data) if all(holds(term, data) for term in meter.filter) else None
        if value is None:
            continue
        if reads == "rise":
            counter = tuple(shown(property_at(data, path)) for path in meter.dimensions)
            before, readings[counter] = readings.get(counter, value), value
            value = max(_ZERO, EXACT.subtract(value, before))
        found.append(Taken(time, Row(micros(time), number, value), data))
    return found


def _value(meter: Meter, data: Mapping[str, Any]) -> Any:
    """Return what a meter reads from an event; None where it does not count it."""
    reads = aggregation_of(meter).READS
    if meter.property is None:
        return True
    value = property_at(data, meter.property)
    if reads in NUMERIC:
        try:
            return quantity_of(value)
        except Invalid:
            return None
    if reads == "value":  # 1 and 1.0 are one value, "1" and true are others
        return (isinstance(value, (str, bool)), value) if is_scalar(value) else None
    return value


def used(
    meter: Meter,
    events: Sequence[Taken],
    start: datetime,
    ends: Iterable[datetime],
    dimensions: tuple[str, ...] | None,
) -> Iterator[Billable]:
    """Yield what was used from `start` to before each end, event by event where `dimensions` are
    asked for and the meter adds up. No value counts 0.
    """
    kind = aggregation_of(meter)
    first = FIRST_INSTANT if kind.CARRIES and meter.kind == "stock" else start
    for end in ends:
        rows = [event for event in events if first <= event.time < end]
        quantity = kind.fold([event.row for event in rows]) or _ZERO
        if dimensions is None or not kind.ADDS:
            yield Billable(quantity)
            continue
        yield Billable(quantity, tuple(_piece(meter, event, dimensions) for event in rows))


def _piece(meter: Meter, event: Taken, dimensions: Iterable[str]) -> Piece:
    counts = aggregation_of(meter).READS == "presence"
    with localcontext(EXACT):
        quantity = Decimal(1) if counts else event.row.value
    return Piece(quantity, tuple(shown(property_at(event.data, path)) for path in dimensions))
