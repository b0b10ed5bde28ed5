from decimal import Decimal

import pytest

from tallybook.model.errors import Invalid
from tallybook.model.price import Billable, Part
from tallybook.pricing.stairstep import parse
from tests.pricing.drawn import AMOUNTS, document, tiers

D = Decimal
DOCUMENTS = document("stairstep", tiers=tiers(flat_amount=AMOUNTS))
CHARGES_AT_ZERO = True
MAY_FALL = True  # nothing keeps a higher step from costing less

TIERS = [
    {"up_to": "500", "flat_amount": "100"},
    {"up_to": "2000", "flat_amount": "300"},
    {"flat_amount": "600"},
]


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [("0", 100), ("500", 100), ("500.5", 300), ("1500", 300), ("2000", 300), ("2001", 600)],
)
def test_the_range_reached_has_one_amount(quantity: str, amount: int) -> None:
    price = parse({"model": "stairstep", "tiers": TIERS})
    assert price.charge(Billable(D(quantity))) == amount


def test_its_part_names_the_tier_reached() -> None:
    parts = parse({"tiers": TIERS}).parts(Billable(D(1500)))
    assert parts == (Part(1, D(1500), None, D(300), D(300)),)


def test_a_step_without_an_amount_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        parse({"tiers": [{"up_to": "5", "flat_amount": "1"}, {"up_to": None}]})
    assert refusal.value.facts["field"] == "tiers.1.flat_amount"
