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
from tallybook.model.usage import Reading
from tallybook.positions.needs import Need, Window
from tallybook.positions.tolerance import moved

Told = tuple[datetime, Mapping[str, Any]]
_ZERO: Final = Decimal(0)


class Taken(NamedTuple):
    """An event that a meter counts, and what of it; `reading` is what a counter showed."""

    time: datetime
    row: Row
    data: Mapping[str, Any]
    reading: Reading | None = None


def taken(meter: Meter, events: Iterable[Told]) -> list[Taken]:
    """Return what a meter counts, in order of time; at the same time, as it was told."""
    found = []
    shown_before: dict[tuple[str | None, ...], Decimal] = {}
    for number, (time, data) in enumerate(sorted(events, key=lambda event: event[0])):
        value = _value(meter, data) if all(holds(term, data) for term in meter.filter) else None
        if value is None:
            continue
        reading = None
        if aggregation_of(meter).READS == "rise":
            counter = tuple(shown(property_at(data, path)) for path in meter.dimensions)
            reading = Reading("", time, number, counter, value, shown_before.get(counter))
            shown_before[counter], value = value, reading.rise
        found.append(Taken(time, Row(micros(time), number, value), data, reading))
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


def used(meter: Meter, events: Sequence[Taken], need: Need) -> Iterator[Billable]:
    """Yield the running use at each end of a need, event by event where it asks for dimensions and
    the meter adds up. No value counts 0.
    """
    kind = aggregation_of(meter)
    first = FIRST_INSTANT if kind.CARRIES and meter.kind == "stock" else need.start
    before = _moved(meter, events, need.from_reading, need.start)
    for end in need.ends:
        rows = [event for event in events if first <= event.time < end]
        quantity = kind.fold([event.row for event in rows]) or _ZERO
        if need.dimensions is not None and kind.ADDS:
            yield Billable(quantity, tuple(_piece(meter, event, need.dimensions) for event in rows))
            continue
        after = _moved(meter, events, need.to_reading, end) if end == need.ends[-1] else _ZERO
        with localcontext(EXACT):
            yield Billable(quantity - before + after)


def _moved(meter: Meter, events: Iterable[Taken], window: Window | None, edge: datetime) -> Decimal:
    """Return how much use moves over an edge, by the readings near it."""
    if window is None or aggregation_of(meter).READS != "rise":
        return _ZERO
    near = (event.reading for event in events if window.start <= event.time < window.end)
    return moved([reading for reading in near if reading is not None], edge)


def _piece(meter: Meter, event: Taken, dimensions: Iterable[str]) -> Piece:
    counts = aggregation_of(meter).READS == "presence"
    with localcontext(EXACT):
        quantity = Decimal(1) if counts else event.row.value
    return Piece(quantity, tuple(shown(property_at(event.data, path)) for path in dimensions))
