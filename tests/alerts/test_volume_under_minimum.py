import pytest

from tests.alerts._seen import Desk

UNDER = "volume.under_minimum"


def billed(desk: Desk, *used: int) -> None:
    """Close a month for each use, the last one in March."""
    desk.line("1000")
    months = range(4 - len(used), 4)
    for month, quantity in zip(months, used, strict=True):
        desk.use(f"2026-{month:02}-10", quantity)
    desk.close(*months)


@pytest.mark.parametrize(
    ("used", "found"),
    [((799, 799), True), ((800, 799), False), ((799, 800), False), ((0, 0), True), ((700,), False)],
)
def test_two_statements_in_a_row_are_under_what_is_covered(
    desk: Desk, used: tuple[int, ...], *, found: bool
) -> None:
    billed(desk, *used)
    assert desk.states(UNDER) == ({"ME/calls": "under"} if found else {})


def test_what_is_said_of_it(desk: Desk) -> None:
    billed(desk, 700, 600)
    (one,) = desk.findings(UNDER)
    assert one["inputs"] == {"line": "calls", "covered": "1000", "used": "600"}
    assert one["outputs"] == {"since": "2026-02-01", "unused": "0.4"}
    assert (
        one["message"] == "40 % of what is covered was not used, on the last 2 statements in a row."
    )


def test_ones_own_bounds(desk: Desk) -> None:
    billed(desk, 1000, 700, 600)
    assert desk.states(UNDER, under=30) == {}
    assert desk.states(UNDER, periods=3) == {}
    assert desk.states(UNDER, under=39, periods=1) == {"ME/calls": "under"}


def test_what_covers_nothing_or_everything_is_not_judged(desk: Desk) -> None:
    desk.line("0")
    desk.close(2, 3)
    assert desk.states(UNDER) == {}
