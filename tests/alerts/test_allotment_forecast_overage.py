import pytest

from tests.alerts._seen import Desk

AHEAD = "allotment.forecast_overage"


def week(desk: Desk, quantity: int, days: int = 7) -> None:
    for day in range(20 - days, 20):
        desk.use(f"2026-04-{day:02}", quantity)


def test_a_line_that_is_heading_beyond_is_found(desk: Desk) -> None:
    desk.line("18000")
    week(desk, 1000)  # 7,000 so far and 1,000 on each of the 11 days from today on
    assert desk.states(AHEAD) == {}
    desk.use("2026-04-10", 600)
    (one,) = desk.findings(AHEAD)
    assert (one["state"], one["outputs"]["projected"]) == ("likely_over", "18600")
    assert one["outputs"]["projected_overage"] == "600"
    assert one["outputs"]["exhausted_on"] == "2026-04-30"
    assert one["money_at_risk"] == "600"
    assert one["message"].endswith(
        "18,600 are expected, 18,000 are included, reached on 2026-04-30."
    )


@pytest.mark.parametrize(("allotment", "found"), [("18000", False), ("17999", True)])
def test_exactly_what_is_included_is_in_order(desk: Desk, allotment: str, *, found: bool) -> None:
    desk.line(allotment)
    week(desk, 1000)
    assert bool(desk.states(AHEAD)) is found


def test_ones_own_share(desk: Desk) -> None:
    desk.line("20000")
    week(desk, 1000)
    assert desk.states(AHEAD) == {}
    assert desk.states(AHEAD, percent=90) == {}
    assert desk.states(AHEAD, percent="89.9") == {"ME/calls": "likely_over"}


def test_what_is_over_already_is_told_by_others(desk: Desk) -> None:
    desk.line("100")
    week(desk, 1000)
    assert desk.states(AHEAD) == {}
    assert desk.states("overage.started") == {"ME/calls": "over"}


def test_what_was_handed_on_counts_as_included(desk: Desk) -> None:
    allotment = {"quantity": "10000", "rollover": {}}
    line = {"code": "calls", "meter": "calls", "allotment": allotment}
    desk.agree(lines=[line], start_date="2026-03-01")
    week(desk, 1000)  # heading for 18,000 of 20,000
    assert desk.states(AHEAD) == {}


def test_too_few_days_are_no_forecast(desk: Desk) -> None:
    desk.line("1000", start_date="2026-04-18")
    desk.use("2026-04-18", 400)
    desk.use("2026-04-19", 400)
    assert desk.states(AHEAD) == {}


def test_stale_data_is_not_judged(desk: Desk) -> None:
    desk.line("17999")
    week(desk, 1000)
    assert desk.stale(AHEAD) == {"ME/calls": "data_stale"}
