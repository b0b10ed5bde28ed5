from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tallybook.model.errors import Forbidden, Invalid
from tallybook.model.price import Part
from tallybook.model.scope import Scope, operator
from tallybook.operations.preview_charge import preview_charge

D = Decimal
ALL = operator()
UNIT = {"model": "per_unit", "unit_amount": "1"}
FEE = {"model": "percentage", "rate": "0.02", "fixed_amount": "0.30"}
TIERS = [
    {"up_to": "500", "unit_amount": "2.00"},
    {"up_to": "2000", "unit_amount": "1.50"},
    {"up_to": None, "unit_amount": "1.00"},
]
MATRIX = {
    "model": "matrix",
    "dimensions": ["region", "plan.name"],
    "cells": [{"values": ["eu", "pro"], "unit_amount": "2"}],
    "default": {"unit_amount": "3"},
}


def charge(price: Mapping[str, Any], **asked: Any) -> Decimal:
    return preview_charge(ALL, {"price": price, **asked}).amount


def test_graduated_and_volume_at_1500() -> None:
    graduated = preview_charge(
        ALL, {"price": {"model": "graduated", "tiers": TIERS}, "quantity": "1500"}
    )
    assert graduated.amount == 2500
    assert graduated.parts == (
        Part(0, D(500), D(2), None, D(1000)),
        Part(1, D(1000), D("1.5"), None, D(1500)),
    )
    assert charge({"model": "volume", "tiers": TIERS}, quantity=1500) == 2250


def test_what_is_free_is_not_priced() -> None:
    assert charge(UNIT, quantity="1400", free_quantity="1000") == 400
    assert charge(UNIT, quantity="10", free_quantity="1000") == 0


@pytest.mark.parametrize(
    ("terms", "amount"),
    [
        ({"discount_percent": "10"}, "90"),
        ({"discount_percent": "10", "maximum_amount": "95"}, "90"),
        ({"discount_percent": "10", "maximum_amount": "80"}, "80"),
        ({"discount_percent": "10", "minimum_amount": "95"}, "95"),
        ({"minimum_amount": "120", "maximum_amount": "80"}, "120"),
        ({"quantity": "0", "minimum_amount": "50"}, "50"),
        ({"quantity": "0", "discount_percent": "100", "minimum_amount": "50"}, "50"),
    ],
)
def test_discount_then_maximum_then_minimum(terms: dict[str, Any], amount: str) -> None:
    assert charge(UNIT, **{"quantity": "100", **terms}) == D(amount)


def test_it_is_rounded_to_a_currency_if_there_is_one() -> None:
    terms = {"quantity": "1", "discount_percent": "33.5"}
    assert str(charge(UNIT, **terms)) == "0.665"
    assert str(charge(UNIT, **terms, currency="USD")) == "0.67"
    assert str(charge(UNIT, **terms, currency="JPY")) == "1"


def test_without_events_the_quantity_is_one_event() -> None:
    assert charge(FEE, quantity="300") == D("6.30")
    assert charge(FEE, events=["100", 200]) == D("6.60")
    assert charge(FEE, events=[{"quantity": "100"}, "200"], free_quantity="100") == D("4.30")
    assert charge(UNIT, events=["100", "200"]) == 300
    assert charge(FEE, quantity="0") == charge(FEE, events=[]) == 0


def test_events_bring_the_properties_that_a_matrix_looks_at() -> None:
    pro = {"quantity": "5", "properties": {"region": "eu", "plan": {"name": "pro"}}}
    other = {"quantity": "5", "properties": {"region": "eu"}}
    assert charge(MATRIX, events=[pro, other, "1"]) == 28
    assert charge(MATRIX, quantity="7") == 21


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        ({}, "document_invalid", "price"),
        ({"price": UNIT}, "document_invalid", ""),
        ({"price": UNIT, "quantity": 1, "events": []}, "document_invalid", ""),
        ({"price": UNIT, "quantity": "-1"}, "document_invalid", "quantity"),
        ({"price": UNIT, "events": ["NaN"]}, "document_invalid", "events.0.quantity"),
        ({"price": UNIT, "events": [None]}, "document_invalid", "events.0.quantity"),
        ({"price": UNIT, "events": [{"n": 1}]}, "document_invalid", "events.0.quantity"),
        ({"price": UNIT, "quantity": 1, "currency": "EURO"}, "document_invalid", "currency"),
        ({"price": UNIT, "quantity": 1, "discount_percent": 101}, "document_invalid", None),
        ({"price": {}, "quantity": 1}, "price_model_missing", "price.model"),
        ({"price": {"model": "free"}, "quantity": 1}, "unknown_kind", "price.model"),
        (
            {"price": {"model": "volume", "tiers": [TIERS[2], TIERS[2]]}, "quantity": 1},
            "document_invalid",
            "price.tiers.0.up_to",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    document: dict[str, Any], code: str, field: str | None
) -> None:
    with pytest.raises(Invalid) as refusal:
        preview_charge(ALL, document)
    assert refusal.value.code == code
    assert refusal.value.facts["field"] == ("discount_percent" if field is None else field)


def test_who_may_not_read_may_not_ask() -> None:
    with pytest.raises(Forbidden):
        preview_charge(Scope("x", "ingest"), {"price": UNIT, "quantity": 1})
