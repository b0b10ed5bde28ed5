from typing import Any

from tests.alerts._seen import Desk

SOON = "rate.change_upcoming"


def agree(desk: Desk, base: str, rate: str, **more: Any) -> None:
    group = {"name": "copies", "meters": ["calls"], "overage_rate": rate}
    price = {"model": "per_unit", "unit_amount": rate}
    desk.agree(
        base_charges=[{"name": "copies", "amount": base}],
        meter_groups=[group],
        lines=[{"code": "seats", "meter": "seats", "price": price}],
        **more,
    )


def test_a_version_to_come_is_told_part_by_part(desk: Desk) -> None:
    agree(desk, "30", "0.02")
    assert desk.states(SOON) == {}
    agree(desk, "40", "0.01", valid_from="2026-05-10")
    found = {one["inputs"]["part"]: one for one in desk.findings(SOON)}
    assert {part: one["state"] for part, one in found.items()} == {
        "base charge copies": "rising",
        "rate of copies": "falling",
        "rate of seats": "falling",
    }
    one = found["base charge copies"]
    assert (one["inputs"]["on"], one["inputs"]["after"], one["outputs"]["before"]) == (
        "2026-05-10",
        "40",
        "30",
    )
    assert one["message"] == "The base charge copies changes on 2026-05-10."


def test_it_is_looked_ahead_so_far(desk: Desk) -> None:
    agree(desk, "30", "0.02")
    agree(desk, "40", "0.02", valid_from="2026-06-05")  # 46 days ahead
    assert desk.states(SOON) == {}
    assert desk.states(SOON, ahead=46) == {"ME/base charge copies": "rising"}


def test_planned_increases_are_changes(desk: Desk) -> None:
    up = {"name": "up", "applies_to": "base", "percent": "10", "every": 5}
    agree(desk, "100", "0.02", rate_schedules=[up])  # the sixth month is June
    (one,) = desk.findings(SOON)
    assert (one["inputs"]["on"], one["inputs"]["after"]) == ("2026-06-01", "110")
    assert desk.states(SOON, ahead=41) == {}
    assert desk.states(SOON, ahead=42) == {"ME/base charge copies": "rising"}


def test_what_changes_something_else_is_silent(desk: Desk) -> None:
    agree(desk, "30", "0.02")
    agree(desk, "30", "0.020", valid_from="2026-05-10", name="Another")
    assert desk.states(SOON) == {}
