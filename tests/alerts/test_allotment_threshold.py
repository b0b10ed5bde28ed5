import pytest

from tests.alerts._seen import Desk

SHARE = "allotment.threshold"


@pytest.mark.parametrize(
    ("used", "steps"),
    [
        ("499.999", []),
        ("500", ["50"]),
        ("999.999", ["50", "80"]),
        ("1000", ["50", "80", "100"]),
        ("1200", ["50", "80", "100", "120"]),
    ],
)
def test_a_share_that_is_met_is_reached(desk: Desk, used: str, steps: list[str]) -> None:
    desk.line("1000")
    desk.use("2026-04-03", used)
    assert desk.steps(SHARE) == steps


def test_at_exactly_all_of_it_nothing_is_over_yet(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-03", 1000)
    (one,) = desk.findings(SHARE, thresholds=["100"])
    assert (one["state"], one["severity"], one["step"]) == ("reached", "critical", "100")
    assert (one["entity"], one["line"], one["period"]) == (
        f"{desk.account}/calls", "calls", "2026-04-01",
    )  # fmt: skip
    assert one["inputs"] == {"threshold": "100", "allotment": "1000"}
    assert one["outputs"] == {"used": "1000", "percent_used": "1"}
    assert one["money_at_risk"] == "0"
    assert one["message"] == "calls: 100.0 % of the allotment is used."


def test_the_money_of_a_line_stands_at_the_highest_step_once(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-03", 1100)
    risks = {one["step"]: one["money_at_risk"] for one in desk.findings(SHARE)}
    assert risks == {"50": None, "80": None, "100": "100"}


def test_below_all_of_it_is_a_warning_and_beyond_shows_what_it_costs(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-03", 1100)
    found = {f["step"]: f for f in desk.findings(SHARE, thresholds=["33.5", "110"])}
    assert [found[step]["money_at_risk"] for step in ("33.5", "110")] == [None, "100"]
    desk.use("2026-04-03", -300)
    assert [f["severity"] for f in desk.findings(SHARE, thresholds="33.5")] == ["warning"]


def test_use_of_nothing_included_is_beyond_every_share(desk: Desk) -> None:
    desk.line("0")
    assert desk.findings(SHARE) == []
    desk.use("2026-04-03", 1)
    assert desk.steps(SHARE) == ["50", "80", "100", "120"]
    assert desk.findings(SHARE)[0]["outputs"]["percent_used"] is None


def test_without_an_allotment_there_are_no_shares(desk: Desk) -> None:
    desk.line(None)
    desk.use("2026-04-03", 10_000)
    assert desk.findings(SHARE) == []


def test_the_period_before_does_not_count(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-03-31", 2000)
    assert desk.findings(SHARE) == []


def test_what_came_in_and_waits_makes_it_unjudged(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-03", 2000)
    assert desk.stale(SHARE) == {"ME/calls": "data_stale"}


def test_a_highest_value_of_nothing_is_incomplete(desk: Desk) -> None:
    desk.house.put("/meters/peak", event_type="use", aggregation="max", property="n", unit="calls")
    desk.agree(lines=[{"code": "peak", "meter": "peak", "allotment": {"quantity": "10"}}])
    assert desk.unjudged(SHARE) == {"ME/peak": "incomplete"}
    desk.use("2026-04-03", 9)
    assert desk.steps(SHARE) == ["50", "80"]


@pytest.mark.parametrize(
    ("given", "code"), [([], "value_missing"), (["much"], "value_invalid"), (7, "value_invalid")]
)
def test_shares_that_are_none_are_refused(desk: Desk, given: object, code: str) -> None:
    assert desk.refused(SHARE, thresholds=given) == (422, code, "values.thresholds")


def test_a_share_is_not_met_by_rounding(desk: Desk) -> None:
    desk.line("1000000000")
    desk.use("2026-04-10", 999999999)  # 99.9999999 %, which is 100.000000 when it is rounded
    assert desk.steps(SHARE) == ["50", "80"]
    assert {one["severity"] for one in desk.findings(SHARE)} == {"warning"}


def test_what_was_handed_on_counts_as_included(desk: Desk) -> None:
    allotment = {"quantity": "100", "rollover": {}}
    line = {"code": "calls", "meter": "calls", "allotment": allotment}
    desk.agree(lines=[line], start_date="2026-03-01")
    desk.use("2026-04-10", 100)  # of 100 and the 100 of March
    assert desk.steps(SHARE) == ["50"]


def test_shares_below_nothing_are_refused(desk: Desk) -> None:
    assert desk.refused(SHARE, thresholds=[-1]) == (422, "value_invalid", "values.thresholds")
