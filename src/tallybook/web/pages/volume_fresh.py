"""Until when the lines of the volume page are complete, and when the next day is."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tallybook.model.position import Position
from tallybook.model.time import Calendar
from tallybook.web.pages.view import Freshness
from tallybook.web.pages.volume_asked import Asked

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)


def of(asked: Asked, lines: Sequence[Position]) -> Freshness:
    """Return the last day that is complete for every line, in the zone most of those use, and when
    the day after it ends.
    """
    zones = [line.timezone for line in lines]
    ends = [
        (line.data_through - _MOMENT).astimezone(ZoneInfo(zone)).date()
        for line, zone in zip(lines, zones, strict=True)
    ]
    first = min(ends)
    last = [
        (line, zone) for line, zone, end in zip(lines, zones, ends, strict=True) if end == first
    ]
    zone, _ = Counter(zone for _, zone in last).most_common(1)[0]
    line = min((line for line, own in last if own == zone), key=lambda found: found.data_through)
    return Freshness(line.data_through, zone, _next_end(asked, line))


def _next_end(asked: Asked, line: Position) -> datetime | None:
    """Return when the day after the last complete one ends; None where that is over too."""
    local = line.data_through.astimezone(ZoneInfo(line.timezone))
    calendar = Calendar(line.timezone, local.time())  # it is the start of a day
    end = calendar.start_of(calendar.day_of(line.data_through) + _DAY)
    return end if end > asked.when.now else None
