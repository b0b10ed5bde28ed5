from decimal import Decimal

from tallybook.model.price import Billable, Part
from tallybook.pricing.flat import parse
from tests.pricing.drawn import AMOUNTS, document

D = Decimal
DOCUMENTS = document("flat", amount=AMOUNTS)
CHARGES_AT_ZERO = True


def test_it_costs_the_same_whatever_the_quantity() -> None:
    price = parse({"model": "flat", "amount": "500"})
    assert [price.charge(Billable(D(q))) for q in ("0", "1", "99.5")] == [500, 500, 500]
    assert price.parts(Billable(D(7))) == (Part(0, D(7), None, D(500), D(500)),)
