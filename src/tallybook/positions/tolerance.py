"""Which reading of a counter stands for the edge of a cycle: the nearest within a tolerance; and
how much use that moves over the edge. Asks nobody.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.contract import Tolerance
from tallybook.model.quantity import EXACT
from tallybook.model.time import FIRST_DAY, LAST_DAY
from tallybook.model.usage import Reading
from tallybook.positions.agreement import Agreement
from tallybook.positions.needs import Window

_ZERO: Final = Decimal(0)


def window(agreement: Agreement, day: date, tolerance: Tolerance) -> Window:
    """Return when a reading may be taken for that of the edge beside a day: from `days_before` it
    through `days_after` it.
    """
    first = max(day.toordinal() - tolerance.days_before, FIRST_DAY.toordinal())
    last = min(day.toordinal() + tolerance.days_after + 1, LAST_DAY.toordinal())
    first_day, after = date.fromordinal(first), date.fromordinal(last)
    return Window(agreement.start_of(first_day), agreement.start_of(after))


def moved(readings: Iterable[Reading], edge: datetime) -> Decimal:
    """Return by how much the use before an edge is more when it ends with the reading that stands
    for the edge: of each counter the nearest to it, of two as near the earlier.

    `readings` are those of the edge's window; what is less than 0 is less.
    """
    counters: dict[tuple[object, ...], list[Reading]] = {}
    for reading in readings:
        counters.setdefault((reading.account, reading.values), []).append(reading)
    with localcontext(EXACT):
        return sum((_moved(mine, edge) for mine in counters.values()), _ZERO)


def _moved(readings: list[Reading], edge: datetime) -> Decimal:
    ordered = sorted(readings, key=lambda reading: (reading.time, reading.seq))
    nearest = min(ordered, key=lambda reading: _distance(reading.time, edge))
    last = max(reading.seq for reading in ordered if reading.time == nearest.time)
    stands = nearest.time, last
    if nearest.time >= edge:
        later = (r.rise for r in ordered if edge <= r.time and (r.time, r.seq) <= stands)
        return sum(later, _ZERO)
    return -sum((r.rise for r in ordered if (r.time, r.seq) > stands and r.time < edge), _ZERO)


def _distance(time: datetime, edge: datetime) -> timedelta:
    return abs(time - edge)
