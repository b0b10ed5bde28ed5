"""How numbers, money, days and instants read on a page. Rounds for the eye only, half-up.

Every function takes exact values and gives text; a page keeps the exact value on hover.
"""

from datetime import date, datetime, time, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_precision,
    get_currency_symbol,
)
from markupsafe import Markup, escape

from tallybook.web.charts.axis import compact

LOCALE = "en"
DASH = "–"

_WHOLE = Decimal(100)
_EXACT = "#,##0.############"
_DIGITS = Context(prec=100)  # the usual 28 digits are too few for 18 before and 12 after
_SHORTENED_FROM = Decimal(100_000)
_WIDE_FROM = Decimal(10_000_000)
_THOUSAND = Decimal(1_000)
_INTERVALS = {
    "hour": "d MMM, HH:mm",
    "day": "d MMM",
    "week": "d MMM",
    "month": "MMM y",
    "quarter": "QQQ y",
    "year": "y",
}


def number(value: Decimal | int | None) -> str:
    """All digits, grouped: 22,707,766; a dash for None."""
    return DASH if value is None else _decimal(Decimal(value), _EXACT)


def estimate(value: Decimal | None) -> str:
    """A number that is not exact by nature: whole from 1 on, else with two digits."""
    if value is None:
        return DASH
    places = 0 if abs(value) >= 1 else 2
    return number(_rounded(value, places))


def short(value: Decimal | None, shortest: Decimal | int = _SHORTENED_FROM) -> Markup:
    """A number from `shortest` on in three digits and a suffix, below it as `column` rounds it;
    the exact one in the markup.
    """
    if value is None:
        return Markup("<span>{}</span>").format(DASH)
    exact = number(value)
    text = compact(value) if abs(value) >= shortest else number(_sensible(value))
    if text == exact:
        return Markup("<span>{}</span>").format(exact)
    return _hovered(value, text)


def column(value: Decimal | None) -> Markup:
    """A number in a column of many: whole from 1,000 on, with two digits after the point below
    that, three that count below 1, from ten million on with a suffix; the exact one in the markup.
    """
    if value is None:
        return escape(DASH)
    text = compact(value) if abs(value) >= _WIDE_FROM else number(_sensible(value))
    return escape(text) if text == number(value) else _hovered(value, text)


def about(value: Decimal | None) -> Markup:
    """An estimate on a card: whole from 1 on, and shortened as `short` does."""
    return short(value if value is None else _rounded(value, 0 if abs(value) >= 1 else 2))


def expected(value: Decimal | None) -> Markup:
    """An estimate in a column: whole from 1 on, and shortened as `column` does."""
    return column(value if value is None else _rounded(value, 0 if abs(value) >= 1 else 2))


def percent(value: Decimal | None, places: int = 0) -> str:
    """A percentage that never rounds onto 100: 99.96 is 99.9 %, 100.004 is >100 %."""
    if value is None:
        return DASH
    rounded = _rounded(value, places)
    if rounded == _WHOLE and value < _WHOLE:
        places = max(places, 1)
        rounded = _rounded(value, places, ROUND_DOWN)
    sign = ">" if rounded == _WHOLE and value > _WHOLE else ""
    return f"{sign}{_decimal(rounded, _pattern(places))}%"


def change(value: Decimal, places: int = 1) -> str:
    """A signed percentage: +5.4%, −3.0%, with a true minus sign."""
    rounded = _rounded(value, places)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{_decimal(abs(rounded), _pattern(places))}%"


def money(amount: Decimal | None, currency: str, *, whole: bool = False) -> str:
    """An amount rounded to its currency's minor unit: $10,798.00; `whole` is for a card.

    None, an amount that may not be seen, is a dash.
    """
    if amount is None:
        return DASH
    return _currency(amount, currency, 0 if whole else get_currency_precision(currency))


def price(amount: Decimal | None, currency: str) -> str:
    """A price a unit, with all its digits and at least the minor unit: $0.012, $2.00."""
    if amount is None:
        return DASH
    exponent = amount.normalize().as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return _currency(amount, currency, max(get_currency_precision(currency), digits))


def day(value: date, *, weekday: bool = False, year: bool = False) -> str:
    """A date: 21 Nov; Sat 21 Nov; 21 Nov 2026."""
    pattern = ("EEE " if weekday else "") + "d MMM" + (" y" if year else "")
    return format_date(value, pattern, LOCALE)


def long_day(value: date) -> str:
    """A date inside a sentence: 28 November."""
    return format_date(value, "d MMMM", LOCALE)


def span(first: date, last: date) -> str:
    """Two dates, both inside: 1–30 Nov 2026, 15 Oct – 14 Nov 2026, with both years if they
    differ.
    """
    if first == last:
        return day(first, year=True)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}{DASH}{day(last, year=True)}"
    return f"{day(first, year=first.year != last.year)} {DASH} {day(last, year=True)}"


def through(value: datetime, zone: str) -> str:
    """The end of a day as people say it: midnight is 24:00 of the day it ends."""
    local = value.astimezone(ZoneInfo(zone))
    if local.time() == time(0):
        return f"{day(local.date() - timedelta(days=1))}, 24:00"
    return f"{day(local.date())}, {clock(value, zone)}"


def clock(value: datetime, zone: str) -> str:
    """The time of day in a zone: 06:30."""
    return f"{value.astimezone(ZoneInfo(zone)):%H:%M}"


def instant(value: datetime, zone: str) -> str:
    """Day and time to the second in a zone: 21 Nov 2026, 14:03:09."""
    return format_datetime(value.astimezone(ZoneInfo(zone)), "d MMM y, HH:mm:ss", locale=LOCALE)


def moment(value: datetime, zone: str) -> str:
    """A time ahead, in a zone: Mon 23 Nov, 07:00."""
    return f"{day(value.astimezone(ZoneInfo(zone)).date(), weekday=True)}, {clock(value, zone)}"


def place(zone: str) -> str:
    """The short name of a zone: New York for America/New_York."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def bucket(start: datetime | date, interval: str) -> str:
    """The caption of a bucket that begins at a local start: 16 Nov, Nov 2026, 16 Nov, 14:00."""
    if isinstance(start, datetime):
        return format_datetime(start, _INTERVALS[interval], locale=LOCALE)
    return format_date(start, _INTERVALS[interval], LOCALE)


def plural(count: int, one: str, many: str) -> str:
    """A count with its word: 1 account, 31 accounts."""
    return f"{number(count)} {one if count == 1 else many}"


def _hovered(value: Decimal, text: str) -> Markup:
    # `Markup.format` takes longer than all the rest of a cell.
    said = f'<data value="{value:f}" title="{number(value)}">{escape(text)}</data>'
    return Markup(said)  # noqa: S704 - digits, and what was escaped


def _sensible(value: Decimal) -> Decimal:
    size = abs(value)
    if size >= _THOUSAND:
        return _rounded(value, 0)
    return _rounded(value, 2 if size >= 1 or not size else 2 - size.adjusted())


def _rounded(value: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding, _DIGITS)


@lru_cache(maxsize=16_384)  # most numbers of a page stood on the one before, or twice on this
def _decimal(value: Decimal, pattern: str) -> str:
    with localcontext(_DIGITS):
        return format_decimal(value, pattern, LOCALE)


def _currency(amount: Decimal, currency: str, places: int) -> str:
    letters = get_currency_symbol(currency, LOCALE)[-1].isalpha()  # KWD 1, but $1
    pattern = f"¤{chr(0xA0) if letters else ''}{_pattern(places)}"
    with localcontext(_DIGITS):
        rounded = _rounded(amount, places)
        said = format_currency(rounded, currency, pattern, LOCALE, currency_digits=False)
    return said.replace("-", "−")


def _pattern(places: int) -> str:
    return "#,##0" + ("." + "0" * places if places else "")
