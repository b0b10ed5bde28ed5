"""Check `contract.base_vs_coverage`: whether the base charges of a contract are in line with the
worth of the quantities that its meter groups cover, both brought to one month.
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from typing import Any

from tallybook.alerts._terms import Agreed, a_month, decimal, in_force
from tallybook.model.check import Column, Found, Unjudged, Values, Variable
from tallybook.model.contract import MeterGroup
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Base rate against coverage"
FINDS = (
    "Contracts whose base charges are too low or too high for the quantities that their meter "
    "groups cover, such as after a billing cycle was changed and the amount was not."
)
TIPS = (
    "A ratio of 1 is in line; below it too little is charged, above it too much.",
    "For bounds that are as far apart both ways set tolerance_factor: 4/3 is 3/4 and 4/3.",
)
_FACTOR = "In place of both ratios: 1 ÷ factor and factor."
_NONE = "Also contracts with a base charge whose groups cover nothing."
_BOUND = "Base ÷ covered value; a ratio of exactly this is in order."
VARIABLES = (
    Variable("low", "decimal", "Ratio below", _BOUND, Decimal("0.75"), below="high", letter="W"),
    Variable("high", "decimal", "Ratio above", _BOUND, Decimal("1.33"), letter="X"),
    Variable("tolerance_factor", "decimal", "Or a factor both ways", _FACTOR, minimum=Decimal(1)),
    Variable("include_no_coverage", "flag", "No coverage", _NONE, default=False, letter="Y"),
)
COLUMNS = (
    Column("base_per_month", "Base a month", "money"),
    Column("covered_value_per_month", "Covered value a month", "money"),
    Column("variance", "Variance", "percent"),
    Column("ratio", "Ratio", "quantity"),
    Column("increase_to_match", "Increase to match", "percent"),
)
FINGERPRINT = ("base", "coverage")
POLICY = "once_until_changed"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("contract.no_minimum", "group.zero_allowance", "cycle.mismatch")
_DENOMINATOR_MAX = 10**13


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts outside of the bounds: ratio = base ÷ covered value, variance = 1 - ratio,
    increase to match = covered value ÷ base - 1.
    """
    factor = values["tolerance_factor"]
    low, high = _meant(values["low"]), _meant(values["high"])
    if factor is not None:
        low, high = 1 / _meant(factor), _meant(factor)
    for one in in_force(view):
        if one.terms.base_charges or one.terms.meter_groups:
            yield from _judged(one, low, high, with_no_coverage=values["include_no_coverage"])


def _meant(bound: Decimal) -> Fraction:
    """Return a bound as it was written: 2/3 is read to 28 digits, and a ratio of 2/3 is not below
    it. No two fractions with denominators up to 10¹³ are the same to so many digits.
    """
    return Fraction(bound).limit_denominator(_DENOMINATOR_MAX)


def _judged(
    one: Agreed, low: Fraction, high: Fraction, *, with_no_coverage: bool
) -> Iterator[Found | Unjudged]:
    covering = [group for group in one.terms.meter_groups if group.covered_quantity]
    if any(group.overage_tiers and one.rate(group) is None for group in covering):
        yield Unjudged(one.number, one.terms.account, "unsupported_tiered")
        return
    base = a_month(one, ((one.amount(c), c.cycle) for c in one.terms.base_charges))
    value = a_month(one, ((_worth(one, group), group.cycle) for group in covering))
    if value:
        if low * value <= base <= high * value:
            return
        state = "over" if base > high * value else "under" if base else "no_base"
        yield _found(one, state, base, value)
    elif not covering and base:
        if with_no_coverage:
            yield _found(one, "no_coverage", base, value)
    else:
        reason = "zero_rate" if covering else "nothing_to_compare"
        yield Unjudged(one.number, one.terms.account, reason)


def _worth(one: Agreed, group: MeterGroup) -> Decimal:
    return EXACT.multiply(group.covered_quantity, one.rate(group) or Decimal(0))


def _found(one: Agreed, state: str, base: Fraction, value: Fraction) -> Found:
    ratio = base / value if value else None
    terms = one.terms
    return Found(
        entity=one.number,
        account=terms.account,
        state=state,
        message=_said(state, ratio),
        inputs=_inputs(one),
        outputs={
            "base_per_month": decimal(base),
            "covered_value_per_month": decimal(value),
            "ratio": None if ratio is None else decimal(ratio),
            "variance": None if ratio is None else decimal(1 - ratio),
            "increase_to_match": decimal(value / base - 1) if base and value else None,
        },
        money_at_risk=decimal(abs(value - base)),
        currency=one.agreed.currency,
        contract=one.number,
        branch=terms.branch,
    )


def _inputs(one: Agreed) -> dict[str, Any]:
    """Return what the ratio follows from, in an order of its own: neither what base charges are
    called nor how a contract lists its parts makes it another.
    """
    layer = one.layer
    base = sorted((layer.length(c.cycle), one.amount(c)) for c in one.terms.base_charges)
    groups = sorted(one.terms.meter_groups, key=attrgetter("name"))
    return {
        "base": [{"amount": amount, "cycle": list(cycle)} for cycle, amount in base],
        "coverage": [
            {
                "group": group.name,
                "covered_quantity": group.covered_quantity,
                "rate": one.rate(group),
                "cycle": list(layer.length(group.cycle)),
            }
            for group in groups
        ],
    }


def _said(state: str, ratio: Fraction | None) -> str:
    if state == "no_base":
        return "No base is billed for what is covered."
    if ratio is None:
        return "A base is billed, and nothing is covered."
    if state == "over":
        return f"The base is {decimal(ratio):.2f}× of what the coverage is worth."
    return f"The base is {decimal((1 - ratio) * 100):.1f} % less than what the coverage is worth."
