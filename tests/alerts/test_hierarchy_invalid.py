from datetime import UTC, datetime
from typing import Any

from tallybook.model.ports import Draft
from tallybook.model.scope import operator
from tests.alerts._seen import Desk

TREE = "hierarchy.invalid"
RATE = {"model": "per_unit", "unit_amount": "1"}


def child_of(desk: Desk, name: str = "-a") -> str:
    """Define a child of the account."""
    desk.house.put(f"/accounts/{desk.account}{name}", parent=desk.account)
    return desk.account + name


def odd(desk: Desk) -> dict[tuple[str, str], Any]:
    """Return what is found by entity and step."""
    return {(desk.mine(f["entity"]), f["step"]): f for f in desk.findings(TREE)}


def test_a_tree_that_is_right(desk: Desk) -> None:
    child_of(desk)
    desk.line(pooling="parent_pool")
    desk.agree("-x", lines=[{"code": "seats", "meter": "seats"}])  # has no price: not of the tree
    assert desk.findings(TREE) == []


def test_the_parent_is_closed(desk: Desk) -> None:
    child = child_of(desk)
    desk.house.put(f"/accounts/{desk.account}", status="closed")
    (one,) = desk.findings(TREE)
    assert (one["entity"], one["state"], one["severity"]) == (child, "parent_gone", "critical")
    assert one["inputs"] == {"what": "parent_gone"}
    assert one["outputs"]["next_step"].startswith("Move the account")


def test_links_that_the_front_door_refuses_and_others_may_have_left(desk: Desk) -> None:
    key = desk.account
    drafts = [
        Draft("account", child, {"key": child, "parent": parent})
        for child, parent in (
            (f"{key}-round", f"{key}-trip"), (f"{key}-trip", f"{key}-round"),
            (f"{key}-lost", "nowhere"),
        )
    ]  # fmt: skip
    desk.house.services.books.write(operator(), drafts, datetime(2026, 4, 1, tzinfo=UTC))
    desk.tick()
    asked = {"accounts": [draft.key for draft in drafts]}
    answer = desk.house.call("POST", f"/checks/{TREE}/preview", asked)
    found = {desk.mine(one["entity"]): one["state"] for one in answer.json["findings"]}
    assert found == {
        "ME-round": "tree_cycle", "ME-trip": "tree_cycle", "ME-lost": "orphan",
    }  # fmt: skip


def test_a_line_that_a_pool_counts_too(desk: Desk) -> None:
    child = child_of(desk)
    desk.line(pooling="parent_pool")
    desk.line(part="-a", account=child, branch="north")
    found = odd(desk)
    assert found.keys() == {
        ("ME", "child_has_contract lines.0.meter"), ("ME-a", "in_a_pool lines.0.meter"),
    }  # fmt: skip
    one = found["ME-a", "in_a_pool lines.0.meter"]
    assert (one["contract"], one["account"], one["branch"]) == (f"{desk.account}-a", child, "north")
    assert "two lines" in one["outputs"]["next_step"]


def test_units_that_clash_within_a_pool(desk: Desk) -> None:
    child = child_of(desk)
    packs = {"code": "p", "meter": "calls", "conversion": {"unit": "packs", "divide_by": "10"}}
    desk.line(pooling="sum_of_children")
    desk.agree("-a", account=child, lines=[{**packs, "allotment": {"quantity": "5"}}])
    assert "pool_unit_clash" in {f["state"] for f in desk.findings(TREE)}
