from decimal import Decimal

import pytest
from hypothesis import strategies as st

from tallybook.model.price import Billable, Part
from tallybook.pricing.volume import parse
from tests.pricing.drawn import AMOUNTS, document, tiers

D = Decimal
DOCUMENTS = document(
    "volume", tiers=tiers(unit_amount=AMOUNTS, flat_amount=st.one_of(st.none(), AMOUNTS))
)
CHARGES_AT_ZERO = True
MAY_FALL = True  # all units get the price of the tier that the last one reaches

TIERS = [
    {"up_to": "500", "unit_amount": "2.00"},
    {"up_to": "2000", "unit_amount": "1.50"},
    {"unit_amount": "1.00"},
]


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("0", "0"),
        ("500", "1000"),
        ("500.000000000001", "750.0000000000015"),
        ("501", "751.50"),
        ("1500", "2250"),
        ("2000", "3000"),
        ("2001", "2001"),
    ],
)
def test_all_units_have_the_price_of_the_tier_reached(quantity: str, amount: str) -> None:
    price = parse({"model": "volume", "tiers": TIERS})
    assert price.charge(Billable(D(quantity))) == D(amount)


def test_one_unit_more_may_cost_less() -> None:
    price = parse({"tiers": TIERS})
    assert price.charge(Billable(D(501))) - price.charge(Billable(D(500))) == D("-248.50")


def test_250_licences() -> None:
    ends = [("100", "100"), ("200", "90"), (None, "80")]
    price = parse({"tiers": [{"up_to": end, "unit_amount": unit} for end, unit in ends]})
    assert price.charge(Billable(D(250))) == 20_000


def test_only_the_flat_amount_of_the_tier_reached_is_charged() -> None:
    table = [
        {"up_to": "10", "flat_amount": "5"},
        {"unit_amount": "0.5", "flat_amount": "7"},
    ]
    price = parse({"tiers": table})
    assert [price.charge(Billable(D(q))) for q in ("0", "10", "10.5")] == [5, 5, D("12.25")]
    assert price.parts(Billable(D(20))) == (Part(1, D(20), D("0.5"), D(7), D(17)),)
