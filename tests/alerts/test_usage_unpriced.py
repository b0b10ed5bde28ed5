from tests.alerts._seen import Desk

MISSED = "usage.unpriced"


def test_what_no_contract_counts_is_found(desk: Desk) -> None:
    desk.use("2026-04-18", 5)
    desk.use("2026-04-19", 5)
    desk.use("2026-04-19", 5, type="unheard-of")
    found = {one["inputs"]["type"]: one for one in desk.findings(MISSED)}
    assert (found["use"]["state"], found["unheard-of"]["state"]) == ("no_line", "no_meter")
    assert found["use"]["outputs"] == {"events": 2, "first": "2026-04-18"}
    assert "calls" in found["use"]["inputs"]["meters"]
    desk.line()
    assert desk.states(MISSED) == {"ME unheard-of": "no_meter"}


def test_it_is_looked_back_so_far(desk: Desk) -> None:
    desk.use("2026-04-10", 5)
    assert desk.states(MISSED) == {}
    assert desk.states(MISSED, looked_back=11) == {"ME use": "no_line"}


def test_a_contract_that_has_ended_counts_nothing(desk: Desk) -> None:
    desk.line(end_date="2026-04-19")
    desk.use("2026-04-19", 5)
    assert desk.states(MISSED) == {"ME use": "no_line"}


def test_a_pool_above_counts_what_is_used_below(desk: Desk) -> None:
    desk.line(pooling="parent_pool")
    below = desk.house.desk()
    desk.house.put(f"/accounts/{below.account}", parent=desk.account)
    below.use("2026-04-19", 5)
    assert below.states(MISSED) == {}
    desk.line(pooling="none")
    assert below.states(MISSED) == {"ME use": "no_line"}


def test_while_something_waits_to_be_counted_nothing_is_said(desk: Desk) -> None:
    desk.use("2026-04-19", 5)
    assert desk.stale(MISSED) == {"ME use": "data_stale"}
