from tests.alerts._seen import Desk

SHARE = "pool.share"


def pool(desk: Desk, allotment: str, **used: int) -> None:
    """Let accounts below the desk's use something of its pool."""
    desk.line(allotment, pooling="parent_pool")
    for name, quantity in used.items():
        desk.house.put(f"/accounts/{desk.account}-{name}", parent=desk.account)
        desk.use("2026-04-10", quantity, subject=f"{desk.account}-{name}")


def test_a_pool_is_over_by_750_whatever_its_accounts_would_be_alone(desk: Desk) -> None:
    pool(desk, "20000", a=9500, b=7250, c=4000)
    assert desk.steps(SHARE) == ["80", "100"]
    (one, _) = desk.findings(SHARE)
    assert one["outputs"]["used"] == "20750"
    assert (one["outputs"]["percent_used"], one["money_at_risk"]) == ("1.0375", "750")
    (over,) = desk.findings("overage.started")
    assert over["outputs"]["overage"] == "750"


def test_one_account_that_takes_much_is_named(desk: Desk) -> None:
    pool(desk, "1000", a=499, b=100)
    assert desk.states(SHARE) == {}
    desk.use("2026-04-11", 1, subject=f"{desk.account}-a")
    (one,) = desk.findings(SHARE)
    assert (one["state"], one["inputs"]["member"]) == ("share", f"{desk.account}-a")
    assert one["outputs"] == {"used": "500", "percent_used": "0.5"}
    assert desk.states(SHARE, share="50.1") == {}


def test_an_account_may_be_spoken_of_at_a_share_of_the_pool_too(desk: Desk) -> None:
    pool(desk, "1000", a=900, b=1)
    assert {(one["state"], one["step"].rpartition(" ")[2]) for one in desk.findings(SHARE)} == {
        ("reached", "80"),
        ("share", "50"),
    }
    assert desk.steps(SHARE, thresholds=[]) == [f"{desk.account}-a 50"]


def test_what_is_no_pool_is_left_to_others(desk: Desk) -> None:
    desk.line("10")
    desk.use("2026-04-10", 20)
    assert desk.states(SHARE) == {}


def test_stale_data_is_not_judged(desk: Desk) -> None:
    pool(desk, "10", a=9, b=1)
    assert desk.stale(SHARE) == {"ME/calls": "data_stale"}
