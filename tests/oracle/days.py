"""Local days and cycles, said a second time: the start of a day is found by watching a clock, a
boundary by walking from the anchor. Shares nothing with the program.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
#: Clocks of our century are changed at quarters of an hour.
TICK = timedelta(minutes=15)


@cache
def iso(text: str) -> date:
    """Read a date."""
    return date.fromisoformat(text)


@cache
def start_of(day: date, zone: str, day_start: str) -> datetime:
    """A day begins at the first instant at which its local clock reaches `day_start`."""
    wall = datetime.combine(day, time.fromisoformat(day_start))
    clock = ZoneInfo(zone)
    at = datetime.combine(day, time(0), UTC) - timedelta(hours=16)
    while at.astimezone(clock).replace(tzinfo=None) < wall:
        at += TICK
    return at


@dataclass(frozen=True)
class Plan:
    """How often something comes round, and from when. A `term` has an `end`, the day after the
    last, and comes round by the renewal's cycle after it.
    """

    unit: str
    length: int
    anchor: date
    end: date | None = None

    def boundary(self, k: int) -> date:
        """Boundary k is anchor + k × length × unit, never chained."""
        if self.end is None:
            return _walk(self.anchor, self.unit, k * self.length)
        return self.anchor if k == 0 else _walk(self.end, self.unit, (k - 1) * self.length)

    def cycles(self, since: date) -> Iterator[tuple[int, date, date]]:
        """Yield (k, first day, day after the last) from the cycle that holds `since` on."""
        k = 0
        while self.boundary(k) > since:
            k -= 1
        while self.boundary(k + 1) <= since:
            k += 1
        while True:
            yield k, self.boundary(k), self.boundary(k + 1)
            k += 1

    def number(self, day: date) -> int:
        """Return k of the cycle that holds a day."""
        return next(self.cycles(day))[0]


@cache
def _walk(day: date, unit: str, count: int) -> date:
    """Go so many units of the calendar; days are clamped to the month's last."""
    if unit in {"day", "week"}:
        return day + count * (7 * DAY if unit == "week" else DAY)
    year, month = day.year, day.month
    for _ in range(abs(count) * (12 if unit == "year" else 1)):
        month += 1 if count > 0 else -1
        if month in {0, 13}:
            year, month = (year - 1, 12) if month == 0 else (year + 1, 1)
    number = day.day
    while True:
        try:
            return date(year, month, number)
        except ValueError:
            number -= 1
