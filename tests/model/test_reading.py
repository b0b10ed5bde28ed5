from decimal import Decimal
from typing import Any

import pytest

from tallybook.model.errors import Invalid
from tallybook.model.nouns import FilterTerm
from tallybook.model.reading import holds, is_scalar, property_at, quantity_of

DATA = {"a": {"b": 1, "c": None}, "list": [1], "text": "5", "n": Decimal("1.0"), "yes": True}


def test_a_path_reaches_into_objects_only() -> None:
    assert property_at(DATA, "a.b") == 1
    for path in ("a.c", "a.b.c", "list.0", "nowhere", "nowhere.at.all"):
        assert property_at(DATA, path) is None
    assert property_at("text", "a") is None


@pytest.mark.parametrize(
    ("value", "quantity"),
    [(1, "1"), (Decimal("1E+5"), "100000"), (Decimal("0E+999999"), "0"), ("100", "100"),
     ("-0100.50", "-100.5"), ("+1", "1"), ("1.0000000000000", "1")],
)  # fmt: skip
def test_numbers_and_plain_texts_are_quantities(value: Any, quantity: str) -> None:
    assert quantity_of(value) == Decimal(quantity)


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_a_missing_quantity(value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        quantity_of(value)
    assert refused.value.code == "quantity_missing"


@pytest.mark.parametrize(
    "value",
    ["abc", "1e5", " 1", "1_000", "NaN", "٣", True, [1], {"a": 1}, Decimal("NaN"),
     Decimal("1e-13"), 10**18, Decimal("1E+9999999"), "1" * 19, "0.0000000000001"],
)  # fmt: skip
def test_all_else_is_an_invalid_quantity(value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        quantity_of(value)
    assert refused.value.code == "quantity_invalid"


def test_scalars() -> None:
    assert all(map(is_scalar, ["", 0, False, Decimal(1)]))
    assert not any(map(is_scalar, [None, [], {}]))


@pytest.mark.parametrize(
    ("property_", "op", "value", "expected"),
    [
        ("n", "eq", 1, True), ("n", "eq", "1", False), ("n", "eq", True, False),
        ("yes", "eq", True, True), ("yes", "eq", 1, False), ("text", "eq", "5", True),
        ("a", "eq", "x", False), ("a", "eq", None, False), ("a.c", "eq", None, True),
        ("nowhere", "eq", None, True), ("nowhere", "ne", "x", True), ("n", "ne", 1, False),
        ("n", "in", [2, 1], True), ("n", "not_in", [2, 1], False), ("text", "not_in", [5], True),
        ("a.b", "exists", True, True), ("a.c", "exists", True, False), ("a", "exists", True, True),
        ("nowhere", "exists", False, True),
        ("n", "gt", 0, True), ("n", "gt", 1, False), ("n", "gte", 1, True), ("n", "lt", 2, True),
        ("n", "lte", Decimal("0.9"), False), ("text", "gt", 1, False), ("yes", "gte", 0, False),
        ("text", "gt", "40", True), ("n", "gt", "0", False), ("nowhere", "lt", 1, False),
        ("nowhere", "lt", "x", False), ("a", "lt", 1, False),
    ],
)  # fmt: skip
def test_conditions_compare_by_type(property_: str, op: Any, value: Any, expected: bool) -> None:
    assert holds(FilterTerm(property=property_, op=op, value=value), DATA) is expected
