"""Every price model keeps these laws. It brings its documents in the test file of its own name,
`tests/pricing/test_<model>.py`: `DOCUMENTS` draws them; `CHARGES_AT_ZERO` and `MAY_FALL` say where
a law does not hold.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook import pricing
from tallybook.model.errors import Invalid
from tallybook.model.kinds import load, names
from tallybook.model.price import Billable, Part, Piece, Price, risen
from tallybook.model.quantity import EXACT
from tallybook.pricing._raise import raised

#: At and around the ends that `tests.pricing.drawn` makes tiers of.
QUANTITIES = st.sampled_from(
    [
        *(Decimal(q) for q in ("0", "0.5", "1", "2", "10", "10.5", "11", "500", "501")),
        *(Decimal(q) for q in ("0.000000000001", "9.999999999999", "10.000000000001")),
        Decimal("999999999999999999.999999999999"),
    ]
)
VALUES = st.sampled_from(["eu", "us", "1", None])
#: Model names in customers' contracts: this list only grows.
RELEASED = {
    "flat",
    "graduated",
    "graduated_percentage",
    "matrix",
    "package",
    "per_unit",
    "percentage",
    "stairstep",
    "volume",
}

MODELS = names(pricing)
EVERY_MODEL = pytest.mark.parametrize("name", MODELS)
ZERO = Decimal(0)
#: Nine models by ten laws: few examples of each are many of all.
FEW = settings(max_examples=max(15, settings().max_examples // 4))


def own(name: str) -> Any:
    """Return the test file of a model."""
    return import_module(f"tests.pricing.test_{name}")


def read(name: str, document: Mapping[str, Any]) -> Price:
    made: Price = load(pricing, name).parse(document)
    return made


def drawn(name: str, data: st.DataObject) -> Price:
    return read(name, data.draw(own(name).DOCUMENTS))


def uses(price: Price, data: st.DataObject, quantity: Decimal) -> list[Billable]:
    """Return a quantity as one event, and as several."""
    parts = data.draw(st.lists(QUANTITIES, max_size=3))
    pieces = tuple(
        Piece(part, tuple(data.draw(VALUES) for _ in price.dimensions)) for part in parts
    )
    return [Billable(quantity), Billable(_exact(parts), pieces)]


def _exact(numbers: Sequence[Decimal]) -> Decimal:
    return reduce(EXACT.add, numbers, ZERO)


def whole(parts: Sequence[Part]) -> tuple[Fraction, Fraction]:
    """Return the quantity and the amount of all parts, each part having been checked."""
    for part in parts:
        each = Fraction(part.unit_amount or part.rate or 0)
        flat = Fraction(part.flat_amount or 0) * part.count
        assert Fraction(part.amount) == Fraction(part.quantity) * each + flat
        numbers = (part.quantity, part.unit_amount, part.flat_amount, part.amount, part.rate)
        assert {type(number) for number in numbers} <= {Decimal, type(None)}
    return (
        sum((Fraction(part.quantity) for part in parts), Fraction(0)),
        sum((Fraction(part.amount) for part in parts), Fraction(0)),
    )


def test_no_released_name_is_lost() -> None:
    assert set(MODELS) >= RELEASED


@EVERY_MODEL
def test_it_says_in_one_line_what_it_means(name: str) -> None:
    meaning = (load(pricing, name).__doc__ or "").splitlines()[0]
    assert meaning.startswith(f"Price model `{name}`: ")
    assert len(meaning) <= 100


@EVERY_MODEL
@FEW
@given(data=st.data())
def test_nothing_costs_nothing_unless_it_says_so(name: str, data: st.DataObject) -> None:
    price = drawn(name, data)
    if not getattr(own(name), "CHARGES_AT_ZERO", False):
        assert price.charge(Billable(ZERO)) == price.charge(Billable(ZERO, ())) == 0


@EVERY_MODEL
@given(data=st.data(), quantity=QUANTITIES)
def test_parts_add_up_to_the_charge_and_to_the_quantity(
    name: str, data: st.DataObject, quantity: Decimal
) -> None:
    price = drawn(name, data)
    for use in uses(price, data, quantity):
        charge = price.charge(use)
        assert type(charge) is Decimal
        assert whole(price.parts(use)) == (Fraction(use.quantity), Fraction(charge))


@EVERY_MODEL
@FEW
@given(data=st.data(), one=QUANTITIES, two=QUANTITIES)
def test_more_use_never_costs_less_unless_it_says_so(
    name: str, data: st.DataObject, one: Decimal, two: Decimal
) -> None:
    price = drawn(name, data)
    if not getattr(own(name), "MAY_FALL", False):
        assert price.charge(Billable(min(one, two))) <= price.charge(Billable(max(one, two)))


@EVERY_MODEL
@FEW
@given(data=st.data(), one=QUANTITIES, two=QUANTITIES)
def test_a_rise_is_the_difference_of_two_charges(
    name: str, data: st.DataObject, one: Decimal, two: Decimal
) -> None:
    price = drawn(name, data)
    for before, after in zip(uses(price, data, one), uses(price, data, two), strict=True):
        quantity, amount = whole(risen(price.parts(after), price.parts(before)))
        assert quantity == Fraction(after.quantity) - Fraction(before.quantity)
        assert amount == Fraction(price.charge(after)) - Fraction(price.charge(before))


@EVERY_MODEL
@FEW
@given(data=st.data())
def test_events_count_one_by_one_or_not_at_all(name: str, data: st.DataObject) -> None:
    price = drawn(name, data)
    use, other = uses(price, data, ZERO)[1], uses(price, data, ZERO)[1]
    assert price.dimensions == () or price.BY_EVENT
    if price.BY_EVENT:
        both = Billable(
            _exact([use.quantity, other.quantity]), (*(use.pieces or ()), *(other.pieces or ()))
        )
        apart = Fraction(price.charge(use)) + Fraction(price.charge(other))
        assert Fraction(price.charge(both)) == apart
    else:
        assert price.charge(use) == price.charge(Billable(use.quantity))


@EVERY_MODEL
@FEW
@given(data=st.data(), quantity=QUANTITIES)
def test_a_price_survives_being_written_and_read(
    name: str, data: st.DataObject, quantity: Decimal
) -> None:
    price: Any = drawn(name, data)
    charge = price.charge(Billable(quantity))
    again: Any = read(name, json.loads(price.model_dump_json()))
    assert again == price
    assert again.charge(Billable(quantity)) == charge


@EVERY_MODEL
@FEW
@given(data=st.data(), quantity=QUANTITIES)
def test_increases_raise_rates_and_nothing_else(
    name: str, data: st.DataObject, quantity: Decimal
) -> None:
    price = drawn(name, data)
    use = Billable(quantity)
    charge = Fraction(price.charge(use))
    assert raised(price, Decimal(3), 0, 2) == price
    assert raised(price, Decimal(0), 5, None) == price
    assert charge <= Fraction(raised(price, Decimal(100), 1, None).charge(use)) <= 2 * charge
    twice, once = raised(price, Decimal(10), 2, None), raised(price, Decimal(21), 1, None)
    assert twice.charge(use) == once.charge(use)


@EVERY_MODEL
@FEW
@given(data=st.data())
def test_a_binary_number_is_refused_wherever_it_stands(name: str, data: st.DataObject) -> None:
    document = data.draw(own(name).DOCUMENTS)
    for spoilt in _spoilt(document):
        with pytest.raises(Invalid) as refusal:
            read(name, spoilt)
        assert refusal.value.code == "document_invalid"


@EVERY_MODEL
def test_a_misspelt_term_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(name, {"model": name, "unit_amuont": "1"})
    assert refusal.value.code == "document_invalid"


def _spoilt(part: Any) -> Iterator[Any]:
    """Yield a document with one of its numbers as a binary one, for each of its numbers."""
    if isinstance(part, Mapping):
        for field, value in part.items():
            for spoilt in _spoilt(value):
                yield {**part, field: spoilt}
    elif isinstance(part, (list, tuple)):
        for index, value in enumerate(part):
            for spoilt in _spoilt(value):
                yield [*part[:index], spoilt, *part[index + 1 :]]
    elif isinstance(part, str) and part.replace(".", "", 1).isdigit():
        yield 0.5
