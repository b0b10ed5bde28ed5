"""Every price model keeps these laws; a new file of the room is tested by giving it documents."""

import json
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook import pricing
from tallybook.model.errors import Invalid
from tallybook.model.kinds import load, names
from tallybook.model.price import Billable, Price
from tallybook.model.quantity import EXACT

AMOUNTS = st.sampled_from(["0", "1", "0.012", "3", "0.000000000001", "99999999999999999999"])
QUANTITIES = st.sampled_from(
    [
        Decimal(x)
        for x in ("0", "1", "2", "0.5", "0.000000000001", "999999999999999999.999999999999")
    ]
)

#: Documents of each model, from few values, so that ties and edges are common.
DOCUMENTS: dict[str, st.SearchStrategy[Mapping[str, Any]]] = {
    "per_unit": st.fixed_dictionaries({"model": st.just("per_unit"), "unit_amount": AMOUNTS}),
}
#: Models that may charge without use, or less for more use, and say so here.
CHARGES_AT_ZERO: set[str] = set()
NOT_MONOTONE: set[str] = set()
#: Model names in customers' contracts: this list only grows.
RELEASED = ["per_unit"]

MODELS = names(pricing)


def price(name: str, document: Mapping[str, Any]) -> Price:
    made: Price = load(pricing, name).parse(document)
    return made


def test_each_model_has_documents_here_and_none_was_renamed() -> None:
    assert set(DOCUMENTS) == set(MODELS)
    assert set(RELEASED) <= set(MODELS)


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data())
def test_nothing_costs_nothing(name: str, data: st.DataObject) -> None:
    document = data.draw(DOCUMENTS[name])
    if name not in CHARGES_AT_ZERO:
        assert price(name, document).charge(Billable(Decimal(0))) == 0


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data(), quantity=QUANTITIES)
def test_parts_add_up_to_the_charge_and_are_decimals(
    name: str, data: st.DataObject, quantity: Decimal
) -> None:
    model = price(name, data.draw(DOCUMENTS[name]))
    parts = model.parts(Billable(quantity))
    with localcontext(EXACT):
        assert sum((part.amount for part in parts), Decimal(0)) == model.charge(Billable(quantity))
    numbers = [model.charge(Billable(quantity))] + [
        number
        for part in parts
        for number in (part.quantity, part.unit_amount, part.flat_amount, part.amount)
        if number is not None
    ]
    assert {type(number) for number in numbers} == {Decimal}


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data(), one=QUANTITIES, two=QUANTITIES)
def test_more_use_never_costs_less(
    name: str, data: st.DataObject, one: Decimal, two: Decimal
) -> None:
    model = price(name, data.draw(DOCUMENTS[name]))
    if name not in NOT_MONOTONE:
        assert model.charge(Billable(min(one, two))) <= model.charge(Billable(max(one, two)))


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data(), quantity=QUANTITIES)
def test_a_price_survives_being_written_and_read(
    name: str, data: st.DataObject, quantity: Decimal
) -> None:
    model = price(name, data.draw(DOCUMENTS[name]))
    dump: Any = model
    again = price(name, json.loads(dump.model_dump_json()))
    assert again == model
    assert again.charge(Billable(quantity)) == model.charge(Billable(quantity))


@pytest.mark.parametrize("name", MODELS)
def test_a_misspelt_term_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        price(name, {"model": name, "unit_amuont": "1"})
    assert refusal.value.code == "document_invalid"
