from datetime import timedelta
from typing import Any

import pytest

from tests.alerts._seen import NOW, Desk

NONE = "contract.no_minimum"
FREE = {"code": "calls", "meter": "calls", "price": {"model": "per_unit", "unit_amount": "1"}}


def test_a_contract_that_promises_nothing_is_found(desk: Desk) -> None:
    desk.agree(lines=[FREE])
    (one,) = desk.findings(NONE)
    assert (one["state"], one["inputs"]) == ("none", {"created": "2026-04-20"})


@pytest.mark.parametrize(
    "terms",
    [
        {"lines": []},
        {"lines": [{**FREE, "allotment": {"quantity": "1"}}]},
        {"lines": [{**FREE, "minimum_amount": "5"}]},
        {"lines": [FREE, {"code": "fixed", "quantity": "1"}]},
        {"lines": [FREE], "base_charges": [{"name": "base", "amount": "1"}]},
        {"lines": [FREE], "commitments": [{"name": "least", "amount": "1"}]},
        {"meter_groups": [{"name": "g", "meters": ["calls"], "covered_quantity": "1"}]},
    ],
)
def test_anything_fixed_or_included_will_do(desk: Desk, terms: dict[str, Any]) -> None:
    desk.agree(**terms)
    assert desk.states(NONE) == {}


def test_a_base_of_zero_is_no_base(desk: Desk) -> None:
    desk.agree(lines=[FREE], base_charges=[{"name": "base", "amount": "0"}])
    assert desk.states(NONE) == {"ME": "none"}
    desk.agree(lines=[{**FREE, "allotment": {"quantity": "0"}}])
    assert desk.states(NONE) == {"ME": "none"}


def test_only_new_contracts_are_spoken_of(desk: Desk) -> None:
    with desk.on(NOW - timedelta(days=32)):
        desk.agree(lines=[FREE])
    assert desk.states(NONE) == {}
    assert desk.states(NONE, days=32) == {"ME": "none"}
