from decimal import Decimal

import pytest
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.price import Billable, Part, Piece
from tallybook.pricing._raise import raised
from tallybook.pricing.percentage import parse
from tests.pricing.drawn import AMOUNTS, document

D = Decimal
DOCUMENTS = document(
    "percentage",
    rate=AMOUNTS,
    fixed_amount=AMOUNTS,
    min=st.sampled_from([None, "0", "0.5", "3"]),
    max=st.sampled_from([None, "3", "1000000000000000000000"]),
)


def events(*amounts: str) -> Billable:
    found = tuple(Piece(D(amount)) for amount in amounts)
    return Billable(sum((piece.quantity for piece in found), D(0)), found)


def test_two_percent_of_ten_thousand() -> None:
    assert parse({"model": "percentage", "rate": "0.02"}).charge(Billable(D(10_000))) == 200


def test_a_fixed_amount_is_charged_for_each_event() -> None:
    price = parse({"rate": "0.029", "fixed_amount": "0.30"})
    assert price.charge(events("100", "50", "0")) == D("5.25")
    assert price.charge(Billable(D(150))) == D("4.65")
    assert price.charge(events()) == price.charge(Billable(D(0))) == 0


@pytest.mark.parametrize(
    ("amount", "fee"),
    [("1", "0.50"), ("10", "0.50"), ("100", "2.30"), ("985", "20"), ("990", "20")],
)
def test_rate_then_fixed_amount_then_at_most_then_at_least(amount: str, fee: str) -> None:
    price = parse({"rate": "0.02", "fixed_amount": "0.30", "min": "0.50", "max": "20"})
    assert price.charge(events(amount)) == D(fee)


def test_parts_gather_the_events_that_met_a_limit() -> None:
    price = parse({"rate": "0.02", "fixed_amount": "0.30", "min": "0.50", "max": "20"})
    rate, fixed = D("0.02"), D("0.30")
    assert price.parts(events("1", "100", "9999", "200", "2")) == (
        Part(0, D(300), None, fixed, D("6.60"), rate=rate, count=2),
        Part(0, D(9999), None, D(20), D(20), count=1, limit="max"),
        Part(0, D(3), None, D("0.50"), D("1.00"), count=2, limit="min"),
    )


def test_what_lies_inside_pays_nothing_and_an_event_partly_inside_pays_for_its_rest() -> None:
    price = parse({"rate": "0.02", "fixed_amount": "1"})
    assert price.charge(events("100", "50", "200").beyond(D(125))) == D("6.50")
    assert price.charge(events("100", "50", "200").beyond(D(150))) == D("5.00")
    assert price.charge(events("100", "50", "200").beyond(D(350))) == 0


def test_a_refund_gives_back_the_rate_and_nothing_else() -> None:
    price = parse({"rate": "0.02", "fixed_amount": "0.30", "min": "0.50", "max": "20"})
    assert price.charge(events("100", "-100")) == D("0.30")
    assert price.charge(events("9999", "-9999")) == 0


def test_planned_increases_leave_all_of_it() -> None:
    price = parse({"rate": "0.02", "fixed_amount": "0.30", "min": "0.50"})
    assert raised(price, D(10), 2, 2) == price


def test_a_minimum_above_the_maximum_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        parse({"rate": "0.02", "min": "2", "max": "1"})
    assert "min lies above max" in refusal.value.detail
