from decimal import Decimal

import pytest

from tallybook.model.errors import Invalid
from tallybook.model.price import Billable, Part
from tallybook.pricing.per_unit import parse
from tests.pricing.drawn import AMOUNTS, document

D = Decimal
DOCUMENTS = document("per_unit", unit_amount=AMOUNTS)


def test_every_unit_costs_the_same_and_nothing_is_rounded() -> None:
    price = parse({"model": "per_unit", "unit_amount": "0.012"})
    assert price.charge(Billable(D("289796.5"))) == D("3477.558")
    assert price.parts(Billable(D(3))) == (Part(0, D(3), D("0.012"), None, D("0.036")),)


def test_what_lies_beyond_a_thousand_free_units_is_priced() -> None:
    price = parse({"unit_amount": "1"})
    assert price.charge(Billable(D(1400)).beyond(D(1000))) == 400


def test_the_longest_quantity_at_the_longest_price_is_exact() -> None:
    unit = "0.12345678901234567890123456789012345678"
    quantity = D("999999999999999999.999999999999")
    found = parse({"unit_amount": unit}).charge(Billable(quantity))
    _, digits, exponent = found.as_tuple()
    whole = 12345678901234567890123456789012345678 * (10**30 - 1)
    assert (int("".join(map(str, digits))), exponent) == (whole, -50)


@pytest.mark.parametrize(
    "amount",
    [
        "-1",
        "NaN",
        "",
        None,
        True,
        1.5,
        "1e40",
        {},
        "1" * 39,
        "0.1" + "0" * 39,
    ],
)
def test_what_is_no_amount_is_refused(amount: object) -> None:
    with pytest.raises(Invalid) as refusal:
        parse({"model": "per_unit", "unit_amount": amount})
    assert refusal.value.facts["field"] == "unit_amount"


def test_another_models_document_is_refused() -> None:
    with pytest.raises(Invalid):
        parse({"model": "flat", "unit_amount": "1"})
