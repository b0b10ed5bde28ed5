from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.price import Billable, Part, Piece
from tallybook.pricing._raise import raised
from tallybook.pricing.matrix import parse
from tests.pricing.drawn import AMOUNTS, document

D = Decimal
_VALUE = st.sampled_from(["eu", "us", "1", None])


def _documents(count: int) -> st.SearchStrategy[dict[str, Any]]:
    cell = st.fixed_dictionaries(
        {"values": st.lists(_VALUE, min_size=count, max_size=count), "unit_amount": AMOUNTS}
    )
    return document(
        "matrix",
        dimensions=st.just(["region", "class"][:count]),
        cells=st.lists(cell, min_size=1, max_size=4, unique_by=lambda c: tuple(c["values"])),
        default=st.fixed_dictionaries({"unit_amount": AMOUNTS}),
    )


DOCUMENTS = st.one_of(_documents(1), _documents(2))

REGIONS: dict[str, Any] = {
    "model": "matrix",
    "dimensions": ["region", "class"],
    "cells": [
        {"values": ["eu", "fast"], "unit_amount": "0.05"},
        {"values": ["eu", "slow"], "unit_amount": "0.02"},
        {"values": ["us", None], "unit_amount": "0.01"},
    ],
    "default": {"unit_amount": "0.10"},
}


def test_each_unit_costs_what_its_cell_says() -> None:
    price = parse(REGIONS)
    pieces = (
        Piece(D(100), ("eu", "slow")),
        Piece(D(10), ("eu", "fast")),
        Piece(D(5), ("asia", "fast")),
        Piece(D(3), ("us", None)),
        Piece(D(20), ("eu", "slow")),
    )
    use = Billable(D(138), pieces)
    assert price.dimensions == ("region", "class")
    assert price.charge(use) == D("3.43")
    assert price.parts(use) == (
        Part(0, D(10), D("0.05"), None, D("0.50"), values=("eu", "fast")),
        Part(1, D(120), D("0.02"), None, D("2.40"), values=("eu", "slow")),
        Part(2, D(3), D("0.01"), None, D("0.03"), values=("us", None)),
        Part(3, D(5), D("0.10"), None, D("0.50")),
    )


def test_a_quantity_without_events_has_the_default() -> None:
    assert parse(REGIONS).charge(Billable(D(7))) == D("0.70")
    assert parse(REGIONS).parts(Billable(D(0))) == ()


def test_values_are_compared_as_groups_of_usage_show_them() -> None:
    price = parse({**REGIONS, "cells": [{"values": [1, True], "unit_amount": "9"}]})
    assert price.charge(Billable(D(1), (Piece(D(1), ("1", "true")),))) == 9


def test_planned_increases_raise_every_cell_and_the_default() -> None:
    price = raised(parse(REGIONS), D(50), 1, 2)
    found = [cell.unit_amount for cell in (*price.cells, price.default)]
    assert found == [D("0.08"), D("0.03"), D("0.02"), D("0.15")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"default": None}, "default"),
        ({"dimensions": []}, "dimensions"),
        ({"dimensions": ["a", "b", "c"]}, "dimensions"),
        ({"dimensions": ["a", "a"]}, "dimensions"),
        ({"cells": []}, "cells"),
        ({"cells": [{"values": ["eu"], "unit_amount": "1"}]}, "cells.0.values"),
        ({"cells": [{"values": ["a", "b"], "unit_amount": "1"}] * 2}, "cells.1.values"),
        ({"cells": [{"values": [["a"], "b"], "unit_amount": "1"}]}, "cells.0.values.0"),
    ],
)
def test_what_makes_no_matrix_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse({**REGIONS, **change})
    assert refusal.value.facts["field"] == field


def test_a_matrix_without_a_default_is_refused_as_use_may_go_unpriced() -> None:
    with pytest.raises(Invalid) as refusal:
        parse({field: value for field, value in REGIONS.items() if field != "default"})
    assert refusal.value.facts["field"] == "default"
