"""Contracts through the API: lists by what people look for, one as it stood and was known, changes
told before and after, what is odd about a contract, and no amount for who may not see any.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import Client, event

PRICE = {"model": "per_unit", "unit_amount": "7.77"}
LINE = {"code": "use", "meter": "uses", "allotment": {"quantity": "100"}, "price": PRICE}
#: A contract with an amount in every place there is, each 7.77.
SUM = "7.77"
TERMS: dict[str, Any] = {
    "lines": [
        {
            **LINE,
            "minimum_amount": SUM,
            "maximum_amount": SUM,
            "discount_percent": SUM,
        }
    ],
    "meter_groups": [
        {"name": "rated", "meters": ["seats"], "overage_rate": SUM, "credit_rate": SUM},
        {
            "name": "tiered",
            "meters": ["seats"],
            "overage_tiers": [{"up_to": None, "unit_amount": SUM, "flat_amount": SUM}],
        },
    ],
    "base_charges": [{"name": "fee", "amount": SUM}],
    "commitments": [{"name": "least", "amount": SUM}],
    "discounts": [{"name": "less", "amount": SUM}, {"name": "part", "percent": SUM}],
    "rate_schedules": [{"name": "more", "applies_to": "base", "percent": SUM}],
}
FULL: dict[str, Any] = {
    **TERMS,
    "account": "west",
    "start_date": "2026-01-01",
    "billing": {"hold_above": SUM},
    "credits": [{"name": "paid", "amount": SUM}],
    "phases": [{"start_date": "2026-02-01", **TERMS}],
    "attributes": {"amount": "mine"},
}
CONTRACTS: dict[str, dict[str, Any]] = {
    "A-1": {"account": "acme", "start_date": "2024-01-01", "branch": "north", "type": "gold"},
    "A-2": {
        "account": "acme",
        "start_date": "2024-01-01",
        "end_date": "2024-12-31",
        "sales_rep": {"name": "Rita"},
    },
    "A-3": {"account": "acme", "start_date": "2024-01-01", "status": "draft"},
    "E-1": {"account": "east", "start_date": "2099-01-01", "name": "Later"},
    "E-2": {
        "account": "east",
        "start_date": "2024-01-01",
        "end_date": "2024-06-30",
        "renewal": {"policy": "auto"},
        "currency": "EUR",
        "csm": {"name": "Carl"},
    },
    "W-1": FULL,
}


def read(house: Client, path: str) -> Any:
    """Return what a path answers."""
    answer = house.call("GET", path)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.fixture(scope="module")
def house(bare: Client) -> Client:
    """An installation with a tree, contracts of all states, and some use."""
    bare.put("/accounts/acme")
    bare.put("/accounts/east", parent="acme", branch="east")
    bare.put("/accounts/west")
    bare.put("/accounts/pool")
    bare.put("/accounts/child", parent="pool")
    bare.put("/meters/uses", event_type="use", aggregation="count", unit="uses")
    bare.put("/meters/seats", event_type="seat", aggregation="count", unit="seats")
    for number, said in CONTRACTS.items():
        bare.put(f"/contracts/{number}", **said)
    return bare


ALL = [*CONTRACTS]
LISTS: list[tuple[str, list[str]]] = [
    ("", ALL),
    ("status=active", ["A-1", "E-2", "W-1"]),
    ("status=draft", ["A-3"]),
    ("status=ended", ["A-2"]),
    ("status=planned", ["E-1"]),
    ("account=acme", ["A-1", "A-2", "A-3", "E-1", "E-2"]),
    ("account=acme&rollup=false", ["A-1", "A-2", "A-3"]),
    ("branch=north", ["A-1"]),
    ("branch=east", ["E-1", "E-2"]),
    ("csm=Carl", ["E-2"]),
    ("sales_rep=Rita", ["A-2"]),
    ("type=gold", ["A-1"]),
    ("currency=EUR", ["E-2"]),
    ("q=LATER", ["E-1"]),
    ("q=w-", ["W-1"]),
    ("in_force=2024-06-30", ["A-1", "A-2", "E-2"]),
    ("in_force=2024-12-31", ["A-1", "A-2", "E-2"]),
    ("in_force=2025-01-01", ["A-1", "E-2"]),
    ("in_force=2023-12-31", []),
    ("in_force=2099-01-01", ["A-1", "E-1", "E-2", "W-1"]),
    ("ends_before=2024-12-31", []),
    ("ends_before=2025-01-01", ["A-2"]),
    ("sort=number&descending=true", ALL[::-1]),
    ("sort=start_date&descending=true", ["E-1", "W-1", "A-1", "A-2", "A-3", "E-2"]),
    ("account=acme&status=ended&q=A", ["A-2"]),
]


@pytest.mark.parametrize(("query", "expected"), LISTS)
def test_a_list_has_what_was_asked_for(house: Client, query: str, expected: list[str]) -> None:
    found = read(house, f"/contracts?{query}")
    assert [item["number"] for item in found["items"]] == expected
    assert found["totals"] == {"count": len(expected)}


@pytest.mark.parametrize("query", ["", "sort=start_date&", "status=active&"])
def test_pages_follow_each_other(house: Client, query: str) -> None:
    whole = [item["number"] for item in read(house, f"/contracts?{query}")["items"]]
    seen, cursor = [], ""
    while True:
        found = read(house, f"/contracts?{query}limit=2{cursor}")
        seen += [item["number"] for item in found["items"]]
        assert found["totals"]["count"] == len(whole)
        if found["next_cursor"] is None:
            break
        cursor = f"&cursor={found['next_cursor']}"
    assert seen == whole


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("status=gone", 422, "parameter_invalid", "status"),
        ("in_force=soon", 422, "parameter_invalid", "in_force"),
        ("sort=price", 422, "parameter_invalid", "sort"),
        ("cursor=x", 422, "cursor_invalid", "cursor"),
        ("account=nobody", 404, "account_not_found", None),
    ],
)
def test_what_cannot_be_asked_is_refused(
    house: Client, query: str, status: int, code: str, field: str | None
) -> None:
    answer = house.call("GET", f"/contracts?{query}")
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json.get("field") == field


def test_a_contract_as_it_stood_and_as_it_was_known(house: Client) -> None:
    said = {"account": "acme", "start_date": "2024-01-01"}
    house.put("/contracts/K-1", **said, name="one")
    mark = read(house, "/usage?meter=uses&account=acme&from=2024-01-01&to=2024-01-02")["known_at"]
    house.put("/contracts/K-1", **said, name="two", valid_from="2024-07-01")

    def name(query: str) -> str:
        return str(read(house, f"/contracts/K-1{query}")["name"])

    assert name("?at=2024-06-30") == "one"
    assert name("?at=2024-07-01") == name("?at=2024-07-01T00:00:00Z") == name("") == "two"
    assert name("?at=2024-06-30T23:59:59Z") == "one"
    assert name(f"?at=2024-07-01&known_at={mark}") == name(f"?known_at={mark}") == "one"
    for query, code in (
        ("at=2023-12-31", "contract_not_found"),
        ("at=soon", "date_invalid"),
        ("at=2024-01-01Tsoon", "time_invalid"),
        ("known_at=x", "known_at_invalid"),
    ):
        assert house.call("GET", f"/contracts/K-1?{query}").json["code"] == code
    told = read(house, "/contracts/K-1/history")["items"]
    assert [item["changes"] for item in told] == [
        [],
        [{"field": "name", "before": "one", "after": "two"}],
    ]
    assert len(read(house, f"/contracts/K-1/history?known_at={mark}")["items"]) == 1


def test_a_dry_run_says_what_a_change_would_do_and_stores_nothing(house: Client) -> None:
    before = read(house, "/contracts/W-1/history")
    said = {**FULL, "lines": [{**TERMS["lines"][0], "allotment": {"quantity": "120"}}]}
    found = house.call("PUT", "/contracts/W-1?dry_run=true", {**said, "applies": "next_period"})
    assert found.status == 200
    assert found.json["outcome"] == "changed"
    assert found.json["valid_from"][-2:] == "01"
    assert found.json["faults"] == []
    assert found.json["changes"] == [
        {"field": "lines[use].allotment.quantity", "before": "100", "after": "120"},
        {"field": "applies", "before": "at_once", "after": "next_period"},
    ]
    broken = {**said, "end_date": "2025-01-01", "bill_to": "nobody"}
    refused = house.call("PUT", "/contracts/W-1?dry_run=true", broken).json
    assert refused["outcome"] == "refused"
    assert {fault["field"] for fault in refused["faults"]} >= {"end_date", "bill_to"}
    assert read(house, "/contracts/W-1/history") == before
    unreadable = house.call("PUT", "/contracts/W-1?dry_run=true", {"lines": 1}).json
    assert {fault["code"] for fault in unreadable["faults"]} == {"document_invalid"}


def amounts(part: Any) -> Iterator[str]:
    """Yield every text that stands anywhere in an answer."""
    if isinstance(part, dict):
        for item in part.values():
            yield from amounts(item)
    elif isinstance(part, list):
        for item in part:
            yield from amounts(item)
    elif isinstance(part, str):
        yield part


def test_no_amount_is_shown_to_whom_prices_are_not(house: Client) -> None:
    house.put("/contracts/W-2", **FULL)
    changed = {**FULL, **{name: [] for name in TERMS}, "phases": []}
    house.put("/contracts/W-2", **changed, valid_from="2026-06-01")
    body = {"name": "reads", "role": "analyst"}
    secret = house.call("POST", "/keys", body).json["secret"]
    sent = {"Authorization": f"Bearer {secret}"}
    for path in ("/contracts/W-1", "/contracts/W-2/history", "/contracts?account=west"):
        shown, hidden = read(house, path), house.call("GET", path, headers=sent)
        assert hidden.status == 200
        assert list(amounts(shown)).count(SUM) >= 24
        assert SUM not in amounts(hidden.json)
        assert "mine" in amounts(hidden.json)
        assert "100" in amounts(hidden.json)


def test_a_parents_pool_and_a_childs_own_contract_are_findings_and_both_stand(
    house: Client,
) -> None:
    terms = {"start_date": "2026-01-01", "lines": [LINE]}
    house.put("/contracts/P-pool", account="pool", pooling="parent_pool", **terms)
    house.put("/contracts/P-own", account="pool", **terms)
    house.put("/contracts/P-child", account="child", **terms)
    house.send([event(f"pool-{i}", subject="child") for i in range(3)])
    house.until_visible()
    house.call("POST", "/tick")
    pool, child = (read(house, f"/contracts/P-{name}")["findings"] for name in ("pool", "child"))
    assert [(one["code"], one["field"]) for one in pool] == [
        ("child_has_contract", "lines.0.meter"),
        ("child_has_contract", "lines.0.meter"),
    ]
    assert [(one["code"], one["field"]) for one in child] == [("in_a_pool", "lines.0.meter")]
    at = "at=2026-03-15T00:00:00Z"
    used = {
        number: read(house, f"/positions/P-{number}/use?{at}")["used"]
        for number in ("pool", "own", "child")
    }
    assert used == {"pool": "3", "own": "0", "child": "3"}
    secret = house.call(
        "POST", "/keys", {"name": "theirs", "role": "customer_admin", "account": "child"}
    ).json["secret"]
    sent = {"Authorization": f"Bearer {secret}"}
    assert house.call("GET", "/contracts/P-child", headers=sent).json["findings"] == []


def test_what_is_odd_about_a_contract_is_told_with_it(house: Client) -> None:
    said = {
        "account": "west",
        "bill_to": "acme",
        "start_date": "2026-01-01",
        "lines": [
            {"code": "a", "meter": "uses"},
            {"code": "b", "meter": "uses", "price": PRICE},
            {"code": "free", "meter": "seats", "allotment": {}},
        ],
        "meter_groups": [{"name": "pool", "meters": ["seats"]}],
        "base_charges": [
            {"name": "x", "amount": "1", "level": "product", "ref": "none"},
            {"name": "y", "amount": "1", "ref": "none"},
        ],
    }
    expected = [
        ("bill_to_outside", "bill_to"),
        ("meter_counted_twice", "lines.1.meter"),
        ("meter_counted_twice", "meter_groups.0.meters.0"),
        ("line_without_price", "lines.0.price"),
        ("group_without_rate", "meter_groups.0.overage_rate"),
        ("product_unknown", "base_charges.0.ref"),
        ("ref_unused", "base_charges.1.ref"),
    ]
    ahead = house.call("PUT", "/contracts/O-1?dry_run=true", said).json["findings"]
    house.put("/contracts/O-1", **said)
    stored = read(house, "/contracts/O-1")["findings"]
    assert [(one["code"], one["field"]) for one in stored] == expected
    assert ahead == stored


def test_a_sum_of_allotments_needs_one_unit_and_children_without_a_price(house: Client) -> None:
    house.put("/accounts/sum")
    house.put("/accounts/part", parent="sum", status="closed")
    line = {key: value for key, value in LINE.items() if key != "price"}
    house.put(
        "/contracts/S-sum",
        account="sum",
        pooling="sum_of_children",
        start_date="2026-01-01",
        lines=[LINE],
    )
    converted = {**line, "conversion": {"unit": "dozens", "divide_by": "12"}}
    for said, codes in (
        (line, set()),
        (LINE, {"child_has_contract"}),
        (converted, {"pool_unit_clash"}),
    ):
        house.put("/contracts/S-part", account="part", start_date="2026-01-01", lines=[said])
        assert {one["code"] for one in read(house, "/contracts/S-sum")["findings"]} == codes
    part = read(house, "/contracts/S-part")["findings"]
    assert [one["code"] for one in part] == ["account_closed", "line_without_price"]
