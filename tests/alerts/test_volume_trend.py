import pytest

from tests.alerts._seen import Desk

TREND = "volume.trend"


def months(desk: Desk, *quantities: int | str) -> None:
    """Use so much in each month up to March, and close them."""
    first = 4 - len(quantities)
    for i, quantity in enumerate(quantities, start=first):
        desk.use(f"2026-{i:02}-05", quantity)
    desk.close(*range(first, 4))


@pytest.mark.parametrize(
    ("last", "states"),
    [
        ("1300", {"ME/copies": "rising"}),
        ("700", {"ME/copies": "falling"}),
        ("1250", {}),
        ("750", {}),
    ],
)
def test_statements_against_those_before(desk: Desk, last: str, states: dict[str, str]) -> None:
    desk.copies("10", "5000", "1")
    months(desk, 9999, 1000, last)
    assert desk.states(TREND, periods=1) == states


def test_what_is_said_of_it(desk: Desk) -> None:
    desk.copies("10", "5000", "1")
    months(desk, 1000, 1500)
    (one,) = desk.findings(TREND, periods=1)
    assert one["inputs"] == {"line": "copies", "statement": "2026-03-01"}
    assert (one["step"], one["line"]) == ("2026-03-01", "copies")
    assert one["outputs"] == {
        "used": "1500", "before": "1000", "change": "0.5", "base": None, "overage_amount": None,
    }  # fmt: skip
    assert one["message"] == "copies: 50 % more than on the statements before."


def test_of_nothing_before_nothing_is_said(desk: Desk) -> None:
    desk.copies("10", "5000", "1")
    months(desk, 0, 1500)
    assert desk.findings(TREND, periods=1) == []


def test_six_statements_are_needed_by_default(desk: Desk) -> None:
    desk.copies("10", "5000", "1")
    months(desk, 1, 1, 1000)
    assert desk.findings(TREND) == []
    assert desk.findings(TREND, periods=2) == []


def test_three_statements_are_needed_for_the_overage(desk: Desk) -> None:
    desk.copies("100", "100", "1")
    months(desk, 500, 500)
    assert desk.findings(TREND) == []
    assert desk.states(TREND, periods=2) == {"ME": "overage_high"}


def test_three_months_against_the_three_before(desk: Desk) -> None:
    group = {"name": "copies", "meters": ["calls"], "covered_quantity": "5000"}
    number = desk.agree(start_date="2025-10-01", meter_groups=[group])
    for month, quantity in (("2025-10", 100), ("2025-12", 200), ("2026-02", 376)):
        desk.use(f"{month}-05", quantity)
    desk.tick()
    for month in ("2025-10", "2025-11", "2025-12"):
        target = f"/statements/{number}/close"
        assert desk.house.call("POST", target, {"period": f"{month}-10"}).status == 200
    desk.close(1, 2, 3)
    (one,) = desk.findings(TREND)
    assert (one["outputs"]["used"], one["outputs"]["before"]) == ("376", "300")


def test_overage_that_is_much_of_the_base(desk: Desk) -> None:
    desk.copies("100", "1000", "1")
    months(desk, 1000, 1100, 1050)
    assert desk.findings(TREND) == []  # 150 of 300
    assert desk.states(TREND, overage="49.9") == {"ME": "overage_high"}
    (one,) = desk.findings(TREND, overage="40")
    assert one["outputs"] == {
        "used": None, "before": None, "change": None, "base": "300", "overage_amount": "150",
    }  # fmt: skip
    assert one["message"] == "The overage was 50 % of the base."


def test_without_a_base_overage_is_no_share_of_it(desk: Desk) -> None:
    desk.copies("0", "100", "1")
    months(desk, 1000, 1000, 1000)
    assert desk.findings(TREND) == []
