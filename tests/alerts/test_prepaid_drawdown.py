from tests.alerts._seen import Desk

POOL = "prepaid.drawdown"
TERM = {"quantity": "1000", "cycle_unit": "term"}


def term(desk: Desk) -> None:
    desk.agree(
        end_date="2026-12-31", lines=[{"code": "calls", "meter": "calls", "allotment": TERM}]
    )


def test_the_use_of_a_whole_term_is_held_against_its_pool(desk: Desk) -> None:
    term(desk)
    desk.use("2026-01-10", 500)
    desk.use("2026-04-10", 399)
    assert desk.steps(POOL) == []
    desk.use("2026-04-11", 1)
    (one,) = desk.findings(POOL)
    assert (one["step"], one["period"]) == ("90", "2026-01-01")
    assert one["outputs"] == {"used": "900", "percent_used": "0.9"}
    desk.use("2026-04-11", 50)
    assert desk.steps(POOL) == ["90", "95"]


def test_ones_own_shares(desk: Desk) -> None:
    term(desk)
    desk.use("2026-01-10", 500)
    assert desk.steps(POOL, thresholds="50, 51") == ["50"]


def test_what_comes_round_is_left_to_others(desk: Desk) -> None:
    desk.line("10")
    desk.use("2026-04-10", 20)
    assert desk.states(POOL) == {}


def test_stale_data_is_not_judged(desk: Desk) -> None:
    term(desk)
    desk.line("10", part="-b")
    assert desk.stale(POOL) == {"ME/calls": "data_stale"}
