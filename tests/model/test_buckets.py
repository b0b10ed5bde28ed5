from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.buckets import Interval, buckets
from tallybook.model.errors import Invalid
from tallybook.model.limits import BUCKETS_MAX
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, Calendar, read_instant

NEW_YORK = Calendar("America/New_York")
INTERVALS: list[Interval] = ["hour", "day", "week", "month", "quarter", "year"]
ZONES = ["UTC", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_spring_day_has_23_hours() -> None:
    day = buckets(NEW_YORK, "day", at("2026-03-08T05:00Z"), at("2026-03-09T04:00Z"))
    assert [(b.end - b.start, b.clipped) for b in day] == [(timedelta(hours=23), False)]
    hours = buckets(NEW_YORK, "hour", *day[0][:2])
    assert len(hours) == 23
    assert not any(b.clipped for b in hours)


def test_an_autumn_day_has_25_hours_and_two_that_read_the_same() -> None:
    start = NEW_YORK.start_of(date(2026, 11, 1))
    end = NEW_YORK.start_of(date(2026, 11, 2))
    assert (start, end) == (at("2026-11-01T04:00Z"), at("2026-11-02T05:00Z"))
    hours = buckets(NEW_YORK, "hour", start, end)
    assert len(hours) == 25
    same = [b for b in hours if NEW_YORK.local(b.start).hour == 1]
    assert [b.start for b in same] == [at("2026-11-01T05:00Z"), at("2026-11-01T06:00Z")]


def test_a_change_of_half_an_hour_makes_a_bucket_of_half_an_hour() -> None:
    calendar = Calendar("Australia/Lord_Howe")
    start, end = (calendar.start_of(date(2026, 4, day)) for day in (5, 6))
    hours = buckets(calendar, "hour", start, end)
    assert end - start == timedelta(hours=24.5)
    assert [b.end - b.start for b in hours].count(timedelta(minutes=30)) == 1
    assert not any(b.clipped for b in hours)


@pytest.mark.parametrize(
    ("zone", "day_start", "day", "start", "hours"),
    [
        ("America/New_York", "03:00", "2026-03-07", "2026-03-07T08:00Z", 23),
        ("America/Havana", "00:00", "2026-03-08", "2026-03-08T05:00Z", 23),
    ],
)
def test_a_day_starts_when_the_clock_first_shows_its_start(
    zone: str, day_start: str, day: str, start: str, hours: int
) -> None:
    calendar = Calendar(zone, time.fromisoformat(day_start))
    first = date.fromisoformat(day)
    found = buckets(
        calendar, "day", calendar.start_of(first), calendar.start_of(first + timedelta(days=1))
    )
    assert [(b.start, b.end - b.start) for b in found] == [(at(start), timedelta(hours=hours))]


@pytest.mark.parametrize(
    ("interval", "starts"),
    [
        ("week", ["2026-02-25", "2026-03-02", "2026-03-09"]),
        ("month", ["2026-02-25", "2026-03-01"]),
        ("quarter", ["2026-02-25"]),
        ("year", ["2026-02-25"]),
    ],
)
def test_a_range_cuts_its_first_and_last_bucket(interval: Interval, starts: list[str]) -> None:
    found = buckets(Calendar(), interval, at("2026-02-25T00:00Z"), at("2026-03-10T12:00Z"))
    assert [f"{b.start:%Y-%m-%d}" for b in found] == starts
    assert found[0].clipped
    assert found[-1].clipped
    assert found[-1].end == at("2026-03-10T12:00Z")


def test_without_an_interval_the_range_is_one_bucket() -> None:
    found = buckets(NEW_YORK, None, at("2026-01-01T00:30Z"), at("2026-01-02T00:00Z"))
    assert found == [(at("2026-01-01T00:30Z"), at("2026-01-02T00:00Z"), False)]


@given(
    zone=st.sampled_from(ZONES),
    day_start=st.sampled_from([time(0), time(1, 30), time(3)]),
    interval=st.sampled_from(INTERVALS),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - UTC below
    minutes=st.integers(1, 60 * 24 * 70),
)
def test_buckets_tile_the_range(
    zone: str, day_start: time, interval: Interval, start: datetime, minutes: int
) -> None:
    calendar, start = Calendar(zone, day_start), start.replace(tzinfo=UTC)
    end = start + timedelta(minutes=minutes)
    found = buckets(calendar, interval, start, end)
    assert [found[0].start, *(b.end for b in found)] == [*(b.start for b in found), end]
    assert not any(b.clipped for b in found[1:-1])
    # The first bucket is whole exactly where another ends.
    before = buckets(
        calendar, interval, start - timedelta(days=1 if interval == "hour" else 740), start
    )
    assert len(found) == 1 or found[0].clipped is before[-1].clipped


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_ends_of_time_have_buckets_too(interval: Interval) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
        calendar, hour = Calendar(zone), timedelta(hours=1)
        first = buckets(calendar, interval, FIRST_INSTANT, FIRST_INSTANT + 2 * hour)
        assert [b[:2] for b in first] == [(FIRST_INSTANT, FIRST_INSTANT + 2 * hour)]
        first = buckets(calendar, interval, FIRST_INSTANT, FIRST_INSTANT + 90 * hour)
        assert (first[0].start, first[-1].end) == (FIRST_INSTANT, FIRST_INSTANT + 90 * hour)
        last = buckets(calendar, interval, LAST_INSTANT - 80 * hour, LAST_INSTANT)
        assert last[-1].end == LAST_INSTANT


@pytest.mark.parametrize(
    ("interval", "end"),
    [("hour", "9999-12-31T00:00Z"), ("day", "2090-01-01T00:00Z"), ("hour", "2027-02-22T00:00Z")],
)
def test_too_many_are_refused_with_the_limit_and_what_was_asked(
    interval: Interval, end: str
) -> None:
    with pytest.raises(Invalid) as refused:
        buckets(NEW_YORK, interval, at("2026-01-01T00:00Z"), at(end))
    assert refused.value.code == "too_many_buckets"
    assert refused.value.facts["limit"] == BUCKETS_MAX
    asked = refused.value.facts["asked"]
    assert isinstance(asked, int)
    assert asked > BUCKETS_MAX


def test_a_date_is_the_first_instant_of_its_day() -> None:
    assert read_instant("2026-03-08", NEW_YORK, "from") == at("2026-03-08T05:00Z")
    assert read_instant("2026-03-08T01:00:00+01:00", NEW_YORK, "to") == at("2026-03-08T00:00Z")
    for text in ("2026-13-01", "2026-3-01", "yesterday"):
        with pytest.raises(Invalid):
            read_instant(text, NEW_YORK, "from")
