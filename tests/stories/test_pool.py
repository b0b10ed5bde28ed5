"""A pool and its accounts through the API: both views of the same use, and a child that moves in
the middle of a period.
"""

from typing import Any

import pytest

from tests.serving import Client, event

AT = "2026-04-20T12:00:00Z"
#: The three children: what each used and what its own contract includes.
CHILDREN = {"a": ("9500", "10000"), "b": ("7250", "7000"), "c": ("4000", "5000")}


@pytest.fixture(scope="module")
def house(bare: Client) -> Client:
    bare.put("/meters/leads", event_type="lead", aggregation="sum", property="n", unit="leads")
    bare.put("/accounts/group", name="The Group")
    _agree(bare, "P-1", "group", "20000", pooling="parent_pool")
    for key, (_, allotted) in CHILDREN.items():
        bare.put(f"/accounts/{key}", name=key.upper(), parent="group")
        _agree(bare, f"O-{key}", key, allotted)
    bare.put("/accounts/other")
    _agree(bare, "P-2", "other", None, pooling="parent_pool")
    bare.put("/accounts/mover", parent="group")
    bare.put("/accounts/mover", parent="other", valid_from="2026-05-11")
    bare.send([_lead(key, "2026-04-10", used) for key, (used, _) in CHILDREN.items()])
    bare.send([_lead("mover", "2026-05-10", "7"), _lead("mover", "2026-05-11", "30")])
    bare.until_visible()
    return bare


def _agree(client: Client, number: str, account: str, allotted: str | None, **terms: Any) -> None:
    line: dict[str, Any] = {"code": "leads", "meter": "leads"}
    if allotted is not None:
        line["allotment"] = {"quantity": allotted}
    client.put(
        f"/contracts/{number}", account=account, start_date="2026-01-01", lines=[line], **terms
    )


def _lead(account: str, day: str, quantity: str) -> dict[str, Any]:
    return event(
        f"{account}-{day}",
        type="lead",
        subject=account,
        time=f"{day}T12:00:00Z",
        data={"n": quantity},
    )


def of(house: Client, target: str) -> Any:
    answer = house.call("GET", target)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_pool_is_over_by_750_where_its_children_are_by_250(house: Client) -> None:
    found = of(house, f"/positions/P-1/leads/accounts?at={AT}")
    assert (found["used"], found["allotment"], found["overage"]) == ("20750", "20000", "750")
    assert found["own_overage"] == "250"
    assert (found["own_allotment"], found["overage_of_own_allotment"]) == ("22000", "0")
    assert found["left_of_own_allotment"] == "1250"
    lines = {one["account"]: one["lines"] for one in found["accounts"]}
    assert {key: one[0]["overage"] for key, one in lines.items() if one} == {
        "a": "0",
        "b": "250",
        "c": "0",
    }
    shares = {one["account"]: one["share"] for one in found["accounts"]}
    assert shares["a"] == "0.457831325301"
    assert [one["account"] for one in found["accounts"]] == ["group", "a", "b", "c", "mover"]


def test_the_contributions_are_the_pool(house: Client) -> None:
    found = of(house, f"/positions/P-1/leads/accounts?at={AT}")
    assert sum(int(one["used"]) for one in found["accounts"]) == 20750
    own = of(house, f"/positions/P-1/leads/accounts?at={AT}&rollup=false")
    assert [one["account"] for one in own["accounts"]] == ["group"]
    assert (own["own_allotment"], own["own_overage"]) == (None, None)


def test_a_child_that_moves_counts_in_both_pools_by_its_days(house: Client) -> None:
    at = "2026-05-20T12:00:00Z"
    before = of(house, f"/positions/P-1/leads/accounts?at={at}")["accounts"][-1]
    after = of(house, f"/positions/P-2/leads/accounts?at={at}")["accounts"][-1]
    assert before["account"] == after["account"] == "mover"
    assert (before["used"], after["used"]) == ("7", "30")
    moved = "2026-05-11T00:00:00Z"
    assert before["belongs"] == [{"from": "2026-05-01T00:00:00Z", "to": moved}]
    assert after["belongs"] == [{"from": moved, "to": "2026-06-01T00:00:00Z"}]


def test_an_account_that_may_not_be_seen_shows_no_lines_of_its_own(house: Client) -> None:
    made = house.call(
        "POST", "/keys", {"name": "b", "role": "customer_viewer", "account": "b"}
    ).json
    headers = {"Authorization": f"Bearer {made['secret']}"}
    answer = house.call("GET", f"/positions/P-1/leads/accounts?at={AT}", headers=headers)
    assert (answer.status, answer.json["code"]) == (404, "contract_not_found")
    mine = house.call("GET", f"/positions/O-b/leads/accounts?at={AT}", headers=headers)
    assert mine.json["overage"] == "250"
