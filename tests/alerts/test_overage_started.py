from tests.alerts._seen import Desk

OVER = "overage.started"


def test_what_is_beyond_is_found_and_what_is_met_is_not(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-10", 1000)
    assert desk.states(OVER) == {}
    desk.use("2026-04-10", "0.5")
    (one,) = desk.findings(OVER)
    assert (one["state"], one["outputs"]["overage"], one["money_at_risk"]) == ("over", "0.5", "0.5")
    assert one["outputs"]["used"] == "1000.5"
    assert one["period"] == "2026-04-01"


def test_what_costs_little_can_be_left_out(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-10", 1005)
    assert desk.states(OVER, amount="5") == {"ME/calls": "over"}
    assert desk.states(OVER, amount="5.01") == {}


def test_a_line_without_a_price_is_over_too(desk: Desk) -> None:
    line = {"code": "calls", "meter": "calls", "allotment": {"quantity": "10"}}
    desk.agree(lines=[line])
    desk.use("2026-04-10", 11)
    assert desk.states(OVER) == {"ME/calls": "over"}
    assert desk.states(OVER, amount=1) == {}


def test_without_an_allotment_nothing_is_over(desk: Desk) -> None:
    desk.line(None)
    desk.use("2026-04-10", 11)
    assert desk.states(OVER) == {}


def test_stale_data_is_not_judged(desk: Desk) -> None:
    desk.line("10")
    desk.use("2026-04-10", 20)
    assert desk.stale(OVER) == {"ME/calls": "data_stale"}
