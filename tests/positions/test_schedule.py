"""Cycles of every unit in every zone, held against calendars done by hand."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tallybook.model.contract import Contract, CycleUnit
from tallybook.model.money import round_money
from tallybook.model.nouns import Account
from tallybook.model.time import FIRST_DAY, LAST_DAY, Calendar
from tallybook.positions.periods import (
    Schedule,
    Span,
    TermSchedule,
    add_months,
    calendar_of,
    months,
    period,
)
from tests.positions import naive

DAY = timedelta(days=1)
FIRST, LAST = date(1970, 1, 1), date(2061, 1, 1)
UNITS: list[CycleUnit] = ["day", "week", "month", "year"]


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def starts(plan: Schedule, indexes: range) -> list[date]:
    return [plan.boundary(index) for index in indexes]


@pytest.mark.parametrize(
    ("anchor", "unit", "length", "expected"),
    [
        ("2026-01-31", "month", 1, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2028-01-30", "month", 1, ["2028-02-29", "2028-03-30", "2028-04-30", "2028-05-30"]),
        ("2024-02-29", "year", 1, ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2026-11-30", "month", 3, ["2027-02-28", "2027-05-30", "2027-08-30", "2027-11-30"]),
        ("2026-02-25", "week", 2, ["2026-03-11", "2026-03-25", "2026-04-08", "2026-04-22"]),
        ("2026-02-25", "day", 10, ["2026-03-07", "2026-03-17", "2026-03-27", "2026-04-06"]),
    ],
)
def test_boundaries_are_counted_from_the_anchor(
    anchor: str, unit: CycleUnit, length: int, expected: list[str]
) -> None:
    plan = Schedule(date.fromisoformat(anchor), FIRST, None, unit, length)
    assert starts(plan, range(1, 5)) == days(*expected)


def test_an_anchor_after_the_start_has_cycles_before_it() -> None:
    plan = Schedule(date(2026, 5, 31), date(2026, 2, 10), None)
    assert starts(plan, range(-3, 0)) == days("2026-02-28", "2026-03-31", "2026-04-30")
    first = plan.cycle_of(date(2026, 2, 10))
    assert first == Span(-4, *days("2026-02-10", "2026-02-28", "2026-01-31", "2026-02-28"))
    assert first.is_stub
    assert (first.days, first.cycle_days) == (18, 28)


def test_a_cut_cycle_costs_its_days_of_the_uncut_one() -> None:
    plan = Schedule(date(2026, 1, 1), date(2026, 1, 20), None)
    january = plan.cycle(0)
    assert january is not None
    assert (january.days, january.cycle_days, january.cycle_start) == (12, 31, date(2026, 1, 1))
    share = Decimal(1000) * january.days / january.cycle_days
    assert round_money(share, "USD") == Decimal("387.10")
    april = Schedule(date(2026, 1, 1), date(2026, 4, 10), None).cycle_of(date(2026, 4, 14))
    assert april is not None
    assert Decimal(300) * april.days / april.cycle_days == Decimal("210.00")


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [("2026-03-01", "2026-04-01", 743), ("2026-11-01", "2026-12-01", 721)],
)
def test_a_month_has_the_hours_that_its_zone_gives_it(start: str, end: str, hours: int) -> None:
    first = date.fromisoformat(start)
    span = Schedule(date(2026, 1, 1), date(2026, 1, 1), None).cycle_of(first)
    assert span is not None
    found = period(span, Calendar("America/Chicago"))
    assert (found.start_date, found.end_date) == (first, date.fromisoformat(end))
    assert (found.ends_at - found.starts_at) / timedelta(hours=1) == hours
    assert found.days == found.cycle_days == span.days == {743: 31, 721: 30}[hours]


@pytest.mark.parametrize(
    ("zone", "day", "day_start", "begins"),
    [
        # midnight is missing: the instant of the change
        ("America/Havana", "2026-03-08", "00:00", "2026-03-08T05:00:00"),
        ("Asia/Beirut", "2026-03-29", "00:00", "2026-03-28T22:00:00"),
        ("Africa/Cairo", "2026-04-24", "00:00", "2026-04-23T22:00:00"),
        ("America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T03:00:00"),
        # midnight is there twice: the earlier; or the hour before it is
        ("America/Havana", "2025-11-02", "00:00", "2025-11-02T04:00:00"),
        ("America/Sao_Paulo", "2018-02-18", "00:00", "2018-02-18T03:00:00"),
        ("Asia/Beirut", "2026-10-25", "00:00", "2026-10-24T22:00:00"),
        # the same for a day that begins at half past two
        ("America/Chicago", "2026-03-08", "02:30", "2026-03-08T08:00:00"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00"),
        ("Asia/Beirut", "2026-03-29", "02:30", "2026-03-28T23:30:00"),
        ("America/Havana", "2025-11-02", "02:30", "2025-11-02T07:30:00"),
    ],
)
def test_a_period_begins_when_the_clock_first_reads_its_hour(
    zone: str, day: str, day_start: str, begins: str
) -> None:
    anchor = date.fromisoformat(day)
    calendar = Calendar(zone, time.fromisoformat(day_start))
    plan = Schedule(anchor - DAY, anchor - DAY, None, "day")
    before, after = (period(span, calendar) for span in plan.between(anchor - DAY, anchor + DAY))
    assert after.starts_at == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert after.starts_at == naive.first_instant(anchor, zone, calendar.day_start)
    assert before.ends_at == after.starts_at


def test_a_period_ends_where_the_next_one_begins_in_another_zone() -> None:
    span = Schedule(date(2026, 1, 1), date(2026, 1, 1), None).cycle(0)
    assert span is not None
    found = period(span, Calendar("America/Chicago"), Calendar("Asia/Tokyo"))
    assert found.starts_at == datetime(2026, 1, 1, 6, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 1, 31, 15, tzinfo=UTC)


def test_a_day_that_a_zone_left_out_is_a_period_without_an_instant() -> None:
    plan = Schedule(date(2011, 12, 29), date(2011, 12, 29), None, "day")
    calendar = Calendar("Pacific/Apia")
    found = [period(span, calendar) for span in plan.between(date(2011, 12, 29), date(2012, 1, 1))]
    assert [(p.ends_at - p.starts_at) // timedelta(hours=1) for p in found] == [24, 0, 24]


def test_a_term_is_one_cycle_and_its_renewals_are_others() -> None:
    plan = TermSchedule(date(2027, 3, 16), date(2026, 1, 31), None, "month", 6)
    assert starts(plan, range(4)) == days("2026-01-31", "2027-03-16", "2027-09-16", "2028-03-16")
    found = list(plan.between(date(2025, 1, 1), date(2027, 9, 17)))
    assert [span.number for span in found] == [0, 1, 2]
    assert [span.is_stub for span in found] == [False] * 3
    assert plan.count(date(2025, 1, 1), date(2027, 9, 17)) == 3
    assert [plan.index_of(day) for day in days("2027-03-15", "2027-03-16")] == [0, 1]
    assert plan.cycle(-1) is None
    assert plan.cycle_of(date(2026, 1, 30)) is None
    alone = TermSchedule(date(2026, 3, 1), date(2026, 1, 1), date(2026, 3, 1))
    assert list(alone.between(FIRST, LAST)) == [alone.cycle(0)]


@given(
    day=st.dates(date(2025, 11, 30), date(2031, 1, 1)),
    unit=st.sampled_from(UNITS),
    length=st.sampled_from([1, 2, 7]),
)
@example(day=date(2026, 5, 10), unit="month", length=2)
def test_the_cycle_that_holds_a_day_of_a_renewed_term_holds_it(
    day: date, unit: CycleUnit, length: int
) -> None:
    plan = TermSchedule(date(2026, 1, 30), date(2025, 11, 30), None, unit, length)
    found = plan.cycle_of(day)
    assert found is not None
    assert found.start <= day < found.end
    assert [*plan.between(day, day + DAY)] == [found]


def test_a_term_whose_first_days_are_cut_off_is_a_stub() -> None:
    ends = date(2027, 1, 1)
    plan = TermSchedule(ends, date(2026, 7, 1), ends, term_start=date(2026, 1, 1))
    span = plan.cycle(0)
    assert span is not None
    assert (span.days, span.cycle_days, span.is_stub) == (184, 365, True)


@pytest.mark.parametrize(
    ("unit", "length", "expected"),
    [
        ("month", 3, Fraction(3)),
        ("year", 2, Fraction(24)),
        ("week", 1, Fraction(84, 365)),
        ("day", 1, Fraction(12, 365)),
        ("day", 365, Fraction(12)),
    ],
)
def test_cycles_are_compared_in_months(unit: CycleUnit, length: int, expected: Fraction) -> None:
    assert months(unit, length) == expected


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("length", [1, 3_660])
@pytest.mark.parametrize("anchor", [FIRST_DAY, date(2026, 1, 31), LAST_DAY])
def test_the_ends_of_time_lie_in_cycles(unit: CycleUnit, length: int, anchor: date) -> None:
    plan = Schedule(anchor, FIRST_DAY, None, unit, length)
    for day in (FIRST_DAY, FIRST_DAY + DAY, LAST_DAY - DAY, LAST_DAY):
        span = plan.cycle_of(day)
        assert span is not None
        assert span.start <= day < span.end
        found = period(span, Calendar("Pacific/Kiritimati"))
        assert found.starts_at <= found.ends_at
    assert plan.boundary(10**9) == date.max
    assert plan.boundary(-(10**9)) == date.min
    assert plan.cycle(10**9) is None
    assert plan.cycle(-(10**9)) is None
    assert list(plan.between(LAST, FIRST)) == []


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 1, 31), -2, date(2025, 11, 30)),
        (date(9999, 12, 1), 1, date.max),
        (date(1, 1, 1), -1, date.min),
    ],
)
def test_months_are_added_from_the_anchor(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def test_the_calendar_is_the_contracts_zone_at_the_accounts_hour() -> None:
    account = Account(key="a", timezone="America/Chicago", day_start=time(6))

    def contract(timezone: str | None) -> Contract:
        return Contract(number="C", account="a", start_date=FIRST, timezone=timezone)

    assert calendar_of(contract(None), None) == Calendar()
    assert calendar_of(contract(None), account) == Calendar("America/Chicago", time(6))
    assert calendar_of(contract("America/Chicago"), account) == account.calendar
    assert calendar_of(contract("Asia/Tokyo"), account) == Calendar("Asia/Tokyo", time(6))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Draw anchors often at the ends of months, and spans often short of a cycle or of one day."""
    anchor = draw(
        st.dates(date(1985, 1, 1), date(2045, 12, 31))
        | st.sampled_from(days("2024-02-29", "2000-02-29", "2026-01-31", "2027-11-30"))
    )
    start = anchor + draw(st.sampled_from([0, 1, -1, 40]) | st.integers(-5_000, 5_000)) * DAY
    end = draw(st.none() | st.integers(1, 60) | st.integers(1, 9_000))
    return Schedule(
        anchor,
        start,
        None if end is None else start + end * DAY,
        draw(st.sampled_from(UNITS)),
        draw(st.sampled_from([1, 1, 2, 3, 6, 12, 45])),
    )


ZONES = st.sampled_from(
    [
        "UTC",
        "America/Chicago",
        "America/Havana",
        "America/Sao_Paulo",
        "Africa/Cairo",
        "Africa/Casablanca",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
    ]
)
CLOCKS = st.sampled_from([time(0), time(0), time(2, 30), time(6)]) | st.times().map(
    lambda clock: clock.replace(second=0, microsecond=0)
)


@given(schedules(), st.integers(-2_000, 12_000), st.integers(1, 3_000))
def test_cycles_are_those_counted_by_hand(plan: Schedule, offset: int, length: int) -> None:
    first = plan.start + offset * DAY
    last = first + length * DAY
    low, high = max(first, plan.start), last if plan.end is None else min(last, plan.end)
    found = list(plan.between(first, last))
    assert plan.count(first, last) == len(found)
    if low >= high:
        assert found == []
        return
    edges = naive.boundaries(plan.anchor, plan.unit, plan.length, low, high)
    assert [(span.cycle_start, span.cycle_end) for span in found] == [*pairwise(edges)]
    for span in found:
        assert span.start == max(span.cycle_start, plan.start)
        assert span.end == (span.cycle_end if plan.end is None else min(span.cycle_end, plan.end))
        assert span.is_stub == (span.days < span.cycle_days)
        for day in (span.start, span.end - DAY):
            assert plan.cycle_of(day) == plan.cycle(span.number) == span
    assert [span.number for span in found] == [
        *range(found[0].number, found[0].number + len(found))
    ]


@given(schedules(), ZONES, CLOCKS, st.integers(0, 2**32))
@example(Schedule(date(2011, 12, 30), FIRST, None, "day"), "Pacific/Apia", time(0), 1)
def test_each_instant_lies_in_exactly_one_period(
    plan: Schedule, zone: str, day_start: time, seed: int
) -> None:
    some_years = plan.start, plan.start + 3_000 * DAY
    check_partition(plan, Calendar(zone, day_start), some_years, random.Random(seed))


@pytest.mark.long
@pytest.mark.parametrize("zone", sorted(available_timezones()))
def test_each_instant_of_every_zone_lies_in_exactly_one_period(zone: str) -> None:
    chance = random.Random(zone)
    anchors = days("1970-01-31", "2000-02-29", "2026-03-08", "2059-12-30")
    for unit in UNITS:
        for day_start in (time(0), time(2, 30)):
            for anchor in anchors if unit in {"month", "year"} else [chance.choice(anchors)]:
                plan = Schedule(anchor, FIRST, LAST, unit, chance.choice([1, 1, 2, 3, 7]))
                check_partition(plan, Calendar(zone, day_start), (FIRST, LAST), chance)


def check_partition(
    plan: Schedule, calendar: Calendar, within: tuple[date, date], chance: random.Random
) -> None:
    """Hold periods against each other, and some instants against the clock."""
    first = max(plan.start, within[0])
    last = within[1] if plan.end is None else min(plan.end, within[1])
    found = [period(span, calendar) for span in plan.between(first, last)]
    assert all(a.ends_at == b.starts_at for a, b in pairwise(found))
    assert all(p.starts_at <= p.ends_at for p in found)
    assert found[0].starts_at <= calendar.start_of(first)
    assert found[-1].ends_at >= calendar.start_of(last)
    starts_at = [p.starts_at for p in found]
    for instant in moments(calendar, chance, starts_at):
        day = naive.local_day(instant, calendar.timezone, calendar.day_start)
        held = [p for p in found if p.starts_at <= instant < p.ends_at]
        assert len(held) == (found[0].start_date <= day < found[-1].end_date)
        if held:
            assert held[0].start_date <= day < held[0].end_date
            assert held[0] == found[bisect_right(starts_at, instant) - 1]


def moments(
    calendar: Calendar, chance: random.Random, starts_at: list[datetime]
) -> Iterator[datetime]:
    """Yield instants at and just before beginnings, and around a change of the clock."""
    zone, tick = ZoneInfo(calendar.timezone), timedelta(microseconds=1)
    for begins in chance.choices(starts_at, k=2):
        yield begins
        yield begins - tick
    year = datetime(chance.choice(starts_at).year, 1, 1, tzinfo=UTC)
    each_day = [year + timedelta(hours=hour) for hour in range(0, 8_760, 24)]
    offsets = [day.astimezone(zone).utcoffset() for day in each_day]
    changes = [day for day, (a, b) in zip(each_day, pairwise(offsets), strict=False) if a != b]
    for near in chance.choices(changes or each_day, k=2):
        yield near + timedelta(minutes=chance.randrange(0, 2_880))
