import pytest

from tests.alerts._seen import Desk

ODD = "usage.anomaly"


def weeks(desk: Desk, before: int | str, last: int | str) -> None:
    """Use so much on each of the seven days before the last seven, and of these."""
    for day in range(6, 20):
        if quantity := before if day < 13 else last:
            desk.use(f"2026-04-{day:02}", quantity)


@pytest.mark.parametrize(
    ("last", "state", "change", "said"),
    [
        ("1300", "above", "0.3", "30 % above"),
        ("700", "below", "-0.3", "30 % below"),
        (0, "below", "-1", "100 % below"),
    ],
)
def test_a_week_far_from_the_one_before(
    desk: Desk, last: str, state: str, change: str, said: str
) -> None:
    desk.line()
    weeks(desk, 1000, last)
    (one,) = desk.findings(ODD)
    assert (desk.mine(one["entity"]), one["state"], one["period"]) == ("ME/calls", state, "")
    assert one["inputs"] == {"through": "2026-04-19"}
    assert one["outputs"] == {"mean": str(last), "before": "1000", "change": change}
    assert one["message"] == f"calls: {said} the week before, through 2026-04-19."


@pytest.mark.parametrize("last", ["1250", "750"])
def test_the_limit_itself_is_not_above_it(desk: Desk, last: str) -> None:
    desk.line()
    weeks(desk, 1000, last)
    assert desk.findings(ODD) == []
    assert len(desk.findings(ODD, change="24.9")) == 1


def test_a_quiet_weekend_is_nothing_odd(desk: Desk) -> None:
    desk.line()
    for day in range(6, 20):
        if day not in {11, 12, 18, 19}:
            desk.use(f"2026-04-{day:02}", 1000)
    assert desk.findings(ODD) == []


def test_today_is_not_over_and_does_not_count(desk: Desk) -> None:
    desk.line()
    weeks(desk, 1000, 1000)
    desk.use("2026-04-20", 100_000)
    assert desk.findings(ODD) == []


def test_small_means_are_left_out(desk: Desk) -> None:
    desk.line()
    weeks(desk, 100, 249)
    assert desk.findings(ODD) == []
    assert desk.states(ODD, volume="249") == {"ME/calls": "above"}


def test_of_nothing_before_any_use_is_a_change_and_of_nothing_at_all_none(desk: Desk) -> None:
    desk.line()
    assert desk.findings(ODD, volume="0") == []
    weeks(desk, 0, 300)
    (one,) = desk.findings(ODD)
    assert (one["state"], one["outputs"]["change"]) == ("above", None)


def test_days_are_those_of_the_account(desk: Desk) -> None:
    moved = {"timezone": "Asia/Tokyo", "valid_from": "2026-01-01"}
    desk.house.put(f"/accounts/{desk.account}", **moved)
    desk.line()
    weeks(desk, 1000, 2000)
    assert desk.findings(ODD)[0]["inputs"] == {"through": "2026-04-19"}


def test_a_line_is_judged_once_it_has_two_weeks(desk: Desk) -> None:
    desk.line(start_date="2026-04-07")
    weeks(desk, 1000, 2000)
    assert desk.unjudged(ODD) == {"ME/calls": "not_enough_data"}
    desk.line(start_date="2026-04-06")
    assert desk.states(ODD) == {"ME/calls": "above"}


def test_levels_are_not_judged(desk: Desk) -> None:
    desk.agree(lines=[{"code": "seats", "meter": "seats"}])
    desk.use("2026-04-07", 1000, type="seat")
    desk.use("2026-04-15", 5000, type="seat")
    assert desk.preview(ODD)["cannot_evaluate"] == []
    assert desk.findings(ODD) == []


def test_what_came_in_and_waits_makes_it_unjudged(desk: Desk) -> None:
    desk.line()
    weeks(desk, 1000, 2000)
    assert desk.stale(ODD) == {"ME/calls": "data_stale"}
