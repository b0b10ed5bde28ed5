"""Cutting a span into the buckets of an interval: calendar steps over local days, and local hours.

Buckets tile the span; the first and last are cut by it. Engines only ever see the instants.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from tallybook.model.errors import Invalid
from tallybook.model.limits import BUCKETS_MAX
from tallybook.model.time import FIRST_INSTANT, LAST_DAY, LAST_INSTANT, Calendar

Interval = Literal["hour", "day", "week", "month", "quarter", "year"]

#: Between these every zone has a local day; the bucket at either end of time is a long one.
_FIRST: Final = FIRST_INSTANT + timedelta(days=3)
_LAST: Final = LAST_INSTANT - timedelta(days=3)
_DAYS_IN_WEEK: Final = 7
_MONTHS: Final[dict[str, int]] = {"month": 1, "quarter": 3, "year": 12}
#: The longest each can be, so that far too many are refused before one is made.
_LONGEST: Final[dict[Interval, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(hours=26),
    "week": timedelta(days=7, hours=2),
    "month": timedelta(days=31, hours=2),
    "quarter": timedelta(days=92, hours=2),
    "year": timedelta(days=366, hours=2),
}


class Bucket(NamedTuple):
    """A half-open span of instants; `clipped` where it is only part of its hour, day or month."""

    start: datetime
    end: datetime
    clipped: bool


def buckets(
    calendar: Calendar, interval: Interval | None, start: datetime, end: datetime
) -> list[Bucket]:
    """Cut [start, end) into buckets; without an interval it is one.

    Raises:
        Invalid: `too_many_buckets`, with `limit` and at least how many were `asked`.
    """
    if interval is None:
        return [Bucket(start, end, clipped=False)]
    check_rows((end - start) // _LONGEST[interval])
    found: list[Bucket] = []
    for first, last in _steps(calendar, interval, min(max(start, _FIRST), _LAST)):
        if found and first >= end:
            break
        begin = max(first, start) if found else start
        found.append(Bucket(begin, min(last, end), first < start or last > end))
    check_rows(len(found))
    return found


def check_rows(asked: int) -> None:
    """Refuse an answer of too many rows.

    Raises:
        Invalid: `too_many_buckets`.
    """
    if asked > BUCKETS_MAX:
        raise Invalid(
            "too_many_buckets",
            f"The answer would have {asked} rows, more than {BUCKETS_MAX}; "
            "ask for a shorter range, a longer interval or fewer groups.",
            limit=BUCKETS_MAX,
            asked=asked,
        )


def _steps(
    calendar: Calendar, interval: Interval, start: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield whole buckets in order, beginning with the one that holds `start`."""
    return _hours(calendar, start) if interval == "hour" else _dates(calendar, interval, start)


def _hours(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    first = _hour_start(calendar, start)
    while first < _LAST:
        last = calendar.next_hour(first)
        yield first, last
        first = last
    yield first, LAST_INSTANT


def _hour_start(calendar: Calendar, instant: datetime) -> datetime:
    """Find where the hour bucket of an instant begins: an earlier one ends there."""
    local = calendar.local(instant)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    if not into:
        return instant
    first = instant - into
    turn = calendar.next_hour(first)
    return first if turn > instant else turn


def _dates(
    calendar: Calendar, interval: Interval, start: datetime
) -> Iterator[tuple[datetime, datetime]]:
    step = _stepper(interval)
    day = _first_of(interval, calendar.day_of(start))
    first = calendar.start_of(day)
    while day <= LAST_DAY:
        day = step(day)
        last = calendar.start_of(day) if day <= LAST_DAY else LAST_INSTANT
        yield first, last
        first = last


def _first_of(interval: Interval, day: date) -> date:
    """Return the first day of the bucket that holds a day; weeks start on Monday."""
    if interval == "day":
        return day
    if interval == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[interval]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _stepper(interval: Interval) -> Callable[[date], date]:
    days = {"day": 1, "week": _DAYS_IN_WEEK}.get(interval)
    if days is not None:
        return lambda day: _plus(day, days)
    months = _MONTHS[interval]
    return lambda day: _month_plus(day, months)


def _plus(day: date, days: int) -> date:
    return day + timedelta(days=days) if (date.max - day).days >= days else date.max


def _month_plus(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, 1) if year <= date.max.year else date.max
