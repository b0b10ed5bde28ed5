"""Instants, zones and local days. The only room that knows what a day is; engines compare instants.

An instant is an aware `datetime` in UTC, truncated to microseconds. Every span is half open.
"""

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from tallybook.model.errors import Invalid

# The zone data is the pinned `tzdata` package, so that every machine cuts the same days.
zoneinfo.reset_tzpath(to=())

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY: Final = date(1, 1, 3)
LAST_DAY: Final = date(9999, 12, 29)
FIRST_INSTANT: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST_INSTANT: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

_FIRST_SHOWN: Final = FIRST_INSTANT + timedelta(days=1)
_LAST_SHOWN: Final = LAST_INSTANT - timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)
#: RFC 3339 writes a leap second so.
_LEAP_SECOND: Final = 60
_LAST_HOUR, _LAST_MINUTE = 23, 59
_SECONDS_CHARS: Final = len("2026-03-01T09:30:00Z")
#: What nearly all senders write, with up to six digits of a second.
_USUAL_SHAPE: Final = b"0000-00-00T00:00:00.000000"
_USUAL_CHARS: Final = frozenset({_SECONDS_CHARS, *range(_SECONDS_CHARS + 2, 28)})
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def parse_instant(text: str, *, name: str = "time") -> datetime:
    """Read an RFC 3339 instant; digits past the microsecond are cut, second 60 is the next one.

    Raises:
        Invalid: `time_invalid`, also for instants outside the years 1 to 9999 in UTC.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise _bad_time(name)
    year, month, day, hour, minute, second = (int(found[i]) for i in range(1, 7))
    leap = second == _LEAP_SECOND
    micros = 0 if leap else int((found[7] or "")[:6].ljust(6, "0"))
    try:
        local = datetime(year, month, day, hour, minute, 59 if leap else second, micros, tzinfo=UTC)
        if leap:
            local += timedelta(seconds=1)
        if found[8]:
            return local
        hours, minutes = int(found[10]), int(found[11])
        if hours > _LAST_HOUR or minutes > _LAST_MINUTE:
            raise _bad_time(name)
        offset = timedelta(hours=hours, minutes=minutes)
        return local - offset if found[9] == "+" else local + offset
    except (ValueError, OverflowError) as e:
        raise _bad_time(name) from e


def parse_micros(text: str) -> int:
    """Count microseconds since 1970 of an RFC 3339 instant: `parse_instant`, for millions of them.

    Raises:
        Invalid: as `parse_instant`.
    """
    # The marks of 2026-03-01T09:30:00Z, by one slice; the library reads the digits between them,
    # as `parse_instant` does, except that some of its versions know an hour 24.
    if (
        text[4:17:3] == "--T::"
        and text[-1] == "Z"
        and (len(text) == _SECONDS_CHARS or (text[19:20] == "." and text[20:-1].isdecimal()))
        and text[11:13] != "24"
    ):
        try:
            return (datetime.fromisoformat(text) - EPOCH) // _MICROSECOND
        except ValueError:
            pass
    return micros(parse_instant(text))


def usual_micros(texts: Sequence[str]) -> list[int] | None:
    """Count as `parse_micros` does, for many instants in UTC written in one way with the same
    number of digits; None where they are not, or where one of them is none.
    """
    chars = len(texts[0]) if texts else 0
    if chars not in _USUAL_CHARS or set(map(len, texts)) != {chars}:
        return None
    joined = "".join(texts)
    if not joined.isascii():
        return None
    grid = np.frombuffer(joined.encode(), np.uint8).reshape(-1, chars)
    shape = np.frombuffer(_USUAL_SHAPE[: chars - 1] + b"Z", np.uint8)
    digit = shape == ord("0")
    # A byte before "0" wraps around to one far above.
    strays = (grid[:, digit] - ord("0")) > ord("9") - ord("0")
    if strays.any() or (grid[:, ~digit] != shape[~digit]).any():
        return None
    bare = np.ascontiguousarray(grid[:, :-1]).view(f"S{chars - 1}")[:, 0]
    try:
        counts = bare.astype("M8[us]").view(np.int64)
    except ValueError:  # no such day, or second 60
        return None
    # The library of arrays knows a year 0.
    return None if counts.min() < micros(FIRST_INSTANT) else counts.tolist()


def _bad_time(name: str) -> Invalid:
    return Invalid(
        "time_invalid",
        f"{name} must be an RFC 3339 instant such as 2026-03-01T09:30:00Z, years 1 to 9999.",
        field=name,
    )


def format_instant(instant: datetime) -> str:
    """Write an instant as RFC 3339 in UTC, with microseconds only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def micros(instant: datetime) -> int:
    """Count microseconds since 1970, exactly."""
    return (instant - EPOCH) // _MICROSECOND


def from_micros(count: int) -> datetime:
    """Return the instant so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=count)


def hour_of(instant: datetime) -> datetime:
    """Return the start of the hour in UTC that an instant is in."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def parse_date(text: str, *, name: str = "date") -> date:
    """Read an ISO local date (YYYY-MM-DD).

    Raises:
        Invalid: `date_invalid`.
    """
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Invalid(
        "date_invalid", f"{name} must be a day of the calendar, written as 2026-03-01.", field=name
    )


def read_instant(text: str, calendar: "Calendar", name: str) -> datetime:
    """Read an instant, or a local date as the first instant of its day.

    Raises:
        Invalid: `time_invalid`, `date_invalid`.
    """
    if len(text) == len("2026-03-01"):
        return calendar.start_of(parse_date(text, name=name))
    return parse_instant(text, name=name)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Look up an IANA zone in the pinned data.

    Raises:
        Invalid: `unknown_zone`.
    """
    if name in _zone_names():
        return ZoneInfo(name)
    raise Invalid(
        "unknown_zone",
        f"{name[:64]!r} is not a time zone; use an IANA name such as America/Chicago.",
        field="timezone",
    )


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@dataclass(frozen=True, slots=True)
class Calendar:
    """The local days of one zone and day start: day D begins when D's clock reads `day_start`."""

    timezone: str = "UTC"
    day_start: time = time(0)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look the zone up once."""
        object.__setattr__(self, "_zone", zone(self.timezone))

    def start_of(self, day: date) -> datetime:
        """Return the first instant at which the local clock reaches `day_start` on this day.

        Ambiguous: the earlier. Missing: the instant of the change (spec reports §7.3 T1).
        """
        return _start_of(day, self.day_start, self._zone)

    def day_of(self, instant: datetime) -> date:
        """Return the local day that holds this instant, by comparing with its boundaries."""
        day = clamp(self.local(instant).date())
        while day > FIRST_DAY and self.start_of(day) > instant:
            day -= timedelta(days=1)
        while day < LAST_DAY and self.start_of(day + timedelta(days=1)) <= instant:
            day += timedelta(days=1)
        return day

    def next_hour(self, instant: datetime) -> datetime:
        """Return the end of the hour bucket that holds this instant.

        A bucket's key is its local hour and offset, so a change of offset ends it (T2).
        """
        local = self.local(instant)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        end = instant - into + timedelta(hours=1)
        if self.offset_at(end - _MICROSECOND) == self.offset_at(instant):
            return end
        return _first_change(instant, end, self._zone)

    def offset_at(self, instant: datetime) -> timedelta:
        """Return the offset from UTC in force at this instant."""
        offset = self.local(instant).utcoffset()
        return offset if offset is not None else timedelta(0)

    def local(self, instant: datetime) -> datetime:
        """Return the instant as this zone's wall clock shows it, with its offset.

        At the ends of time the nearest one that every zone can show.
        """
        return max(_FIRST_SHOWN, min(_LAST_SHOWN, instant)).astimezone(self._zone)


def clamp(day: date) -> date:
    """Keep a date where every zone can express its boundaries."""
    return max(FIRST_DAY, min(LAST_DAY, day))


@lru_cache(maxsize=32_768)  # thousands of lines ask for the same few days
def _start_of(day: date, day_start: time, tz: tzinfo) -> datetime:
    return _first_reaching(datetime.combine(clamp(day), day_start), tz)


def _first_reaching(wall: datetime, tz: tzinfo) -> datetime:
    """Find the first instant whose local clock in `tz` shows at least the naive `wall`."""
    early = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if early.astimezone(tz).replace(tzinfo=None) == wall:
        return early
    # A gap: with fold=1 the later offset gives an instant before the change, fold=0 one after.
    late = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    return _first_change(min(early, late), max(early, late), tz)


def _first_change(low: datetime, high: datetime, tz: tzinfo) -> datetime:
    """Find the first instant in (low, high] whose offset differs from the one at `low`."""
    before = low.astimezone(tz).utcoffset()
    first, last = micros(low), micros(high)
    while last - first > 1:
        middle = (first + last) // 2
        if from_micros(middle).astimezone(tz).utcoffset() == before:
            first = middle
        else:
            last = middle
    return from_micros(last)
