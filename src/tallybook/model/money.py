"""Money: currencies with their minor units, and the only places where amounts are rounded."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from typing import Final

from tallybook.model.errors import Invalid
from tallybook.model.quantity import EXACT, exact_sum

_TWO: Final = frozenset(
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
    "GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
    "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG".split()
)
_ZERO: Final = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
_THREE: Final = frozenset("BHD IQD JOD KWD LYD OMR TND".split())


def minor_digits(currency: str) -> int:
    """Return how many fraction digits a currency has (ISO 4217).

    Raises:
        Invalid: `unknown_currency`.
    """
    if currency in _TWO:
        return 2
    if currency in _ZERO:
        return 0
    if currency in _THREE:
        return 3
    raise Invalid(
        "unknown_currency",
        f"{currency[:8]!r} is not an ISO 4217 currency such as USD or EUR.",
        field="currency",
    )


def check_currency(currency: str) -> str:
    """Return the currency if there is one of this code, else raise as `minor_digits`."""
    minor_digits(currency)
    return currency


def money_text(amount: Decimal, currency: str) -> str:
    """Write an amount with all the digits of its currency's minor unit, rounded to it."""
    return str(round_money(amount, currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to its currency's minor unit, half away from zero, as invoices do."""
    return amount.quantize(_minor_unit(currency), ROUND_HALF_UP, EXACT)


def cut_money(amount: Decimal, currency: str) -> Decimal:
    """Cut an amount to its currency's minor unit, toward zero: never more than there is."""
    return amount.quantize(_minor_unit(currency), ROUND_DOWN, EXACT)


def split(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Part a rounded amount by weights of at least 0, to the minor unit: by largest remainder,
    among equal ones the first. Nothing where all weights are 0.
    """
    whole = exact_sum(weights)
    if not whole:
        return [Decimal(0)] * len(weights)
    unit = _minor_unit(currency)
    with localcontext(EXACT):
        shares = [amount * weight for weight in weights]
        parts = [share // (whole * unit) * unit for share in shares]
        missing = amount - sum(parts, Decimal(0))
        rests = [share - part * whole for share, part in zip(shares, parts, strict=True)]
        by_rest = sorted(range(len(parts)), key=lambda i: -abs(rests[i]))
        for i in by_rest[: int(abs(missing) / unit)]:
            parts[i] += unit.copy_sign(missing)
    return parts


@cache
def _minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_digits(currency))
