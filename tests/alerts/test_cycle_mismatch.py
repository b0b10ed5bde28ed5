"""Such terms are refused today; those that were written before there was a rule still stand."""

from typing import Any

import pytest

from tallybook.model.ports import Draft
from tallybook.model.scope import operator
from tests.alerts._seen import NOW, Desk

CYCLE = "cycle.mismatch"
QUARTER: dict[str, Any] = {"cycle_unit": "month", "cycle_length": 3}
MONTH: dict[str, Any] = {"cycle_unit": "month"}
OF_GROUP: dict[str, Any] = {"level": "meter_group", "ref": "copies"}


def written(desk: Desk, **terms: Any) -> None:
    """Keep a contract as it was written before it was judged as a whole."""
    document = {
        "number": desk.account, "account": desk.account, "start_date": "2026-01-01", **terms
    }  # fmt: skip
    desk.house.services.books.write(
        operator("test"), [Draft("contract", desk.account, document)], NOW
    )


def group(**cycle: Any) -> dict[str, Any]:
    return {"name": "copies", "meters": ["calls"], "overage_rate": "1", **cycle}


def base(name: str = "base", **more: Any) -> dict[str, Any]:
    return {"name": name, "amount": "1", **more}


def up(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "up", "applies_to": kind, "percent": "3", **more}


@pytest.mark.parametrize(
    ("cycle", "found"), [(QUARTER, True), (MONTH, False), ({"cycle_unit": "week"}, False)]
)
def test_a_base_that_comes_round_less_often_than_its_groups_overage(
    desk: Desk, cycle: dict[str, Any], *, found: bool
) -> None:
    written(desk, base_charges=[base(**OF_GROUP, **cycle)], meter_groups=[group()])
    assert desk.states(CYCLE) == ({"ME/base": "base_longer"} if found else {})


def test_what_is_said_of_it(desk: Desk) -> None:
    written(desk, base_charges=[base(**OF_GROUP, **QUARTER)], meter_groups=[group(**MONTH)])
    (one,) = desk.findings(CYCLE)
    assert one["inputs"] == {"part": "base", "cycle": "3 month", "other": "1 month"}


def test_a_base_of_the_whole_contract_has_no_group(desk: Desk) -> None:
    written(desk, base_charges=[base(**QUARTER)], meter_groups=[group()])
    assert desk.states(CYCLE) == {}


def test_a_planned_increase_with_another_cycle_than_what_it_raises(desk: Desk) -> None:
    charges = [base(), base("other"), base("quarterly", **QUARTER)]
    written(desk, base_charges=charges, rate_schedules=[up("base", **QUARTER)])
    differs = {"ME/up base": "schedule_differs", "ME/up other": "schedule_differs"}
    assert desk.states(CYCLE) == differs
    written(desk, base_charges=charges, rate_schedules=[up("base", ref="quarterly", **QUARTER)])
    assert desk.states(CYCLE) == {}


def test_an_increase_of_overage_raises_lines_and_groups(desk: Desk) -> None:
    line = {"code": "calls", "meter": "calls", "allotment": {"quantity": "1", **QUARTER}}
    planned = [up("overage", **MONTH)]
    written(desk, lines=[line], meter_groups=[group(**QUARTER)], rate_schedules=planned)
    differs = {"ME/up calls": "schedule_differs", "ME/up copies": "schedule_differs"}
    assert desk.states(CYCLE) == differs


def test_an_increase_without_a_cycle_follows_what_it_raises(desk: Desk) -> None:
    written(desk, base_charges=[base(**QUARTER)], rate_schedules=[up("base")])
    assert desk.states(CYCLE) == {}
