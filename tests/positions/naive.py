"""What a period is, the slow way: dates by counting months and days one by one, local days by
looking at the wall clock every quarter of an hour. Shares no code with what it is held against.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_QUARTER = timedelta(minutes=15)
#: Longer than any clock was ever turned back, and a day.
_LOOK_BACK = 4 * 50
_MICROSECOND = timedelta(microseconds=1)
_YEAR = 12


def boundaries(anchor: date, unit: str, length: int, first: date, last: date) -> list[date]:
    """List all boundaries from the last at or before `first` to the first at or after `last`."""
    after = list(_until(anchor, unit, length, last))
    before = list(_until(anchor, unit, -length, first))
    found = sorted({*before, *after})
    while found[1] <= first:
        found.pop(0)
    while found[-2] >= last:
        found.pop()
    return found


def _until(anchor: date, unit: str, step: int, limit: date) -> Iterator[date]:
    """Yield anchor, anchor + step and so on, up to the first beyond the limit on either side."""
    day, year, month = anchor, anchor.year, anchor.month
    yield day
    while (day < limit) if step > 0 else (day > limit):
        if unit in {"day", "week"}:
            day += timedelta(days=step * {"day": 1, "week": 7}[unit])
        else:
            for _ in range(abs(step) * {"month": 1, "year": _YEAR}[unit]):
                month += 1 if step > 0 else -1
                if month > _YEAR:
                    year, month = year + 1, 1
                if month < 1:
                    year, month = year - 1, _YEAR
            day = _real_day(year, month, anchor.day)
        yield day


def _real_day(year: int, month: int, day: int) -> date:
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1


def local_day(instant: datetime, zone: str, day_start: time) -> date:
    """Return the latest day whose start the wall clock has shown, or passed over, so far."""
    shift = timedelta(hours=day_start.hour, minutes=day_start.minute)
    grid = instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)
    seen = [grid - i * _QUARTER - _MICROSECOND for i in range(_LOOK_BACK)]
    walls = [i.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for i in (instant, *seen)]
    return (max(walls) - shift).date()


def first_instant(day: date, zone: str, day_start: time) -> datetime:
    """Find when a local day begins, to the microsecond, by halving two days."""
    low = datetime.combine(day, day_start, UTC) - timedelta(days=2)
    high = low + timedelta(days=4)
    while high - low > _MICROSECOND:
        middle = low + (high - low) / 2
        if local_day(middle, zone, day_start) >= day:
            high = middle
        else:
            low = middle
    return high


def cycle_of(edges: list[date], day: date) -> tuple[date, date]:
    """Return the two boundaries around a day."""
    index = bisect_right(edges, day)
    return edges[index - 1], edges[index]
