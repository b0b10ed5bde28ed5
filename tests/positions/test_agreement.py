"""Which days a contract is in force, and the billing periods they fall into."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tallybook.model.time import FIRST_DAY, LAST_DAY, LAST_INSTANT
from tallybook.positions.agreement import Agreement, agreement
from tallybook.positions.items import allotment, items, segments, turns
from tallybook.positions.periods import Span
from tests.worlds import World

DAY = timedelta(days=1)
CHICAGO = "America/Chicago"
MONTHS = {"cycle_start_date": "2020-01-01"}


def agreed(*versions: dict[str, Any], **account: Any) -> Agreement:
    """Return a contract from 2026 on of these versions; each may name its `valid_from`."""
    world = World()
    world.account("a", **{"timezone": CHICAGO, **account})
    for version in versions:
        world.contract(**{"start_date": "2026-01-01", **version})
    return agreement(world.directory, "C")


def on(found: Agreement, day: str) -> Span:
    span = found.period_of(date.fromisoformat(day))
    assert span is not None
    return span


def days(span: Span) -> str:
    return f"{span.start} {span.end}{' stub' * span.is_stub}"


def test_a_period_is_by_default_a_month_from_the_contracts_first_day() -> None:
    found = agreed({"start_date": "2026-01-31"})
    spans = [on(found, day) for day in ("2026-01-31", "2026-02-28", "2026-03-30", "2026-03-31")]
    assert [days(span) for span in spans] == [
        "2026-01-31 2026-02-28",
        "2026-02-28 2026-03-31",
        "2026-02-28 2026-03-31",
        "2026-03-31 2026-04-30",
    ]
    march = found.period(on(agreed({"start_date": "2025-01-01"}), "2026-03-14"))
    assert march.starts_at == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert march.ends_at == datetime(2026, 4, 1, 5, tzinfo=UTC)


def test_a_contracts_billing_names_its_cycle_and_its_anchor() -> None:
    billing = {"cycle_unit": "week", "cycle_length": 2, "cycle_start_date": "2026-01-05"}
    found = agreed({"start_date": "2026-01-10", "end_date": "2026-02-05", "billing": billing})
    assert [days(span) for span in found.periods(FIRST_DAY, LAST_DAY)] == [
        "2026-01-10 2026-01-19 stub",
        "2026-01-19 2026-02-02",
        "2026-02-02 2026-02-06 stub",
    ]
    one = agreed({"start_date": "2026-05-09", "end_date": "2026-05-09"})
    assert [days(span) for span in one.periods(FIRST_DAY, LAST_DAY)] == [
        "2026-05-09 2026-05-10 stub"
    ]


def test_a_changed_cycle_cuts_the_one_before_and_is_cut_itself() -> None:
    quarters = {"cycle_unit": "month", "cycle_length": 3, "cycle_start_date": "2026-01-01"}
    found = agreed(
        {"billing": MONTHS}, {"billing": quarters, "valid_from": "2026-02-11", "lines": []}
    )
    spans = list(found.periods(date(2026, 1, 1), date(2026, 4, 2)))
    assert [days(span) for span in spans] == [
        "2026-01-01 2026-02-01",
        "2026-02-01 2026-02-11 stub",
        "2026-02-11 2026-04-01 stub",
        "2026-04-01 2026-07-01",
    ]
    assert [span.cycle_days for span in spans] == [31, 28, 90, 91]
    same = agreed({"billing": MONTHS}, {"billing": MONTHS, "valid_from": "2026-02-11"})
    assert days(on(same, "2026-02-11")) == "2026-02-01 2026-03-01"


@pytest.mark.parametrize(
    ("document", "last"),
    [
        ({"end_date": "2026-03-31"}, "2026-03-31"),
        ({"end_date": "2026-03-31", "status": "ended"}, "2026-03-31"),
        ({"end_date": "2026-03-31", "renewal": {"policy": "ask"}}, "2026-03-31"),
        ({"end_date": "2026-03-31", "renewal": {"policy": "auto"}}, "9999-12-28"),
        (
            {"end_date": "2026-03-31", "renewal": {"policy": "auto"}, "status": "ended"},
            "2026-03-31",
        ),
        ({}, "9999-12-28"),
        ({"status": "draft"}, None),
        ({"status": "ended"}, None),
        ({"retired": True}, None),
    ],
)
def test_the_last_day_in_force(document: dict[str, Any], last: str | None) -> None:
    found = agreed(document)
    if last is None:
        assert found.stretches == ()
        assert found.period_of(date(2026, 1, 1)) is None
        return
    day = date.fromisoformat(last)
    assert found.period_of(day) is not None
    assert found.on(day) is not None
    assert found.on(day + DAY) is None
    assert day + DAY == LAST_DAY or found.period_of(day + DAY) is None


def test_a_zone_holds_from_the_next_period_on() -> None:
    found = agreed(
        {"billing": MONTHS, "timezone": CHICAGO},
        {"billing": MONTHS, "timezone": "Asia/Tokyo", "valid_from": "2026-02-11"},
    )
    january, february, march = (
        found.period(span) for span in found.periods(date(2026, 1, 1), date(2026, 3, 2))
    )
    assert january.ends_at == february.starts_at == datetime(2026, 2, 1, 6, tzinfo=UTC)
    assert february.ends_at == march.starts_at == datetime(2026, 2, 28, 15, tzinfo=UTC)
    assert found.day_of(datetime(2026, 2, 28, 14, 59, tzinfo=UTC)) == date(2026, 2, 28)
    assert found.day_of(datetime(2026, 2, 28, 15, tzinfo=UTC)) == date(2026, 3, 1)
    assert found.start_of(date(2026, 2, 12)) == datetime(2026, 2, 12, 6, tzinfo=UTC)


def test_the_ends_of_time_have_periods_too() -> None:
    found = agreed({"start_date": str(FIRST_DAY)}, timezone="Pacific/Kiritimati")
    for day in (FIRST_DAY, LAST_DAY - 2 * DAY):
        span = found.period_of(day)
        assert span is not None
        assert found.period(span).starts_at < found.period(span).ends_at
    assert found.day_of(LAST_INSTANT) is None


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Draw versions of a contract that change its zone, cycle and end, and its account."""
    days = st.dates(date(2026, 1, 1), date(2026, 6, 30)).map(str)
    units = st.sampled_from(["day", "week", "month", "month", "year"])
    zones = st.none() | st.sampled_from(
        ["UTC", "Pacific/Apia", "Pacific/Pago_Pago", "Asia/Beirut", "America/Havana"]
    )
    version = st.fixed_dictionaries(
        {
            "valid_from": days,
            "timezone": zones,
            "end_date": st.sampled_from([None, None, "2026-05-17"]),
            "status": st.sampled_from(["active", "active", "active", "draft"]),
            "billing": st.fixed_dictionaries(
                {
                    "cycle_unit": units,
                    "cycle_length": st.integers(1, 3),
                    "cycle_start_date": st.none() | days,
                }
            ),
        }
    )
    versions = [{**draw(version), "valid_from": None, "status": "active"}]
    versions += draw(st.lists(version, max_size=3))
    clock = draw(st.sampled_from(["00:00", "00:00", "02:30", "23:00"]))
    return versions, {"day_start": clock, "timezone": draw(zones) or "UTC"}


@given(histories(), st.integers(0, 300 * 24 * 4))
@example(
    ([{"billing": {"cycle_unit": "day"}}], {"timezone": "Pacific/Pago_Pago", "day_start": "23:00"}),
    21 * 96 + 20,  # 10 January, 05:00 in UTC: two days behind
)
def test_each_instant_in_force_lies_in_one_period(
    history: tuple[list[dict[str, Any]], dict[str, Any]], quarters: int
) -> None:
    versions, account = history
    found = agreed(*versions, **account)
    spans = list(found.periods(date(2025, 12, 1), date(2027, 1, 1)))
    periods = [found.period(span) for span in spans]
    for (one, before), (other, after) in pairwise(zip(spans, periods, strict=True)):
        assert one.end <= other.start
        if one.end == other.start:
            assert before.starts_at <= before.ends_at == after.starts_at
    instant = datetime(2025, 12, 20, tzinfo=UTC) + quarters * timedelta(minutes=15)
    held = [period for period in periods if period.starts_at <= instant < period.ends_at]
    day = found.day_of(instant)
    assert len(held) == (day is not None)
    if day is not None:
        assert held[0].start_date <= day < held[0].end_date
        assert found.on(day) is not None


def test_a_term_that_is_made_longer_gives_each_of_its_days_the_same() -> None:
    term = {"cycle_unit": "term"}
    first = {"end_date": "2026-12-31", "allotment": {"quantity": "365", **term}}
    longer = {"end_date": "2027-12-31", "allotment": {"quantity": "730", **term}}
    found = agreed(first, {**longer, "valid_from": "2026-07-02"})
    known = segments(found, items)["L"]
    cycles = list(turns(found, known, FIRST_DAY, LAST_DAY))
    assert [(turn.days, turn.span.cycle_days) for turn in cycles] == [(182, 365), (548, 730)]
    assert [allotment(turn) for turn in cycles] == [182, 548]


def test_an_agreement_is_made_once_until_its_contract_or_its_account_changes() -> None:
    world = World()
    world.account("a", timezone=CHICAGO)
    world.contract(start_date="2026-01-01")
    first = agreement(world.directory, "C")
    lines = segments(first, items)
    world.account("b")
    assert agreement(world.directory, "C") is first
    assert segments(first, items) is lines
    before = world.directory
    world.account("a", timezone="UTC")
    moved = agreement(world.directory, "C")
    assert moved.calendar_on(date(2026, 1, 1)).timezone == "UTC"
    world.contract(start_date="2026-01-01", name="new")
    assert [one.terms.name for one in agreement(world.directory, "C").stretches] == ["new"]
    assert agreement(before, "C").calendar_on(date(2026, 1, 1)).timezone == CHICAGO
