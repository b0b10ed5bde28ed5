from tests.alerts._seen import Desk

LATE = "usage.late_restated"


def closed(desk: Desk, used: int = 1000) -> None:
    desk.line("0", start_date="2026-02-01")
    for month in ("02", "03"):
        desk.use(f"2026-{month}-10", used)
    desk.close(2, 3)


def test_what_comes_in_late_is_told_by_period(desk: Desk) -> None:
    closed(desk)
    assert desk.states(LATE) == {}
    desk.use("2026-03-10", 50)
    desk.use("2026-02-10", -10)
    found = {one["period"]: one for one in desk.findings(LATE)}
    assert found.keys() == {"2026-02-01", "2026-03-01"}
    one = found["2026-03-01"]
    assert (one["entity"], one["state"]) == (f"{desk.account}@2026-03-01", "restated")
    assert one["inputs"] == {"restated": "2026-03-01", "difference": "50"}
    assert (one["outputs"], one["money_at_risk"]) == (
        {"said": "1000", "change": "0.05"},
        "50",
    )
    assert found["2026-02-01"]["inputs"]["difference"] == "-10"


def test_exactly_the_bounds_are_told(desk: Desk) -> None:
    closed(desk)
    desk.use("2026-03-10", "9.99")
    assert desk.states(LATE) == {}
    desk.use("2026-03-10", "0.01")
    assert desk.states(LATE) == {"ME@2026-03-01": "restated"}
    assert desk.states(LATE, amount=10) == {"ME@2026-03-01": "restated"}
    assert desk.states(LATE, amount="10.01") == {}
    assert desk.states(LATE, percent="1.1") == {}


def test_of_a_statement_of_nothing_any_difference_is_all(desk: Desk) -> None:
    desk.line("0", start_date="2026-03-01")
    desk.close(3)
    desk.use("2026-03-10", 5)
    (one,) = desk.findings(LATE, percent=100)
    assert one["outputs"] == {"said": "0", "change": "1"}


def test_what_a_later_statement_has_settled_is_over(desk: Desk) -> None:
    desk.line("0", start_date="2026-02-01")
    desk.use("2026-02-10", 1000)
    desk.close(2)
    desk.use("2026-02-10", 50)
    assert desk.states(LATE) == {"ME@2026-02-01": "restated"}  # it stands on that of March
    desk.close(3)
    assert desk.states(LATE) == {}


def test_a_contract_that_has_ended_is_looked_at_too(desk: Desk) -> None:
    desk.line("0", start_date="2026-02-01", end_date="2026-03-31", branch="north")
    desk.close(2, 3)
    desk.use("2026-03-12", 500)
    (one,) = desk.findings(LATE)
    assert (one["period"], one["money_at_risk"], one["branch"]) == ("2026-03-01", "500", "north")


def test_while_something_waits_to_be_counted_nothing_is_said(desk: Desk) -> None:
    closed(desk)
    desk.use("2026-03-10", 50)
    assert desk.stale(LATE) == {"ME@2026-02-01": "data_stale", "ME@2026-03-01": "data_stale"}
