"""What a contract would come to, through the API: the worked numbers of the rules, and the same as
a real statement of the same contract and events.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.serving import Answer, Client, event

MARCH = "2026-03-15"
RATE = {"model": "per_unit", "unit_amount": "1"}
SLICES = [
    {"up_to": "500", "unit_amount": "2"},
    {"up_to": "2000", "unit_amount": "1.5"},
    {"up_to": None, "unit_amount": "1"},
]
STEPS = [
    {"up_to": "500", "flat_amount": "100"},
    {"up_to": "2000", "flat_amount": "300"},
    {"up_to": None, "flat_amount": "600"},
]


def line(**terms: Any) -> dict[str, Any]:
    return {"code": "x", "meter": "not-defined", "price": RATE, **terms}


def ask(client: Client, contract: dict[str, Any], usage: object, period: str = MARCH) -> Answer:
    agreed = {"account": "acme", "start_date": "2026-01-01", **contract}
    body = {"contract": agreed, "period": period, "usage": usage}
    return client.call("POST", "/preview/statement", body)


def made(client: Client, contract: dict[str, Any], quantity: object = None, **line_use: Any) -> Any:
    use = {"line": "x", **line_use} if quantity is None else {"line": "x", "quantity": quantity}
    answer = ask(client, contract, [use] if len(use) > 1 else [])
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        ({"model": "flat", "amount": "500"}, 7, "500.00"),
        ({"model": "per_unit", "unit_amount": "0.05"}, 10, "0.50"),
        ({"model": "graduated", "tiers": SLICES}, 1500, "2500.00"),
        ({"model": "volume", "tiers": SLICES}, 1500, "2250.00"),
        ({"model": "volume", "tiers": SLICES}, 500, "1000.00"),
        ({"model": "volume", "tiers": SLICES}, 501, "751.50"),
        ({"model": "volume", "tiers": SLICES}, "2000", "3000.00"),
        ({"model": "volume", "tiers": SLICES}, "2001", "2001.00"),
        ({"model": "stairstep", "tiers": STEPS}, 1500, "300.00"),
        ({"model": "package", "package_size": "100", "package_amount": "8"}, 101, "16.00"),
        ({"model": "percentage", "rate": "0.02"}, 10000, "200.00"),
    ],
)
def test_the_prices_of_the_rules(
    installation: Client, price: dict[str, Any], quantity: object, amount: str
) -> None:
    assert made(installation, {"lines": [line(price=price)]}, quantity)["total"] == amount


def test_the_order_on_an_invoice(installation: Client) -> None:
    floor = {"commitments": [{"name": "floor", "amount": "200"}], "lines": [line()]}
    used = made(installation, floor, 120)
    assert (used["lines"][0]["amount"], used["commitments"][0]["amount"]) == ("120.00", "80.00")
    assert used["total"] == "200.00"
    granted = made(installation, {"lines": [line(free_quantity="1000")]}, 1400)
    assert (granted["lines"][0]["billable_quantity"], granted["total"]) == ("400", "400.00")
    credited = {"credits": [{"name": "prepaid", "amount": "100"}], "lines": [line()]}
    drawn = made(installation, credited, 350)
    assert (drawn["subtotal"], drawn["total"]) == ("350.00", "250.00")
    assert drawn["credits"] == [{"name": "prepaid", "amount": "100.00", "left": "0.00"}]


def test_a_stub_of_twelve_days_of_january_at_a_thousand(installation: Client) -> None:
    stub = {
        "start_date": "2026-01-20",
        "billing": {"cycle_start_date": "2026-01-01"},
        "base_charges": [{"name": "base", "amount": "1000"}],
    }
    answer = ask(installation, stub, [], "2026-01-31")
    assert answer.json["period"]["is_stub"]
    assert answer.json["total"] == "387.10"


def test_a_pool_of_the_tree(installation: Client) -> None:
    """A 9,500 of 10,000, B 7,250 of 7,000, C 4,000 of 5,000."""
    shares = {"A": 10_000, "B": 7_000, "C": 5_000}
    installation.put("/accounts/pool-P")
    for name, allotted in shares.items():
        installation.put(f"/accounts/pool-{name}", parent="pool-P")
        child = line(meter="total", allotment={"quantity": str(allotted)})
        document = {"account": f"pool-{name}", "start_date": "2026-01-01", "lines": [child]}
        installation.put(f"/contracts/pool-{name}", **document)
    used = {"A": 9_500, "B": 7_250, "C": 4_000}
    own = {
        name: made(
            installation, {"lines": [line(allotment={"quantity": str(shares[name])})]}, quantity
        )
        for name, quantity in used.items()
    }
    over = [int(found["lines"][0]["billable_quantity"]) for found in own.values()]
    assert (over, sum(over)) == ([0, 250, 0], 250)
    parent = {
        "account": "pool-P",
        "pooling": "parent_pool",
        "lines": [line(meter="total", allotment={"quantity": "20000"})],
    }
    assert made(installation, parent, sum(used.values()))["total"] == "750.00"
    gathered = parent | {
        "pooling": "sum_of_children",
        "lines": [line(meter="total", allotment={"quantity": "0"})],
    }
    found = made(installation, gathered, sum(used.values()))
    assert found["total"] == "0.00"
    assert found["lines"][0]["explanation"]["cycles"][0]["allotment"] == "22000"


EVENTS = [
    ("2026-02-27T10:00:00Z", {"n": "3", "k": "a"}),
    ("2026-03-02T10:00:00Z", {"n": 5, "k": "a"}),
    ("2026-03-02T10:00:00Z", {"n": 2.5, "k": "b"}),
    ("2026-03-20T10:00:00Z", {"n": "9", "k": 1}),
    ("2026-03-20T11:00:00Z", {"n": 1, "k": "1", "test": True}),
    ("2026-03-21T10:00:00Z", {"n": "x"}),
    ("2026-04-01T10:00:00Z", {"n": 100}),
]
BY_KIND: Sequence[tuple[str, dict[str, Any], dict[str, Any]]] = [
    *((name, {"aggregation": name, "property": "n"}, RATE) for name in ("sum", "max", "avg")),
    ("latest", {"aggregation": "latest", "property": "n", "kind": "stock"}, RATE),
    ("unique", {"aggregation": "unique", "property": "k"}, RATE),
    ("increase", {"aggregation": "increase", "property": "n"}, RATE),
    ("counters", {"aggregation": "increase", "property": "n", "dimensions": ["k"]}, RATE),
    (
        "matrix",
        {"aggregation": "sum", "property": "n", "dimensions": ["k"]},
        {
            "model": "matrix",
            "dimensions": ["k"],
            "cells": [{"values": ["a"], "unit_amount": "2"}, {"values": ["1"], "unit_amount": "3"}],
            "default": {"unit_amount": "7"},
        },
    ),
    (
        "percentage",
        {"aggregation": "sum", "property": "n"},
        {"model": "percentage", "rate": "0.1", "fixed_amount": "0.3"},
    ),
    ("each", {"aggregation": "count"}, {"model": "percentage", "rate": "1", "fixed_amount": "2"}),
]


def test_told_events_come_to_what_real_ones_do(installation: Client) -> None:
    real = []
    installation.put("/accounts/told", timezone="Europe/Berlin")
    document: dict[str, Any] = {"account": "told", "start_date": "2026-02-01", "lines": []}
    for name, meter, price in BY_KIND:
        term = {"property": "test", "op": "ne", "value": True}
        installation.put(f"/meters/told-{name}", event_type="told", filter=[term], **meter)
        priced = {"code": name, "meter": f"told-{name}", "price": price, "free_quantity": "4"}
        document["lines"].append(priced)
    installation.put("/contracts/told", **document)
    real = [
        event(f"told-{i}", type="told", subject="told", time=time, data=data)
        for i, (time, data) in enumerate(EVENTS)
    ]
    assert installation.send(real)["accepted"] == len(EVENTS)
    assert installation.call("POST", "/tick").status == 200
    told = [{"time": time, "data": data} for time, data in EVENTS]
    usage = [{"line": name, "events": told} for name, _, _ in BY_KIND]
    for day in ("2026-02-15", MARCH):
        found = installation.call("GET", "/statements/told", period=day).json
        previewed = ask(installation, {"number": "told", **document}, usage, day).json
        for name in ("lines", "subtotal", "total", "period", "sha256"):
            assert previewed[name] == found[name], name
    quantities = {charge["code"]: charge["quantity"] for charge in found["lines"]}
    assert quantities["increase"] == "8.5"  # 3, 5, 2.5, 9: the fall is no use
    assert quantities["counters"] == "2"  # of `a` only; the others were read once


def test_lines_of_one_meter_are_told_apart(installation: Client) -> None:
    both = {"lines": [line(), line(code="y")]}
    usage = [{"line": "y", "quantity": 3}, {"line": "x", "quantity": 2}]
    found = ask(installation, both, usage).json
    assert [charge["amount"] for charge in found["lines"]] == ["2.00", "3.00"]


def test_a_quantity_is_that_of_the_period_alone(installation: Client) -> None:
    annual = line(allotment={"quantity": "10", "cycle_unit": "year"})
    assert made(installation, {"lines": [annual]}, 12)["lines"][0]["billable_quantity"] == "2"
    late = {"start_date": "2026-03-10", "lines": []}
    phase = {"start_date": "2026-03-20", "lines": [line()]}
    assert made(installation, {**late, "phases": [phase]}, 12)["total"] == "12.00"
    group = {
        "meter_groups": [
            {"name": "x", "meters": ["p", "q"], "covered_quantity": "5", "overage_rate": "1"}
        ]
    }
    assert made(installation, group, 12)["total"] == "7.00"


def test_a_draft_is_taken_as_active_and_nothing_is_stored(installation: Client) -> None:
    found = made(installation, {"number": "D-1", "status": "draft", "lines": [line()]}, 2)
    assert (found["contract"], found["total"], found["status"]) == ("D-1", "2.00", "open")
    assert installation.call("GET", "/contracts/D-1").status == 404
    one = {"contract": {"account": "a", "start_date": "2026-01-01"}, "period": MARCH}
    assert [
        s["total"] for s in installation.call("POST", "/preview/statement", [one] * 2).json
    ] == [
        "0.00",
        "0.00",
    ]


@pytest.mark.parametrize(
    ("contract", "usage", "period", "code", "field"),
    [
        (
            {"lines": [line()]},
            [{"line": "z", "quantity": 1}],
            MARCH,
            "unknown_line",
            "usage.0.line",
        ),
        (
            {"lines": [line(code="other"), line()]},
            [{"line": "x", "events": []}],
            MARCH,
            "unknown_meter",
            "contract.lines.1.meter",
        ),
        (
            {"lines": [line(meter=None, quantity="5")]},
            [{"line": "x", "quantity": 1}],
            MARCH,
            "line_not_metered",
            "usage.0.line",
        ),
        (
            {"lines": [line()]},
            [{"line": "x", "quantity": 1}] * 2,
            MARCH,
            "told_twice",
            "usage.1.line",
        ),
        ({}, [], "2025-12-31", "not_in_force", "period"),
        ({}, [{"line": "x"}], MARCH, "document_invalid", "usage.0"),
        ({}, [{"line": "x", "quantity": -1}], MARCH, "document_invalid", "usage.0.quantity"),
        (
            {"lines": [line(meter="total")]},
            [{"line": "x", "events": [{"time": "noon"}]}],
            MARCH,
            "document_invalid",
            "usage.0.events.0.time",
        ),
        (
            {"lines": [line(price={"model": "guess"})]},
            [],
            MARCH,
            "unknown_kind",
            "contract.lines.0.price.model",
        ),
        ({"lines": [{"code": "x"}]}, [], MARCH, "document_invalid", "contract.lines.0"),
    ],
)
def test_what_cannot_be_told_is_refused(
    installation: Client,
    contract: dict[str, Any],
    usage: object,
    period: str,
    code: str,
    field: str,
) -> None:
    answer = ask(installation, contract, usage, period)
    assert (answer.status, answer.json["code"], answer.json["field"]) == (422, code, field)
