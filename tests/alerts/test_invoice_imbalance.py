import pytest

from tests.alerts._seen import Desk

ODD = "invoice.imbalance"


def billed(desk: Desk, used: str, base: str = "100", covered: str = "1000") -> None:
    """Close a month with a base, something covered at 0.1 each beyond, and some use."""
    group = {"name": "copies", "meters": ["calls"], "covered_quantity": covered}
    charges = [{"name": "base", "amount": base}]
    desk.agree(base_charges=charges, meter_groups=[{**group, "overage_rate": "0.1"}])
    if used != "0":
        desk.use("2026-03-10", used)
    desk.close(3)


@pytest.mark.parametrize(
    ("used", "state"),
    [("1300", None), ("1301", "over"), ("800", None), ("799", "under"), ("0", "under")],
)
def test_exactly_the_bounds_are_in_order(desk: Desk, used: str, state: str | None) -> None:
    billed(desk, used)
    assert desk.states(ODD) == ({} if state is None else {"ME": state})


def test_what_is_said_of_overage(desk: Desk) -> None:
    billed(desk, "1400")
    (one,) = desk.findings(ODD)
    assert one["inputs"] == {"statement": "2026-03-01", "base": "100", "overage": "40"}
    assert (one["outputs"]["overage_share"], one["outputs"]["unused_share"]) == ("0.4", None)
    assert (one["money_at_risk"], one["step"]) == ("40", "2026-03-01")
    assert desk.states(ODD, over=40) == {}


def test_what_is_said_of_what_was_left(desk: Desk) -> None:
    billed(desk, "700")
    (one,) = desk.findings(ODD)
    assert (one["outputs"]["unused_share"], one["outputs"]["line"]) == ("0.3", "copies")
    assert one["message"] == "copies: 300 of 1,000 covered were not used."
    assert desk.states(ODD, under=30) == {}


def test_small_ones_are_not_judged(desk: Desk) -> None:
    billed(desk, "0", base="9.99")
    assert desk.states(ODD) == {}
    assert desk.states(ODD, min_base="9.99") == {"ME": "under"}
    assert desk.states(ODD, min_base=0, min_units=1001) == {}
    assert desk.states(ODD, min_base=0, min_units=1000) == {"ME": "under"}


def test_only_the_newest_is_judged(desk: Desk) -> None:
    billed(desk, "2000")
    desk.use("2026-02-10", 1000)
    desk.close(2)
    assert desk.findings(ODD)[0]["step"] == "2026-03-01"


def test_use_that_nothing_is_covered_of_is_no_overage(desk: Desk) -> None:
    desk.line(None, base_charges=[{"name": "base", "amount": "100"}])
    desk.use("2026-03-10", 500)
    desk.close(3)
    assert desk.states(ODD) == {}


def test_what_is_not_closed_is_not_judged(desk: Desk) -> None:
    desk.line("10", base_charges=[{"name": "base", "amount": "100"}])
    desk.use("2026-03-10", 500)
    assert desk.states(ODD) == {}
