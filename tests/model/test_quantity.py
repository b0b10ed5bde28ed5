from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.quantity import (
    check_exponent,
    exact_text,
    fits_quantity,
    parse_decimal,
    parse_price,
    parse_quantity,
)

D = Decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("+1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 7 ", "7"),
        ("1e3", "1000"),
        ("1E-12", "0.000000000001"),
        ("0e9999", "0"),
        ("12345678901234567.123456789", "12345678901234567.123456789"),
    ],
)
def test_a_number_is_read_by_its_text(text: str, value: str) -> None:
    assert parse_decimal(text) == D(value)
    assert exact_text(parse_decimal(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "e3",
        "1e",
        "NaN",
        "Infinity",
        "-inf",
        "1,5",
        "1_000",
        "0x1",
        "１",
        "1e12345",
        "1\n2",
        "--1",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_decimal(text, field="amount")
    assert refusal.value.code == "number_invalid"
    assert refusal.value.facts["field"] == "amount"


@pytest.mark.parametrize("text", ["1e39", "-1e9999", "1e-39", "9e-9999"])
def test_a_number_is_refused_before_it_is_expanded(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_decimal(text)
    assert refusal.value.code == "number_out_of_range"
    assert refusal.value.facts["limit"] == 38


def test_nan_and_infinity_are_no_numbers_even_as_decimals() -> None:
    for value in ("NaN", "sNaN", "-Infinity"):
        with pytest.raises(Invalid) as refusal:
            check_exponent(D(value))
        assert refusal.value.code == "number_invalid"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("999999999999999999.999999999999", True),
        ("-999999999999999999.999999999999", True),
        ("1000000000000000000", False),
        ("0.0000000000001", False),
        ("0.0000000000010", True),
        ("1e17", True),
        ("1e18", False),
        ("0", True),
        ("0.5" + "0" * 30, True),
        ("1." + "0" * 150 + "1", False),
    ],
)
def test_a_quantity_has_18_integer_and_12_fraction_digits(text: str, fits: bool) -> None:
    assert fits_quantity(D(text)) is fits
    if fits:
        assert parse_quantity(text) == D(text)
    else:
        with pytest.raises(Invalid) as refusal:
            parse_quantity(text)
        assert refusal.value.code == "quantity_out_of_range"


def test_a_price_has_38_digits_and_says_how_many_were_asked_for() -> None:
    assert parse_price("1" * 38) == D("1" * 38)
    with pytest.raises(Invalid) as refusal:
        parse_price("0." + "1" * 39)
    assert (refusal.value.code, refusal.value.facts["asked"]) == ("number_out_of_range", 39)


@given(st.decimals(min_value=-(10**17), max_value=10**17, places=12))
def test_a_quantity_survives_being_written_and_read(value: Decimal) -> None:
    text = exact_text(value)
    assert parse_quantity(text) == value
    assert "E" not in text
    assert exact_text(value + 0) == text
    assert not text.endswith("0") or "." not in text
