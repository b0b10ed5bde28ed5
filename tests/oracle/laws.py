"""What every statement must say of itself, whatever the contract: its sums are the sums of what
they are made of, down to the tiers.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

Document = dict[str, Any]


def broken(statement: Document) -> Iterator[str]:
    """Yield the laws that a statement breaks."""
    parts = ("lines", "base_charges", "discounts", "commitments", "adjustments")
    subtotal = sum((_sum(statement[part]) for part in parts), Fraction(0))
    if subtotal != Fraction(statement["subtotal"]):
        yield "the subtotal is not the sum of its parts"
    if Fraction(statement["subtotal"]) - _sum(statement["credits"]) != Fraction(statement["total"]):
        yield "the total is not the subtotal less the credits"
    shared = _sum([*statement["lines"], *statement["base_charges"]], "discount")
    if shared != -_sum(statement["discounts"]):
        yield "the shares of the discounts are not the discounts"
    for charge in statement["lines"]:
        yield from _broken_by(charge)


def _broken_by(charge: Document) -> Iterator[str]:
    """Tell of a line: its use, its tiers and its steps."""
    code, how = charge["code"], charge["explanation"]
    if how["use"] and _sum(how["use"], "quantity") != Fraction(charge["quantity"]):
        yield f"{code}: the quantity is not the sum of its use"
    rises = [step for step in how["charges"] if step["days"] is None]
    tiers = [part for step in rises for part in step["parts"]]
    is_metered = charge["kind"] == "line" and how["charges"] == rises and tiers
    if is_metered and _sum(tiers, "quantity") != Fraction(charge["billable_quantity"]):
        yield f"{code}: the quantities of the tiers are not the billable quantity"
    for step in rises:
        if step["parts"] and _sum(step["parts"]) != Fraction(step["amount"]):
            yield f"{code}: the amounts of the tiers are not the rise of the charge"
    kept = sum(
        (
            Fraction(step["amount"]) * (1 - Fraction(step["discount_percent"]) / 100)
            for step in how["charges"]
        ),
        Fraction(0),
    )
    if how["maximum_amount"] is not None:
        kept = min(kept, Fraction(how["maximum_amount"]))
    if how["minimum_amount"] is not None:
        kept = max(kept, Fraction(how["minimum_amount"]))
    if abs(kept - Fraction(how["unrounded"])) > Fraction(1, 10**18):
        yield f"{code}: the steps do not come to the unrounded amount"


def _sum(parts: list[Document], name: str = "amount") -> Fraction:
    return sum((Fraction(part[name] or "0") for part in parts), Fraction(0))
