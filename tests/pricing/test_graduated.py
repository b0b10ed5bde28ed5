from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.limits import TIERS_MAX
from tallybook.model.price import Billable, Part
from tallybook.pricing._raise import raised
from tallybook.pricing.graduated import parse
from tests.pricing.drawn import AMOUNTS, document, tiers

D = Decimal
DOCUMENTS = document(
    "graduated", tiers=tiers(unit_amount=AMOUNTS, flat_amount=st.one_of(st.none(), AMOUNTS))
)
CHARGES_AT_ZERO = True  # the first tier is entered at quantity 0, and its flat amount charged

TIERS: list[dict[str, Any]] = [
    {"up_to": "500", "unit_amount": "2.00"},
    {"up_to": "2000", "unit_amount": "1.50"},
    {"up_to": None, "unit_amount": "1.00"},
]
FLAT: list[dict[str, Any]] = [
    {"up_to": "10", "unit_amount": "1", "flat_amount": "5"},
    {"unit_amount": "0.5", "flat_amount": "7"},
]


def charge(tiers: list[dict[str, Any]], quantity: str) -> Decimal:
    return parse({"tiers": tiers}).charge(Billable(D(quantity)))


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("0", "0"),
        ("500", "1000"),
        ("500.4", "1000.60"),
        ("501", "1001.50"),
        ("1500", "2500"),
        ("2000", "3250"),
        ("2001", "3251"),
    ],
)
def test_each_slice_has_its_own_price(quantity: str, amount: str) -> None:
    assert charge(TIERS, quantity) == D(amount)


def test_a_thousand_copies_over_by_an_overage_table() -> None:
    table: list[dict[str, Any]] = [{"up_to": "500", "unit_amount": "0.05"}, {"unit_amount": "0.02"}]
    assert charge(table, "1000") == D("35.00")


def test_250_licences() -> None:
    licences: list[dict[str, Any]] = [
        {"up_to": "100", "unit_amount": "100"},
        {"up_to": "200", "unit_amount": "90"},
        {"unit_amount": "80"},
    ]
    assert charge(licences, "250") == 23_000


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [("0", "5"), ("10", "15"), ("10.000000000001", "22.0000000000005"), ("10.5", "22.25")],
)
def test_a_tiers_flat_amount_is_charged_once_it_is_entered(quantity: str, amount: str) -> None:
    assert charge(FLAT, quantity) == D(amount)


def test_parts_are_the_slices_of_the_tiers_entered() -> None:
    parts = parse({"tiers": FLAT}).parts(Billable(D("10.5")))
    assert parts == (
        Part(0, D(10), D(1), D(5), D(15)),
        Part(1, D("0.5"), D("0.5"), D(7), D("7.25")),
    )
    assert len(parse({"tiers": FLAT}).parts(Billable(D(10)))) == 1


def test_planned_increases_raise_the_amounts_for_a_unit_and_no_others() -> None:
    price = parse({"tiers": FLAT})
    assert price.charge(Billable(D(11))) == D("22.5")
    twice = raised(price, D("3"), 2, 2)
    assert [tier.unit_amount for tier in twice.tiers] == [D("1.06"), D("0.54")]
    assert twice.charge(Billable(D(11))) == D("23.14")


@pytest.mark.parametrize(
    ("tiers", "field"),
    [
        ([], "tiers"),
        ([{"unit_amount": "1"}] * (TIERS_MAX + 1), "tiers"),
        ([{"unit_amount": "1"}, {"unit_amount": "2"}], "tiers.0.up_to"),
        ([{"up_to": "5", "unit_amount": "1"}], "tiers.0.up_to"),
        ([{"up_to": "0", "unit_amount": "1"}, {"unit_amount": "1"}], "tiers.0.up_to"),
        (
            [{"up_to": u, "unit_amount": "1"} for u in ("5", "5.0", None)],
            "tiers.1.up_to",
        ),
        (
            [{"up_to": u, "unit_amount": "1"} for u in ("1", "5", "4", None)],
            "tiers.2.up_to",
        ),
        ([{"up_to": u, "unit_amount": "1"} for u in ("1", "5", "9")], "tiers.2.up_to"),
        ([{"up_to": "5", "unit_amount": "1"}, {"up_to": None}], "tiers.1"),
        ([{"unit_amount": "-1"}], "tiers.0.unit_amount"),
        ([{"unit_amount": "1", "rate": "1"}], "tiers.0.rate"),
        ([{"up_to": "1e18", "unit_amount": "1"}, {"unit_amount": "1"}], "tiers.0.up_to"),
    ],
)
def test_tiers_that_do_not_fit_are_refused_by_name(tiers: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse({"tiers": tiers})
    assert (refusal.value.code, refusal.value.facts["field"]) == ("document_invalid", field)


def test_as_many_tiers_as_the_limit_says() -> None:
    ends = [*(str(end) for end in range(1, TIERS_MAX)), None]
    table = [{"up_to": end, "unit_amount": "1"} for end in ends]
    assert charge(table, "1000") == 1000
