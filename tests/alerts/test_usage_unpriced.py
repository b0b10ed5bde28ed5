import pytest

from tests.alerts._seen import Desk

FREE = "usage.unpriced"


def test_a_type_that_no_meter_counts(desk: Desk) -> None:
    desk.line()
    desk.use("2026-04-17", 1, type="fax")
    desk.use("2026-04-18", 1, type="fax", source="/other")
    (one,) = desk.findings(FREE)
    assert (desk.mine(one["entity"]), one["state"]) == ("ME fax", "no_meter")
    assert one["inputs"] == {"type": "fax", "meters": ""}
    assert one["outputs"] == {"events": 2, "first": "2026-04-17"}
    assert desk.mine(one["message"]) == (
        "2 events 'fax' of ME: no meter counts them, and no contract."
    )


def test_what_a_meter_counts_and_no_contract(desk: Desk) -> None:
    desk.use("2026-04-17", 1, type="seat")
    (one,) = desk.findings(FREE)
    assert (one["state"], one["inputs"]["meters"]) == ("no_line", "seats")
    desk.agree(lines=[{"code": "seats", "meter": "seats"}])
    assert desk.findings(FREE) == []


def test_only_some_days_are_looked_back(desk: Desk) -> None:
    desk.use("2026-04-14", 1)
    assert desk.findings(FREE) == []
    assert desk.states(FREE, looked_back=6) == {"ME use": "no_line"}
    assert desk.states(FREE, looked_back=9999) == {"ME use": "no_line"}
    assert desk.refused(FREE, looked_back=0) == (422, "value_invalid", "values.looked_back")


@pytest.mark.parametrize(("day", "states"), [("17", {}), ("18", {"ME use": "no_line"})])
def test_use_after_the_end_and_not_before_it(desk: Desk, day: str, states: dict[str, str]) -> None:
    desk.line(end_date="2026-04-17")
    desk.use(f"2026-04-{day}", 1)
    assert desk.states(FREE) == states


@pytest.mark.parametrize(
    ("pooling", "states"), [("parent_pool", {}), ("none", {"ME-a use": "no_line"})]
)
def test_a_pool_counts_its_tree(desk: Desk, pooling: str, states: dict[str, str]) -> None:
    child = f"{desk.account}-a"
    desk.house.put(f"/accounts/{child}", parent=desk.account)
    desk.line(pooling=pooling)
    desk.use("2026-04-17", 1, subject=child)
    assert desk.states(FREE) == states


def test_a_pool_is_found_from_its_child_alone(desk: Desk) -> None:
    child = desk.house.desk()
    moved = {"parent": desk.account, "valid_from": "2026-01-01"}
    desk.house.put(f"/accounts/{child.account}", **moved)
    desk.line(pooling="parent_pool")
    child.use("2026-04-17", 1)
    assert child.findings(FREE) == []


def test_who_left_a_tree_is_not_counted_by_its_pool(desk: Desk) -> None:
    child = f"{desk.account}-a"
    desk.house.put(f"/accounts/{child}", parent=desk.account)
    desk.line(pooling="parent_pool")
    other = desk.house.desk()
    desk.house.put(f"/accounts/{child}", parent=other.account, valid_from="2026-04-17")
    other.use("2026-04-16", 1, subject=child)
    assert other.findings(FREE) == []
    other.use("2026-04-18", 1, subject=child)
    (one,) = other.findings(FREE)
    assert one["account"] == child


def test_a_contract_that_another_account_took_over_counts_for_that_one(desk: Desk) -> None:
    other = desk.house.desk()
    number = desk.line()
    desk.house.put(
        f"/contracts/{number}",
        account=other.account,
        start_date="2026-01-01",
        valid_from="2026-04-10",
        lines=[{"code": "calls", "meter": "calls"}],
    )
    desk.use("2026-04-17", 1)
    other.use("2026-04-17", 1)
    assert desk.states(FREE) == {"ME use": "no_line"}
    assert other.states(FREE) == {}


def test_what_came_in_and_waits_makes_it_unjudged(desk: Desk) -> None:
    desk.use("2026-04-17", 1)
    assert desk.stale(FREE) == {"ME use": "data_stale"}


def test_accounts_that_nobody_defined(desk: Desk) -> None:
    unknown, capital = f"{desk.account}-gone", desk.account.upper()
    desk.use("2026-04-17", 1, subject=unknown)
    desk.use("2026-04-17", 1, subject=capital, type="fax")
    desk.use("2026-04-18", 1, subject=capital, type="fax")
    assert desk.findings(FREE) == []  # who looks at one account is told of no other
    answer = desk.house.call("POST", f"/checks/{FREE}/preview", {"branches": ["north"]})
    assert capital not in {one["account"] for one in answer.json["findings"]}
    answer = desk.house.call("POST", f"/checks/{FREE}/preview", {})
    found = {one["account"]: one for one in answer.json["findings"]}
    assert found[unknown]["state"] == found[capital]["state"] == "no_account"
    assert found[unknown]["message"] == (
        f"1 event 'use' of {unknown}: there is no such account, and no contract."
    )
    assert found[capital]["message"] == (
        f"2 events 'fax' of {capital}: there is no such account, it reads like {desk.account}, "
        "and no contract."
    )


def test_findings_of_an_unknown_account_are_kept_and_shown(desk: Desk) -> None:
    house, unknown = desk.house, f"{desk.account}-gone"
    desk.use("2026-04-17", 1, subject=unknown)
    desk.tick()
    body = {"check": FREE, "schedule": {"preset": "daily"}, "recipients": {"to": ["a@b.example"]}}
    subscription = house.call("POST", "/subscriptions", body).json["id"]
    run = house.call("POST", f"/subscriptions/{subscription}/runs")
    assert run.status in {200, 201}, run.body
    listed = house.call("GET", "/findings", limit=500).json["items"]
    assert [one["state"] for one in listed if one["account"] == unknown] == ["no_account"]
    house.call("DELETE", f"/subscriptions/{subscription}")
