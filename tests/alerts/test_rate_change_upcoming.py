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


def test_a_price_in_tiers_is_told_to_change(desk: Desk) -> None:
    def agree(last: str, model: str = "graduated", **more: Any) -> None:
        tiers = [{"up_to": 100, "unit_amount": "0.05"}, {"up_to": None, "unit_amount": last}]
        price = {"model": model, "tiers": tiers}
        desk.agree(lines=[{"code": "calls", "meter": "calls", "price": price}], **more)

    agree("0.02")
    agree("0.020", valid_from="2026-05-01")
    assert desk.states(SOON) == {}
    agree("0.03", valid_from="2026-05-10")
    (one,) = desk.findings(SOON)
    assert (one["state"], one["message"]) == ("changed", "The rate of calls changes on 2026-05-10.")
    assert (one["inputs"]["after"], one["outputs"]["before"]) == (None, None)
    assert one["inputs"]["terms"]["tiers"][1]["unit_amount"] == "0.03"
    agree("0.02", "volume", valid_from="2026-05-10")
    assert desk.states(SOON) == {"ME/rate of calls": "changed"}


def test_increases_of_tiers_and_another_model_are_changes_too(desk: Desk) -> None:
    up = {"name": "up", "applies_to": "overage", "percent": "10", "every": 4}
    tiers = [{"up_to": None, "unit_amount": "0.05"}]
    line = {"code": "calls", "meter": "calls", "price": {"model": "graduated", "tiers": tiers}}
    desk.agree(lines=[line], rate_schedules=[up])
    assert desk.findings(SOON)[0]["inputs"]["on"] == "2026-05-01"
    flat = {**line, "price": {"model": "per_unit", "unit_amount": "0.05"}}
    desk.agree(lines=[line])
    desk.agree(lines=[flat], valid_from="2026-05-10")
    (one,) = desk.findings(SOON)
    assert (one["state"], one["inputs"]["after"]) == ("changed", "0.05")
