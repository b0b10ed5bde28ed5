import pytest

from tests.alerts._seen import Desk

POOL = "pool.share"


@pytest.fixture
def pool(desk: Desk) -> Desk:
    """Return an account with a pool of 1,000 for it and two children."""
    for child in ("-a", "-b"):
        desk.house.put(f"/accounts/{desk.account}{child}", parent=desk.account)
    desk.line("1000", pooling="parent_pool")
    return desk


def spend(pool: Desk, **quantities: str) -> None:
    """Use so much of the pool by each child."""
    for child, quantity in quantities.items():
        pool.use("2026-04-03", quantity, subject=f"{pool.account}-{child}")


def test_shares_of_all_together(pool: Desk) -> None:
    spend(pool, a="400", b="399.9")
    assert pool.findings(POOL) == []
    spend(pool, b="0.1")
    (one,) = pool.findings(POOL)
    assert (pool.mine(one["entity"]), one["state"], one["step"]) == ("ME/calls", "reached", "80")
    assert one["inputs"] == {"threshold": "80", "allotment": "1000", "member": None}
    assert one["message"] == "calls: 80.0 % of the pool is used."


def test_an_account_that_takes_much_of_it(pool: Desk) -> None:
    spend(pool, a="500", b="499")
    found = {pool.mine(f["entity"]): f for f in pool.findings(POOL, thresholds="100")}
    one = found.pop("ME/calls ME-a")
    assert found == {}
    assert (one["state"], one["step"], one["line"]) == ("share", "50", "calls")
    assert one["inputs"] == {
        "threshold": "50", "allotment": "1000", "member": f"{pool.account}-a",
    }  # fmt: skip
    assert one["outputs"] == {"used": "500", "percent_used": "0.5"}
    assert pool.findings(POOL, thresholds="100", share="50.1") == []


def test_a_line_of_one_account_is_no_pool(desk: Desk) -> None:
    desk.line("1000")
    desk.use("2026-04-03", 2000)
    assert desk.findings(POOL) == []


def test_a_line_beside_a_pool_is_not_judged(pool: Desk) -> None:
    pool.line("1", part="-2")
    pool.use("2026-04-03", 700)
    spend(pool, b="1")
    assert pool.states(POOL) == {"ME/calls ME": "share"}
    assert pool.stale(POOL) == {"ME/calls": "data_stale"}


def test_what_came_in_and_waits_makes_it_unjudged(pool: Desk) -> None:
    spend(pool, a="900", b="900")
    assert pool.stale(POOL) == {"ME/calls": "data_stale"}


def test_one_account_may_take_it_all(pool: Desk) -> None:
    spend(pool, a="900")
    found = {pool.mine(f["entity"]): f["step"] for f in pool.findings(POOL)}
    assert found == {"ME/calls": "80", "ME/calls ME-a": "50"}


def test_who_pools_with_nobody_has_no_share(desk: Desk) -> None:
    desk.line("1000", pooling="parent_pool")
    desk.use("2026-04-03", 900)
    assert desk.steps(POOL) == ["80"]


def test_a_third_is_not_rounded_up(pool: Desk) -> None:
    spend(pool, a="333.333333333332", b="1")
    share = "33.3333333333333"
    assert pool.findings(POOL, share=share) == []
    spend(pool, a="0.000000000001")
    assert pool.states(POOL, share=share) == {"ME/calls ME-a": "share"}
