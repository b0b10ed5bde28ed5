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
