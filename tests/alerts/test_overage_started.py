from tests.alerts._seen import Desk

OVER = "overage.started"


def test_it_begins_with_the_first_beyond_what_is_included(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-03", 1000)
    assert desk.findings(OVER) == []
    desk.use("2026-04-04", "0.5")
    (one,) = desk.findings(OVER)
    assert (one["state"], one["period"]) == ("over", "2026-04-01")
    assert one["outputs"] == {"used": "1000.5", "overage": "0.5", "overage_amount": "0.5"}
    assert one["money_at_risk"] == "0.5"


def test_overage_that_costs_little_is_left_out(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-03", 1020)
    assert desk.states(OVER, amount="20") == {"ME/calls": "over"}
    assert desk.states(OVER, amount="20.01") == {}


def test_what_is_carried_from_before_is_available(desk: Desk) -> None:
    allotment = {"quantity": "1000", "rollover": {"expires_after": 1}}
    desk.agree(lines=[{"code": "calls", "meter": "calls", "allotment": allotment}])
    desk.use("2026-04-03", 2000)
    assert desk.findings(OVER) == []
    desk.use("2026-04-03", 1)
    assert desk.states(OVER) == {"ME/calls": "over"}


def test_a_group_covers_like_an_allotment_and_unlimited_has_no_beyond(desk: Desk) -> None:
    desk.copies(covered="100", rate="0.1")
    desk.agree("-2", lines=[{"code": "all", "meter": "calls", "allotment": {}}])
    desk.use("2026-04-03", 150)
    (one,) = desk.findings(OVER)
    assert (desk.mine(one["entity"]), one["money_at_risk"]) == ("ME/copies", "5")


def test_what_came_in_and_waits_makes_it_unjudged(desk: Desk) -> None:
    desk.line("1")
    desk.use("2026-04-03", 150)
    assert desk.stale(OVER) == {"ME/calls": "data_stale"}


def test_an_amount_is_not_below_nothing(desk: Desk) -> None:
    assert desk.refused(OVER, amount="-1") == (422, "value_invalid", "values.amount")
