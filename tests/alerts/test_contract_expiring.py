from datetime import date, timedelta
from typing import Any

import pytest

from tests.alerts._seen import Desk

ENDS = "contract.expiring"
TODAY = date(2026, 4, 20)


def ending(desk: Desk, days: int, **more: Any) -> None:
    desk.line(end_date=(TODAY + timedelta(days=days)).isoformat(), **more)


@pytest.mark.parametrize(
    ("days", "step"),
    [(91, []), (90, ["90"]), (61, ["90"]), (60, ["60"]), (31, ["60"]), (30, ["30"]), (0, ["30"])],
)
def test_a_contract_is_in_the_smallest_bucket_it_has_reached(
    desk: Desk, days: int, step: list[str]
) -> None:
    ending(desk, days)
    assert desk.steps(ENDS) == step


@pytest.mark.parametrize(("days", "step"), [(-1, ["0"]), (-30, ["0"]), (-31, [])])
def test_one_that_has_ended_lately_is_in_the_last(desk: Desk, days: int, step: list[str]) -> None:
    ending(desk, days)
    assert desk.steps(ENDS) == step


def test_what_is_said_of_it(desk: Desk) -> None:
    ending(desk, 10)
    (one,) = desk.findings(ENDS)
    assert (one["state"], one["inputs"], one["outputs"]["days_left"]) == (
        "expiring",
        {"ends": "2026-04-30"},
        10,
    )
    ending(desk, -2, part="-gone")
    one = next(one for one in desk.findings(ENDS) if one["step"] == "0")
    assert (one["state"], one["message"]) == ("expired", "It ended on 2026-04-18.")


def test_a_day_is_one(desk: Desk) -> None:
    ending(desk, 1)
    assert desk.findings(ENDS)[0]["message"] == "It ends on 2026-04-21, in 1 day."


def test_ones_own_buckets_and_types(desk: Desk) -> None:
    ending(desk, 10, type="lease")
    assert desk.steps(ENDS, days="7, 0") == []
    assert desk.steps(ENDS, days=[10, 5]) == ["10"]
    assert desk.steps(ENDS, types=["rental"]) == []
    assert desk.steps(ENDS, types=["lease"]) == ["30"]
    ending(desk, -1)
    assert desk.steps(ENDS, days=[10]) == []
    assert desk.refused(ENDS, days=[]) == (422, "value_missing", "values.days")
    assert desk.refused(ENDS, days=[-1]) == (422, "value_invalid", "values.days")


def test_what_goes_on_does_not_end(desk: Desk) -> None:
    desk.line()
    ending(desk, 10, part="-auto", renewal={"policy": "auto"})
    assert desk.steps(ENDS) == []
    ending(desk, 10, part="-ask", renewal={"policy": "ask"})
    assert desk.states(ENDS) == {"ME-ask": "expiring"}
