from decimal import Decimal

from hypothesis import strategies as st

from tallybook.model.price import Billable, Part
from tallybook.pricing._raise import raised
from tallybook.pricing.graduated_percentage import parse
from tests.pricing.drawn import AMOUNTS, document, tiers

D = Decimal
DOCUMENTS = document(
    "graduated_percentage",
    tiers=tiers(rate=AMOUNTS, flat_amount=st.one_of(st.none(), AMOUNTS)),
)
CHARGES_AT_ZERO = True

TIERS = [
    {"up_to": "1000", "rate": "0.02"},
    {"up_to": "10000", "rate": "0.01", "flat_amount": "5"},
    {"rate": "0.005"},
]


def test_each_slice_of_the_amount_has_its_own_rate() -> None:
    price = parse({"model": "graduated_percentage", "tiers": TIERS})
    found = [price.charge(Billable(D(q))) for q in ("0", "1000", "1000.01", "25000")]
    assert found == [0, 20, D("25.0001"), D("190")]
    assert price.parts(Billable(D(2000))) == (
        Part(0, D(1000), None, None, D(20), rate=D("0.02")),
        Part(1, D(1000), None, D(5), D(15), rate=D("0.01")),
    )


def test_planned_increases_leave_rates_of_money() -> None:
    price = parse({"tiers": TIERS})
    assert raised(price, D(10), 3, 2) == price
