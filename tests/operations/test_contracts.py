from decimal import Decimal
from typing import Any

import pytest

from tallybook.model.scope import operator
from tallybook.operations.contracts import ListQuery, contracts
from tests.worlds import World, instant


@pytest.mark.parametrize(
    ("cycle", "base"),
    [
        ({}, "73"),
        ({"cycle_unit": "month", "cycle_length": 2}, "36.5"),
        ({"cycle_unit": "year"}, "6.0833"),
        ({"cycle_unit": "week"}, "317.2024"),  # 365 / 84 weeks a month
        ({"cycle_unit": "day", "cycle_length": 73}, "30.4167"),
        ({"cycle_unit": "term"}, "0"),
    ],
)
def test_a_base_charge_is_brought_to_a_month(cycle: dict[str, Any], base: str) -> None:
    world = World()
    world.account("a")
    world.contract(base_charges=[{"name": "b", "amount": "73", **cycle}])
    found = contracts(operator(), world.directory, ListQuery(), instant("2026-03-10"))
    assert found.items[0].base is not None
    assert round(found.items[0].base, 4) == Decimal(base)
