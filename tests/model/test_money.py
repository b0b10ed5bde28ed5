from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.money import check_currency, minor_digits, round_money

D = Decimal


@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("JPY", 0),
        ("CLP", 0),
        ("KWD", 3),
        ("TND", 3),
    ],
)
def test_a_currency_has_its_iso_digits(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits
    assert check_currency(currency) == currency


@pytest.mark.parametrize("currency", ["", "usd", "XXX", "EURO", "U$D"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_currency(currency)
    assert refusal.value.code == "unknown_currency"


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.005", "USD", "0.01"),
        ("-0.005", "USD", "-0.01"),
        ("0.00499999", "USD", "0.00"),
        ("2.5", "JPY", "3"),
        ("-2.5", "JPY", "-3"),
        ("1.0005", "KWD", "1.001"),
        ("7", "EUR", "7.00"),
    ],
)
def test_amounts_are_rounded_half_away_from_zero(amount: str, currency: str, rounded: str) -> None:
    assert str(round_money(D(amount), currency)) == rounded


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_rounding_moves_by_half_a_unit_at_most(amount: Decimal, currency: str) -> None:
    found = round_money(amount, currency)
    unit = Fraction(1, 10 ** minor_digits(currency))
    moved = abs(Fraction(found) - Fraction(amount))
    assert moved <= unit / 2
    if moved == unit / 2:
        assert abs(Fraction(found)) > abs(Fraction(amount))
