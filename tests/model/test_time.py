from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.time import (
    FIRST_DAY,
    FIRST_INSTANT,
    LAST_DAY,
    LAST_INSTANT,
    Calendar,
    clamp,
    format_instant,
    from_micros,
    micros,
    parse_date,
    parse_instant,
    zone,
)

NEW_YORK = "America/New_York"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type] # parts of a date, then of a time


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00Z"),
        ("2026-03-01t09:30:00z", "2026-03-01T09:30:00Z"),
        ("2026-03-01T09:30:00.1Z", "2026-03-01T09:30:00.100000Z"),
        ("2026-03-01T09:30:00.1234569Z", "2026-03-01T09:30:00.123456Z"),
        ("2026-03-01T09:30:00+05:30", "2026-03-01T04:00:00Z"),
        ("2026-03-01T09:30:00-05:00", "2026-03-01T14:30:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.9Z", "2017-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_read_and_written_in_utc(text: str, instant: str) -> None:
    assert format_instant(parse_instant(text)) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01",
        "2026-03-01T09:30Z",
        "2026-03-01T09:30:00",
        "2026-02-30T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T09:30:61Z",
        "2026-03-01T09:60:00Z",
        "2026-03-01T09:30:00+24:00",
        "2026-03-01T09:30:00+05:60",
        "2026-03-01T09:30:00.Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-00:01",
        "２０２６-03-01T09:30:00Z",
        " 2026-03-01T09:30:00Z",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_instant(text, name="from")
    assert refusal.value.code == "time_invalid"
    assert refusal.value.facts["field"] == "from"


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_being_counted_and_written(instant: datetime) -> None:
    assert from_micros(micros(instant)) == instant
    assert parse_instant(format_instant(instant)) == instant


def test_dates_are_iso_and_nothing_else() -> None:
    assert parse_date("2026-03-01") == date(2026, 3, 1)
    for text in ("", "2026-3-1", "20260301", "2026-02-30", "2026-03-01T00:00:00Z", "2026-W09-7"):
        with pytest.raises(Invalid) as refusal:
            parse_date(text)
        assert refusal.value.code == "date_invalid"


def test_a_zone_is_one_of_the_pinned_data() -> None:
    assert zone(NEW_YORK).key == NEW_YORK
    for name in ("", "EST5", "../etc/passwd", "America", "america/new_york", "Mars/Olympus"):
        with pytest.raises(Invalid) as refusal:
            zone(name)
        assert refusal.value.code == "unknown_zone"


@pytest.mark.parametrize(
    ("timezone", "day_start", "day", "starts"),
    [
        ("UTC", "00:00", (2026, 3, 1), (2026, 3, 1)),
        (NEW_YORK, "00:00", (2026, 3, 8), (2026, 3, 8, 5)),
        (NEW_YORK, "00:00", (2026, 3, 9), (2026, 3, 9, 4)),
        (NEW_YORK, "02:30", (2026, 3, 8), (2026, 3, 8, 7)),  # inside the gap: the change itself
        (NEW_YORK, "02:00", (2026, 3, 8), (2026, 3, 8, 7)),
        (NEW_YORK, "03:00", (2026, 3, 8), (2026, 3, 8, 7)),
        (NEW_YORK, "01:30", (2026, 11, 1), (2026, 11, 1, 5, 30)),  # twice: the earlier
        ("America/Havana", "00:00", (2026, 3, 8), (2026, 3, 8, 5)),  # no midnight
        ("Africa/Cairo", "00:00", (2026, 4, 24), (2026, 4, 23, 22)),
        ("Asia/Beirut", "00:00", (2026, 3, 29), (2026, 3, 28, 22)),
        ("America/Santiago", "00:00", (2026, 9, 6), (2026, 9, 6, 4)),
        ("Australia/Lord_Howe", "00:00", (2026, 4, 5), (2026, 4, 4, 13)),
        ("Pacific/Apia", "00:00", (2011, 12, 30), (2011, 12, 30, 10)),  # a day left out
        ("Pacific/Apia", "00:00", (2011, 12, 31), (2011, 12, 30, 10)),
    ],
)
def test_a_day_begins_when_its_clock_first_reads_day_start(
    timezone: str, day_start: str, day: tuple[int, ...], starts: tuple[int, ...]
) -> None:
    calendar = Calendar(timezone, time.fromisoformat(day_start))
    assert calendar.start_of(date(*day)) == utc(*starts)


def test_an_autumn_change_does_not_throw_events_back_a_day() -> None:
    days = Calendar(NEW_YORK, time(1, 30))
    assert days.day_of(utc(2026, 11, 1, 5, 29)) == date(2026, 10, 31)
    assert days.day_of(utc(2026, 11, 1, 5, 45)) == date(2026, 11, 1)
    assert days.day_of(utc(2026, 11, 1, 6, 10)) == date(2026, 11, 1)  # the clock reads 01:10 again


def test_a_clock_set_back_over_midnight_does_not_return_to_the_day_before() -> None:
    days = Calendar("America/St_Johns")  # at 00:01 the clock goes back to 23:01
    assert days.day_of(utc(2006, 10, 29, 2, 30)) == date(2006, 10, 29)
    assert days.local(utc(2006, 10, 29, 2, 40)).date() == date(2006, 10, 28)
    assert days.day_of(utc(2006, 10, 29, 2, 40)) == date(2006, 10, 29)


@pytest.mark.parametrize(
    ("timezone", "instant", "hour_ends"),
    [
        ("America/St_Johns", (2006, 10, 29, 2, 30), (2006, 10, 29, 2, 31)),
        (NEW_YORK, (2026, 3, 8, 6, 30), (2026, 3, 8, 7)),
        (NEW_YORK, (2026, 11, 1, 5, 30), (2026, 11, 1, 6)),  # 01:00 in summer time
        (NEW_YORK, (2026, 11, 1, 6, 30), (2026, 11, 1, 7)),  # 01:00 again
        ("Australia/Lord_Howe", (2026, 4, 4, 14, 45), (2026, 4, 4, 15)),  # half an hour back: 01:30
        ("Australia/Lord_Howe", (2026, 4, 4, 15, 10), (2026, 4, 4, 15, 30)),
        ("Asia/Kathmandu", (2026, 4, 4, 0, 0), (2026, 4, 4, 0, 15)),
    ],
)
def test_an_hour_ends_with_the_clock_hour_or_a_change_of_offset(
    timezone: str, instant: tuple[int, ...], hour_ends: tuple[int, ...]
) -> None:
    assert Calendar(timezone).next_hour(utc(*instant)) == utc(*hour_ends)


def test_offsets_and_wall_clocks() -> None:
    calendar = Calendar(NEW_YORK)
    assert calendar.offset_at(utc(2026, 1, 1)) == timedelta(hours=-5)
    assert calendar.local(utc(2026, 7, 1)).isoformat() == "2026-06-30T20:00:00-04:00"


@pytest.mark.parametrize("timezone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_time_have_days(timezone: str) -> None:
    calendar = Calendar(timezone, time(12))
    assert calendar.day_of(FIRST_INSTANT) == FIRST_DAY
    assert calendar.day_of(LAST_INSTANT) == LAST_DAY
    assert clamp(date.min) == FIRST_DAY
    assert clamp(date.max) == LAST_DAY
    assert calendar.start_of(date.min) == calendar.start_of(FIRST_DAY)
    assert calendar.local(FIRST_INSTANT) < calendar.local(LAST_INSTANT)
    assert calendar.offset_at(LAST_INSTANT) == calendar.offset_at(utc(9990, 1, 1))


ZONES = [
    "UTC",
    NEW_YORK,
    "America/Havana",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Santiago",
    "Africa/Casablanca",
    "America/St_Johns",
]


@given(st.sampled_from(ZONES), st.integers(0, 95), st.integers(0, 60 * 365 * 24 * 4))
def test_every_instant_lies_in_the_day_whose_boundaries_hold_it(
    timezone: str, quarter: int, moment: int
) -> None:
    calendar = Calendar(timezone, time(quarter // 4, quarter % 4 * 15))
    instant = utc(1980, 1, 1) + timedelta(minutes=15 * moment)
    day = calendar.day_of(instant)
    assert calendar.start_of(day) <= instant < calendar.start_of(day + timedelta(days=1))


@given(st.sampled_from(ZONES), st.integers(0, 60 * 365 * 24 * 4))
def test_an_hour_has_one_clock_hour_and_one_offset(timezone: str, moment: int) -> None:
    calendar = Calendar(timezone)
    instant = utc(1980, 1, 1) + timedelta(minutes=15 * moment)
    end = calendar.next_hour(instant)
    last = end - timedelta(microseconds=1)
    assert instant < end <= instant + timedelta(hours=1)
    assert calendar.local(instant).hour == calendar.local(last).hour
    assert calendar.offset_at(instant) == calendar.offset_at(last)
    after = calendar.local(end)
    assert (after.hour, after.utcoffset()) != (
        calendar.local(instant).hour,
        calendar.offset_at(instant),
    )
