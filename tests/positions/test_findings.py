"""What is set up oddly: found in a directory, and never a refusal."""

from datetime import date
from fractions import Fraction

import pytest

from tallybook.model.contract import Contract, Cycle
from tallybook.positions.findings import findings
from tallybook.positions.layers import layer_on
from tests.worlds import World

DAY = date(2026, 3, 10)
RATE = {"model": "per_unit", "unit_amount": "0.5"}


@pytest.fixture
def world() -> World:
    made = World()
    made.account("a")
    made.account("kid", parent="a")
    made.meter(unit="leads")
    made.meter("n", unit="leads")
    return made


def codes(world: World, number: str = "C") -> list[str]:
    return sorted(found.code for found in findings(world.directory, number, DAY))


def test_what_is_planned_is_looked_at_as_it_will_be_and_what_is_not_there_is_not(
    world: World,
) -> None:
    world.contract("Planned", "2026-05-01", start_date="2026-05-01")
    world.contract("Retired", retired=True)
    assert codes(world, "Planned") == ["line_without_price"]
    assert codes(world, "Retired") == []
    assert codes(world, "nobody") == []


def test_accounts_that_are_gone_closed_or_of_another_tree_are_found(world: World) -> None:
    world.account("closed", status="closed")
    world.contract("Gone", account="gone", price=RATE)
    world.contract("Closed", account="closed", price=RATE)
    world.contract("Payer", account="kid", bill_to="a", price=RATE)
    world.contract("Child", account="a", bill_to="kid", price=RATE)
    world.contract("Stranger", account="a", bill_to="closed", price=RATE)
    assert "account_missing" in codes(world, "Gone")
    assert codes(world, "Closed") == ["account_closed"]
    assert codes(world, "Payer") == codes(world, "Child") == []
    assert codes(world, "Stranger") == ["account_closed", "bill_to_outside"]


def test_a_meter_that_stands_no_more_is_found(world: World) -> None:
    world.contract(price=RATE)
    world.meter(valid_from="2026-02-01", retired=True)
    assert codes(world) == ["meter_retired"]


def test_a_pool_finds_only_what_counts_the_same(world: World) -> None:
    fixed = {"code": "seats", "quantity": "3", "price": RATE}
    other = {"code": "O", "meter": "n", "price": RATE}
    world.contract(lines=[{"code": "L", "meter": "m", "price": RATE}], pooling="parent_pool")
    world.contract("Kid", account="kid", lines=[fixed, other])
    assert codes(world) == codes(world, "Kid") == []
    world.contract("Kid", account="kid", lines=[{"code": "L", "meter": "m", "price": RATE}])
    assert codes(world) == ["child_has_contract"]
    assert codes(world, "Kid") == ["in_a_pool"]
    world.account("kid", "2026-03-01")  # leaves the tree
    assert codes(world) == codes(world, "Kid") == []


def test_a_pool_gathers_allotments_of_the_same_meter_only(world: World) -> None:
    allotted = {"allotment": {"quantity": "5"}, "price": RATE}
    world.contract(lines=[{"code": "L", "meter": "m", **allotted}], pooling="sum_of_children")
    lines = [{"code": "L", "meter": "m", **allotted}, {"code": "O", "meter": "n", **allotted}]
    world.contract("Kid", account="kid", lines=lines)
    assert world.position([], "2026-03-10").allotment == 10


def test_a_term_is_as_long_as_its_months() -> None:
    terms = {"number": "C", "account": "a", "start_date": "2026-01-01"}
    year = layer_on(Contract.model_validate({**terms, "end_date": "2026-12-31"}), DAY)
    assert year.months(Cycle(cycle_unit="term")) == 12
    assert year.months(Cycle(cycle_unit="week")) == Fraction(7 * 12, 365)
    assert layer_on(Contract.model_validate(terms), DAY).months(Cycle(cycle_unit="term")) > 12
