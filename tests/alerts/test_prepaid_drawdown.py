from tests.alerts._seen import Desk

POOL = "prepaid.drawdown"
TERM = {"quantity": "1000", "cycle_unit": "term"}


def year(desk: Desk) -> None:
    """Agree on a pool for a year, and beside it on so much a month."""
    desk.agree(
        end_date="2026-12-31",
        lines=[
            {"code": "year", "meter": "calls", "allotment": TERM},
            {"code": "month", "meter": "calls", "allotment": {"quantity": "1"}},
        ],
    )


def test_a_term_is_used_up_over_months(desk: Desk) -> None:
    year(desk)
    desk.use("2026-01-10", 500)
    desk.use("2026-04-10", "399.9")
    assert desk.findings(POOL) == []
    desk.use("2026-04-11", "0.1")
    (one,) = desk.findings(POOL)
    assert (desk.mine(one["entity"]), one["step"]) == ("ME/year", "90")
    assert one["period"] == "2026-01-01"  # once a term, not once a month
    assert one["outputs"] == {"used": "900", "percent_used": "0.9"}
    desk.use("2026-04-12", 50)
    assert desk.steps(POOL) == ["90", "95"]
    assert desk.steps(POOL, thresholds="50,99") == ["50"]


def test_a_group_may_cover_a_term(desk: Desk) -> None:
    group = {"name": "copies", "meters": ["calls"], "covered_quantity": "100"}
    desk.agree(end_date="2026-12-31", meter_groups=[{**group, "cycle_unit": "term"}])
    desk.agree("-2", meter_groups=[group])
    desk.use("2026-04-12", 95)
    assert {desk.mine(f["entity"]) for f in desk.findings(POOL)} == {"ME/copies"}


def test_only_pools_are_unjudged(desk: Desk) -> None:
    year(desk)
    desk.use("2026-04-12", 2000)
    assert desk.stale(POOL) == {"ME/year": "data_stale"}


def test_without_pools_there_is_nothing_to_judge(desk: Desk) -> None:
    desk.line("1")
    desk.use("2026-04-12", 2000)
    assert desk.stale(POOL) == {}


def test_a_contract_that_ends_by_quantity(desk: Desk) -> None:
    group = {"name": "copies", "meters": ["calls"], "counts_to_expiration": True}
    other = {"name": "rest", "meters": ["seats"]}
    desk.agree(expiration_quantity="20000", meter_groups=[group, other])
    desk.use("2026-01-10", 10_000)
    desk.use("2026-04-10", "7999.9")
    assert desk.findings(POOL) == []
    desk.use("2026-04-19", "0.1")
    (one,) = desk.findings(POOL)
    assert (one["entity"], one["line"], one["step"]) == (desk.account, None, "90")
    assert one["inputs"] == {"threshold": "90", "allotment": "20000"}
    assert one["outputs"] == {"used": "18000", "percent_used": "0.9"}
    desk.use("2026-04-20", 5000)
    assert desk.steps(POOL, thresholds="90,100,120") == ["90", "100"]
    assert desk.stale(POOL) == {"ME": "data_stale"}


def test_a_quantity_that_ends_a_contract_may_be_dropped(desk: Desk) -> None:
    group = {"name": "copies", "meters": ["calls"], "counts_to_expiration": True}
    desk.agree(expiration_quantity="10", meter_groups=[group], valid_from="2026-01-01")
    desk.use("2026-04-10", 9)
    assert desk.steps(POOL) == ["90"]
    desk.agree(meter_groups=[group], valid_from="2026-04-15")
    assert desk.steps(POOL) == []
