from datetime import UTC, datetime

import pytest

from tests.alerts._seen import Desk

AHEAD = "allotment.forecast_overage"


def daily(desk: Desk, first: int, last: int, quantity: int | str) -> None:
    """Use so much on each of some days of April."""
    for day in range(first, last + 1):
        desk.use(f"2026-04-{day:02}", quantity)


def test_the_documented_example(desk: Desk) -> None:
    desk.line("30000")
    desk.use("2026-04-02", 10_000)
    daily(desk, 8, 14, 1200)
    with desk.on(datetime(2026, 4, 15, 12, tzinfo=UTC)):
        (one,) = desk.findings(AHEAD)
    assert (one["state"], one["entity"], one["step"]) == (
        "likely_over",
        f"{desk.account}/calls",
        "",
    )
    assert one["outputs"] == {
        "projected": "37600",
        "projected_overage": "7600",
        "exhausted_on": "2026-04-24",
    }
    assert (one["inputs"], one["money_at_risk"]) == ({"allotment": "30000"}, "7600")
    assert one["message"] == (
        "calls: 37,600 are expected, 30,000 are included, reached on 2026-04-24."
    )


def test_exactly_what_is_included_is_not_beyond_it(desk: Desk) -> None:
    desk.line("30000")
    daily(desk, 1, 19, 1000)
    assert desk.findings(AHEAD) == []
    assert desk.states(AHEAD, percent="99.9") == {"ME/calls": "likely_over"}


def test_it_turns_when_use_itself_is_beyond(desk: Desk) -> None:
    desk.line("1900")
    daily(desk, 1, 19, 100)
    assert desk.states(AHEAD) == {"ME/calls": "likely_over"}  # all is used, and nothing is over
    desk.use("2026-04-20", 1)
    assert desk.states(AHEAD) == {"ME/calls": "over"}


@pytest.mark.parametrize(("start", "days"), [("2026-04-18", 2), ("2026-04-17", 3)])
def test_it_takes_three_complete_days(desk: Desk, start: str, days: int) -> None:
    desk.line("1000", start_date=start)
    daily(desk, 17, 19, 900)
    if days < 3:
        assert desk.unjudged(AHEAD) == {"ME/calls": "not_enough_data"}
    else:
        assert desk.states(AHEAD) == {"ME/calls": "over"}


def test_without_an_allotment_nothing_lies_beyond(desk: Desk) -> None:
    desk.line(None, start_date="2026-04-19")
    desk.use("2026-04-19", 10_000)
    assert desk.findings(AHEAD) == []


def test_an_ended_contract_is_heading_nowhere(desk: Desk) -> None:
    desk.line("10", end_date="2026-04-10")
    daily(desk, 1, 10, 100)
    assert desk.findings(AHEAD) == []


def test_what_came_in_and_waits_makes_it_unjudged(desk: Desk) -> None:
    desk.line("1000")
    daily(desk, 10, 19, 100)
    assert desk.stale(AHEAD) == {"ME/calls": "data_stale"}


def test_what_was_handed_on_counts_as_included(desk: Desk) -> None:
    allotment = {"quantity": "10000", "rollover": {}}
    line = {"code": "calls", "meter": "calls", "allotment": allotment}
    desk.agree(lines=[line], start_date="2026-03-01")
    for day in range(13, 20):
        desk.use(f"2026-04-{day}", 1000)  # heading for 18,000 of 20,000
    assert desk.states("allotment.forecast_overage") == {}
