"""What a price makes of a billable quantity, said a second time in exact fractions."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import ceil, floor
from typing import Any

#: An event's quantity that is billable, and all of its data.
Piece = tuple[Fraction, Mapping[str, Any]]
Document = Mapping[str, Any]
ZERO = Fraction(0)


@cache
def number(text: str) -> Fraction:
    """Read a decimal."""
    return Fraction(text)


def rounded(value: Fraction, places: int) -> Fraction:
    """Round half away from zero."""
    units = floor(abs(value) * 10**places + Fraction(1, 2))
    return Fraction(units if value >= 0 else -units, 10**places)


def charge(price: Document | None, quantity: Fraction, pieces: Sequence[Piece]) -> Fraction:
    """Return the unrounded amount; `pieces` are the events that make up the quantity."""
    if price is None:
        return ZERO
    rules = {
        "flat": lambda: number(price["amount"]),
        "per_unit": lambda: quantity * number(price["unit_amount"]),
        "package": lambda: _packages(price, quantity) * number(price["package_amount"]),
        "percentage": lambda: sum((_percentage(price, piece) for piece, _ in pieces), ZERO),
        "matrix": lambda: sum((piece * _cell(price, data) for piece, data in pieces), ZERO),
        "graduated": lambda: _graduated(price["tiers"], quantity),
        "graduated_percentage": lambda: _graduated(price["tiers"], quantity),
        "volume": lambda: _whole(_reached(price["tiers"], quantity), quantity),
        "stairstep": lambda: _whole(_reached(price["tiers"], quantity), quantity),
    }
    return rules[price["model"]]()


def _of(document: Document, field: str) -> Fraction:
    return number(document.get(field) or "0")


def _packages(price: Document, quantity: Fraction) -> int:
    packages = quantity / number(price["package_size"])
    return floor(packages) if price.get("rounding") == "down" else ceil(packages)


def _whole(tier: Document, quantity: Fraction) -> Fraction:
    return quantity * _of(tier, "unit_amount") + _of(tier, "flat_amount")


def _graduated(tiers: Sequence[Document], quantity: Fraction) -> Fraction:
    """Each slice at its own rate; a tier's flat amount once it is entered, the first one at 0."""
    amount, begins = ZERO, ZERO
    for i, tier in enumerate(tiers):
        if i > 0 and quantity <= begins:
            break
        ends = quantity if tier.get("up_to") is None else min(quantity, number(tier["up_to"]))
        rate = _of(tier, "unit_amount") + _of(tier, "rate")
        amount += (ends - begins) * rate + _of(tier, "flat_amount")
        begins = ends if tier.get("up_to") is None else number(tier["up_to"])
    return amount


def _reached(tiers: Sequence[Document], quantity: Fraction) -> Document:
    """The tier whose end the quantity has not passed; ends are inclusive."""
    return next(t for t in tiers if t.get("up_to") is None or quantity <= number(t["up_to"]))


def _percentage(price: Document, quantity: Fraction) -> Fraction:
    """A share of the event's value and a fixed amount, held between a least and a most."""
    amount = quantity * number(price["rate"]) + _of(price, "fixed_amount")
    if price.get("max") is not None:
        amount = min(amount, number(price["max"]))
    if price.get("min") is not None:
        amount = max(amount, number(price["min"]))
    return amount


def _cell(price: Document, data: Mapping[str, Any]) -> Fraction:
    values = [data.get(name) for name in price["dimensions"]]
    for cell in price["cells"]:
        if list(cell["values"]) == values:
            return number(cell["unit_amount"])
    return _of(price.get("default") or {}, "unit_amount")


def beyond(pieces: Sequence[Piece], included: Fraction) -> list[Piece]:
    """The first of the events take what is included; one partly inside counts with its rest, one
    wholly inside pays nothing. One of nothing is inside while anything is left of what is included.
    """
    rest = []
    for quantity, data in pieces:
        taken = min(included, quantity)
        if quantity > taken or not included:
            rest.append((quantity - taken, data))
        included -= taken
    return rest


def raised(price: Document | None, schedules: Sequence[Document], cycle: int) -> Document | None:
    """Raise each unit and package amount ⌊cycle / every⌋ times, rounding each time."""
    if price is None:
        return None
    found = dict(price)
    for field in ("unit_amount", "package_amount"):
        if found.get(field) is not None:
            found[field] = str(raise_rate(number(found[field]), schedules, cycle))
    for field in ("tiers", "cells"):
        if field in found:
            found[field] = [raised(part, schedules, cycle) for part in found[field]]
    if found.get("default"):
        found["default"] = raised(found["default"], schedules, cycle)
    return found


def raise_rate(rate: Fraction, schedules: Sequence[Document], cycle: int) -> Fraction:
    """Raise one rate ⌊cycle / every⌋ times by `percent`, each time rounded to `places`."""
    for schedule in schedules:
        for _ in range(cycle // schedule.get("every", 1)):
            rate *= 1 + number(schedule["percent"]) / 100
            if schedule.get("places") is not None:
                rate = rounded(rate, schedule["places"])
    return rate
