from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.contract import Billing, Contract
from tallybook.model.nouns import Account
from tallybook.model.time import FIRST_DAY, LAST_DAY, LAST_INSTANT, Calendar
from tallybook.positions.periods import (
    Schedule,
    add_months,
    calendar_of,
    period_at,
    period_of,
    previous,
    schedule,
)

CHICAGO = Calendar("America/Chicago")


def contract(
    start: date, end: date | None = None, timezone: str | None = None, **billing: Any
) -> Contract:
    return Contract(
        number="C",
        account="a",
        start_date=start,
        end_date=end,
        timezone=timezone,
        billing=Billing(**billing),
    )


def test_a_period_is_a_calendar_month_in_the_zone() -> None:
    found = period_at(contract(date(2025, 1, 1)), CHICAGO, datetime(2026, 3, 14, tzinfo=UTC))
    assert found is not None
    assert (found.start_date, found.end_date) == (date(2026, 3, 1), date(2026, 4, 1))
    assert found.starts_at == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert found.ends_at == datetime(2026, 4, 1, 5, tzinfo=UTC)
    assert found.ends_at - found.starts_at == timedelta(hours=743)  # 31 days, one of 23 hours
    assert not found.is_stub


def test_the_last_hour_of_a_month_abroad_is_still_that_month() -> None:
    found = period_at(contract(date(2025, 1, 1)), CHICAGO, datetime(2026, 4, 1, 4, 59, tzinfo=UTC))
    assert found is not None
    assert found.start_date == date(2026, 3, 1)


def test_a_period_is_by_default_a_month_from_the_contracts_first_day() -> None:
    terms = contract(date(2026, 1, 31))
    found = [period_of(terms, CHICAGO, date(2026, month, 28)) for month in (2, 3, 4)]
    assert [(p.start_date, p.end_date, p.is_stub) for p in found if p] == [
        (date(2026, 2, 28), date(2026, 3, 31), False),
        (date(2026, 2, 28), date(2026, 3, 31), False),
        (date(2026, 3, 31), date(2026, 4, 30), False),
    ]


def test_a_contracts_billing_names_its_cycle() -> None:
    terms = contract(date(2026, 1, 20), cycle_unit="week", cycle_length=2)
    assert schedule(terms) == Schedule(date(2026, 1, 20), date(2026, 1, 20), None, "week", 2)


def test_a_contract_that_begins_or_ends_inside_a_cycle_has_stubs() -> None:
    terms = contract(date(2026, 1, 20), date(2026, 3, 10), cycle_start_date=date(2026, 1, 1))
    first = period_of(terms, CHICAGO, date(2026, 1, 31))
    whole = period_of(terms, CHICAGO, date(2026, 2, 1))
    last = period_of(terms, CHICAGO, date(2026, 3, 10))
    assert first is not None
    assert whole is not None
    assert last is not None
    assert (first.start_date, first.end_date) == (date(2026, 1, 20), date(2026, 2, 1))
    assert (last.start_date, last.end_date) == (date(2026, 3, 1), date(2026, 3, 11))
    assert [p.is_stub for p in (first, whole, last)] == [True, False, True]
    assert previous(terms, CHICAGO, last) == whole
    assert previous(terms, CHICAGO, first) is None


def test_the_end_date_is_the_last_day_in_force() -> None:
    terms = contract(date(2026, 1, 1), date(2026, 1, 31))
    assert period_at(terms, Calendar(), datetime(2025, 12, 31, 23, 59, tzinfo=UTC)) is None
    january = period_at(terms, Calendar(), datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    assert january is not None
    assert not january.is_stub
    assert period_at(terms, Calendar(), datetime(2026, 2, 1, tzinfo=UTC)) is None


def test_a_contract_of_one_day_has_one_period_of_one_day() -> None:
    found = period_of(contract(date(2026, 5, 9), date(2026, 5, 9)), CHICAGO, date(2026, 5, 9))
    assert found is not None
    assert (found.start_date, found.end_date, found.is_stub) == (
        date(2026, 5, 9),
        date(2026, 5, 10),
        True,
    )


def test_the_ends_of_time_have_periods_too() -> None:
    early = period_of(contract(FIRST_DAY), CHICAGO, FIRST_DAY)
    late = period_of(contract(date(9999, 12, 1)), CHICAGO, LAST_DAY)
    final = period_at(contract(date(9999, 12, 1), LAST_DAY), CHICAGO, LAST_INSTANT)
    assert early is not None
    assert late is not None
    assert final is not None
    assert early.start_date == FIRST_DAY
    assert late.starts_at < late.ends_at


def test_the_calendar_is_the_contracts_zone_at_the_accounts_hour() -> None:
    account = Account(key="a", timezone="America/Chicago", day_start=time(6))
    start = date(2026, 1, 1)
    assert calendar_of(contract(start), None) == Calendar()
    assert calendar_of(contract(start), account) == Calendar("America/Chicago", time(6))
    assert calendar_of(contract(start, timezone="America/Chicago"), account) == account.calendar
    assert calendar_of(contract(start, timezone="Asia/Tokyo"), account) == Calendar(
        "Asia/Tokyo", time(6)
    )


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


def test_nothing_is_left_of_a_cycle_outside_the_days_in_force() -> None:
    terms = contract(date(2026, 1, 10), date(2026, 2, 10), cycle_start_date=date(2026, 1, 1))
    found = [schedule(terms).cycle(index) for index in range(-1, 3)]
    assert [span and span.days for span in found] == [None, 22, 10, None]


ZONES = [
    "UTC",
    "America/Chicago",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Cairo",
    "Asia/Kathmandu",
]


@given(
    st.sampled_from(ZONES),
    st.times(),
    st.dates(date(2009, 1, 1), date(2013, 12, 31)),
    st.none() | st.integers(0, 900),
    st.integers(0, 200_000),
)
def test_periods_partition_the_time_in_force(
    zone: str, clock: time, start: date, days: int | None, hours: int
) -> None:
    calendar = Calendar(zone, clock.replace(second=0, microsecond=0))
    end = None if days is None else start + timedelta(days=days)
    terms = contract(start, end)
    instant = datetime(2008, 1, 1, tzinfo=UTC) + timedelta(hours=hours / 4)
    found = period_at(terms, calendar, instant)
    begins = calendar.start_of(start)
    ends = None if end is None else calendar.start_of(end + timedelta(days=1))
    assert (found is not None) == (begins <= instant and (ends is None or instant < ends))
    if found is not None:
        assert found.starts_at <= instant < found.ends_at
        before = previous(terms, calendar, found)
        assert (
            (found.starts_at == begins) if before is None else (before.ends_at == found.starts_at)
        )
