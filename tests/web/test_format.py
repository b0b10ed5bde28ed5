"""Words for numbers, money and time: exact on hover, half-up, never flattering."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tallybook.web.pages import format as words

NOON = datetime(2026, 11, 21, 18, 3, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("call", "value", "expected"),
    [
        (words.number, Decimal(22707766), "22,707,766"),
        (words.number, Decimal("0.000000000001"), "0.000000000001"),
        (words.number, Decimal("12345678901234567.123456789"), "12,345,678,901,234,567.123456789"),
        (words.number, 7, "7"),
        (words.number, None, "–"),
        (words.estimate, Decimal("1090303.571428571429"), "1,090,304"),
        (words.estimate, Decimal("0.126"), "0.13"),
        (words.estimate, Decimal("2.5"), "3"),
        (words.estimate, None, "–"),
        (words.percent, Decimal("74.5"), "75%"),
        (words.percent, Decimal("99.6"), "99.6%"),
        (words.percent, Decimal("99.999999"), "99.9%"),
        (words.percent, Decimal(100), "100%"),
        (words.percent, Decimal("100.000001"), ">100%"),
        (words.percent, Decimal("1234.5"), "1,235%"),
        (words.percent, None, "–"),
        (words.change, Decimal("5.44"), "+5.4%"),
        (words.change, Decimal(-3), "−3.0%"),
        (words.change, Decimal("0.04"), "±0.0%"),
    ],
)
def test_numbers(call: Callable[..., str], value: object, expected: str) -> None:
    assert call(value) == expected


def test_percent_with_places() -> None:
    assert words.percent(Decimal("147.849999"), 1) == "147.8%"
    assert words.percent(Decimal("99.96"), 1) == "99.9%"
    assert words.percent(Decimal("100.04"), 1) == ">100.0%"


def test_a_shortened_number_keeps_the_exact_one() -> None:
    made = words.short(Decimal("22707766.5"))
    assert made == '<data value="22707766.5" title="22,707,766.5">22.7M</data>'
    assert words.short(Decimal(99_999)) == "<span>99,999</span>"
    assert words.short(Decimal(5_000_000), 1_000_000_000) == "<span>5,000,000</span>"
    assert words.short(None) == "<span>–</span>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("27291", "27,291"),
        ("55331.333333333333", "55,331"),
        ("733.333333333333", "733.33"),
        ("159.9", "159.9"),
        ("0.0041239", "0.00412"),
        ("0.126", "0.126"),
        ("9999999", "9,999,999"),
        ("22707766", "22.7M"),
        ("0", "0"),
    ],
)
def test_a_number_in_a_column_is_as_long_as_it_is_of_use(value: str, shown: str) -> None:
    made = words.column(Decimal(value))
    assert made.striptags() == shown
    exact = words.number(Decimal(value))
    assert (f'title="{exact}"' in made) == (shown != exact)


def test_an_estimate_in_a_column_is_whole() -> None:
    assert words.expected(Decimal("1090303.57")) == "1,090,304"
    assert words.expected(Decimal("0.126")) == "0.13"
    assert words.expected(None) == words.column(None) == "–"


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("3477.545", "USD", "$3,477.55"),
        ("10", "EUR", "€10.00"),
        ("1234.5", "JPY", "¥1,235"),
        ("1.23456", "KWD", "KWD 1.235"),
        ("-2.005", "CAD", "−CA$2.01"),
    ],
)
def test_money(amount: str, currency: str, expected: str) -> None:
    assert words.money(Decimal(amount), currency).replace("\xa0", " ") == expected


def test_money_for_a_card_prices_and_hidden_amounts() -> None:
    assert words.money(Decimal("10797.5"), "USD", whole=True) == "$10,798"
    assert words.price(Decimal("0.012"), "USD") == "$0.012"
    assert words.price(Decimal(2), "USD") == "$2.00"
    assert words.price(Decimal("1E+3"), "USD") == "$1,000.00"
    assert words.money(None, "USD") == words.price(None, "USD") == "–"


def test_days() -> None:
    assert words.day(date(2026, 11, 1)) == "1 Nov"
    assert words.day(date(2026, 11, 21), weekday=True, year=True) == "Sat 21 Nov 2026"
    assert words.long_day(date(2026, 11, 28)) == "28 November"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2026, 11, 1), date(2026, 11, 30), "1–30 Nov 2026"),
        (date(2026, 10, 15), date(2026, 11, 14), "15 Oct – 14 Nov 2026"),
        (date(2025, 12, 15), date(2026, 1, 14), "15 Dec 2025 – 14 Jan 2026"),
        (date(2026, 11, 1), date(2026, 11, 1), "1 Nov 2026"),
    ],
)
def test_spans(first: date, last: date, expected: str) -> None:
    assert words.span(first, last) == expected


def test_midnight_ends_the_day_before() -> None:
    midnight = datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert words.through(midnight, "America/Chicago") == "21 Nov, 24:00"
    assert words.through(midnight, "UTC") == "22 Nov, 06:00"


def test_instants_are_local() -> None:
    assert words.clock(NOON, "Asia/Kathmandu") == "23:48"
    assert words.instant(NOON, "America/Chicago") == "21 Nov 2026, 12:03:09"
    assert words.place("America/New_York") == "New York"
    assert words.place("UTC") == "UTC"


@pytest.mark.parametrize(
    ("interval", "expected"),
    [("day", "21 Nov"), ("month", "Nov 2026"), ("quarter", "Q4 2026"), ("year", "2026")],
)
def test_buckets(interval: str, expected: str) -> None:
    assert words.bucket(date(2026, 11, 21), interval) == expected


def test_hours_are_local_starts() -> None:
    assert words.bucket(datetime(2026, 11, 1, 1, 30), "hour") == "1 Nov, 01:30"  # noqa: DTZ001 - a local start


def test_plurals() -> None:
    assert [words.plural(n, "day", "days") for n in (0, 1, 31)] == ["0 days", "1 day", "31 days"]
