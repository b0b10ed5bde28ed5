from typing import Any

import pytest

from tests.alerts._seen import Desk

SHORT = "commitment.shortfall"
QUARTER: dict[str, Any] = {"cycle_unit": "month", "cycle_length": 3}


def least(amount: str, **more: Any) -> dict[str, Any]:
    return {"commitments": [{"name": "least", "amount": amount, **more}]}


def week(desk: Desk) -> None:
    """Use 100 on each day of the last week: 700 so far, 1,800 by the end of April."""
    for day in range(13, 20):
        desk.use(f"2026-04-{day}", 100)


@pytest.mark.parametrize(("amount", "found"), [("1894", False), ("1895", True)])
def test_it_is_held_against_95_percent(desk: Desk, amount: str, *, found: bool) -> None:
    desk.line("0", **least(amount))  # 1,800 is 95.04 %, or 94.99 %
    week(desk)
    assert desk.states(SHORT) == ({"ME": "short"} if found else {})


def test_what_is_said_of_it(desk: Desk) -> None:
    desk.line("0", **least("2000"))
    week(desk)
    (one,) = desk.findings(SHORT)
    assert (one["inputs"], one["money_at_risk"]) == ({"commitment": "2000"}, "200")
    assert one["outputs"] == {"spent": "700", "projected": "1800", "shortfall": "200"}
    assert one["message"] == "Heading for 90 % of what was committed to."
    assert desk.states(SHORT, percent=90) == {}
    assert desk.states(SHORT, percent="90.1") == {"ME": "short"}


def test_base_charges_and_discounts_count(desk: Desk) -> None:
    base = [{"name": "base", "amount": "100"}]
    desk.line("0", base_charges=base, **least("2000"))
    week(desk)
    assert desk.states(SHORT) == {}
    less = [{"name": "less", "amount": "1"}]
    desk.line("0", base_charges=base, discounts=less, **least("2000"))
    assert desk.findings(SHORT)[0]["outputs"]["projected"] == "1899"


def test_while_there_is_no_forecast_nothing_is_said(desk: Desk) -> None:
    desk.line("0", start_date="2026-04-19", **least("2000"))
    desk.use("2026-04-19", 10)
    assert desk.unjudged(SHORT) == {"ME": "not_enough_data"}
    desk.use("2026-04-19", 2000)
    assert desk.states(SHORT) == {}


def test_a_commitment_of_another_cycle_is_not_judged(desk: Desk) -> None:
    desk.line("0", **least("2000", **QUARTER))
    week(desk)
    assert desk.states(SHORT) == {}
    desk.line("0", part="-q", billing=QUARTER, **least("9000"))
    assert desk.states(SHORT) == {"ME-q": "short"}


def test_stale_data_is_not_judged(desk: Desk) -> None:
    desk.line("0", **least("2000"))
    assert desk.stale(SHORT) == {"ME": "data_stale"}
