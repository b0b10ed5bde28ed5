from tests.alerts._seen import Desk

SHARE = "allotment.threshold"


def test_each_share_that_is_met_is_found_and_at_100_nothing_is_over(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-10", 1000)
    found = {one["step"]: one for one in desk.findings(SHARE)}
    assert [*sorted(found)] == ["100", "50", "80"]
    one = found["100"]
    assert one["inputs"] == {"threshold": "100", "allotment": "1000"}
    assert one["outputs"] == {"used": "1000", "percent_used": "1"}
    assert (one["severity"], one["money_at_risk"]) == ("critical", "0")
    assert (one["period"], one["entity"]) == ("2026-04-01", f"{desk.account}/calls")
    assert desk.states("overage.started") == {}


def test_just_below_a_share_it_is_not_met(desk: Desk) -> None:
    desk.line("1000000000")
    desk.use("2026-04-10", 999999999)  # 99.9999999 %, which is 100.000000 when it is rounded
    assert desk.steps(SHARE) == ["50", "80"]
    assert {one["severity"] for one in desk.findings(SHARE)} == {"warning"}


def test_what_is_in_order_is_silent(desk: Desk) -> None:
    desk.line("1000")
    desk.line(None, part="-free")
    desk.use("2026-04-10", 499)
    desk.use("2026-03-10", 5000)  # another period
    assert desk.steps(SHARE) == []


def test_ones_own_shares(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-10", 333)
    assert desk.steps(SHARE, thresholds=["33.3", "33.4", 10, 10]) == ["10", "33.3"]
    assert desk.refused(SHARE, thresholds=[]) == (422, "value_missing", "values.thresholds")
    assert desk.refused(SHARE, thresholds=[-1]) == (422, "value_invalid", "values.thresholds")


def test_something_used_where_nothing_is_included_is_beyond_every_share(desk: Desk) -> None:
    desk.line("0")
    desk.tick()
    assert desk.steps(SHARE) == []
    desk.use("2026-04-10", 1)
    assert desk.steps(SHARE) == ["50", "80", "100", "120"]
    assert desk.findings(SHARE)[0]["outputs"] == {"used": "1", "percent_used": None}


def test_what_was_handed_on_counts_as_included(desk: Desk) -> None:
    allotment = {"quantity": "100", "rollover": {}}
    line = {"code": "calls", "meter": "calls", "allotment": allotment}
    desk.agree(lines=[line], start_date="2026-03-01")
    desk.use("2026-04-10", 100)  # of 100 and the 100 of March
    assert desk.steps(SHARE) == ["50"]


def test_what_cannot_be_judged(desk: Desk) -> None:
    desk.line("10")
    desk.use("2026-04-10", 20)
    assert desk.stale(SHARE) == {"ME/calls": "data_stale"}
    seats = {"code": "seats", "meter": "seats", "allotment": {"quantity": "5"}}
    desk.agree(lines=[seats])
    assert desk.unjudged(SHARE) == {"ME/seats": "incomplete"}
