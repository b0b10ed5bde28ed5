import pytest

from tests.alerts._seen import Desk

JUMP = "invoice.jump"


def billed(desk: Desk, *used: int) -> None:
    """Close a month for each use, the last one in March."""
    desk.line("0")
    months = range(4 - len(used), 4)
    for month, quantity in zip(months, used, strict=True):
        desk.use(f"2026-{month:02}-10", quantity)
    desk.close(*months)


@pytest.mark.parametrize(
    ("newest", "state"), [(130, None), (131, "above"), (70, None), (69, "below")]
)
def test_exactly_the_bound_is_in_order(desk: Desk, newest: int, state: str | None) -> None:
    billed(desk, 50, 150, newest)
    assert desk.states(JUMP) == ({} if state is None else {"ME": state})


def test_what_is_said_of_it(desk: Desk) -> None:
    billed(desk, 50, 150, 175)
    (one,) = desk.findings(JUMP)
    assert one["inputs"] == {"statement": "2026-03-01", "total": "175", "mean": "100"}
    assert (one["outputs"], one["money_at_risk"]) == ({"change": "0.75"}, "75")
    assert one["message"] == "75 % above the mean of 2 statements before."
    assert desk.states(JUMP, change=75) == {}


def test_two_are_no_mean(desk: Desk) -> None:
    billed(desk, 50, 200)
    assert desk.states(JUMP) == {}


def test_only_so_many_before_make_the_mean(desk: Desk) -> None:
    desk.line("0", start_date="2025-12-01")
    for day, quantity in (("2025-12-10", 9000), ("2026-01-10", 100), ("2026-02-10", 100)):
        desk.use(day, quantity)
    desk.use("2026-03-10", 100)
    desk.close(1, 2, 3)
    body = {"period": "2025-12-10"}
    assert desk.house.call("POST", f"/statements/{desk.account}/close", body).status == 200
    assert desk.states(JUMP) == {"ME": "below"}
    assert desk.states(JUMP, periods=2) == {}


def test_a_mean_of_nothing_is_not_jumped_from(desk: Desk) -> None:
    billed(desk, 0, 0, 100)
    assert desk.states(JUMP) == {}
