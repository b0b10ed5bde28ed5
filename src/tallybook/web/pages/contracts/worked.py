"""How an amount of a statement came about, in sentences and parts: what was counted, what was
included, what the price made of the rest, and the rounding. Reads the statement's document.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from tallybook.web.pages import format as words
from tallybook.web.pages.contracts import words as says
from tallybook.web.pages.contracts.statement_view import PartRow
from tallybook.web.pages.view import Step

Said = Mapping[str, Any]

_DAY: Final = timedelta(days=1)
_MODELS: Final = {
    "graduated": "graduated: each tier's units at its price",
    "volume": "volume: all units at the price of the tier reached",
    "stairstep": "stairstep: the flat amount of the tier reached",
    "per_unit": "a price a unit",
    "package": "packages",
    "percentage": "a percentage of the value",
    "graduated_percentage": "a percentage, tier by tier",
    "matrix": "a price by dimensions",
    "flat": "a flat amount",
}
_TIERED: Final = {"graduated", "volume", "stairstep", "graduated_percentage"}
_LIMITS: Final = {"min": "at least", "max": "at most", "minimum": "at least", "maximum": "at most"}


def spanned(start: Any, end: Any) -> str:
    """Write a half-open span of a document by its first and last day."""
    return words.span(_day(start), _day(end) - _DAY)


def steps(charge: Said, unit: str, currency: str) -> Iterator[Step]:
    """Yield how an amount came about, in order."""
    how: Said = charge["explanation"]
    counted = [one for one in how.get("use") or () if one["meters"]]
    if counted:
        yield Step("Counted", " ".join(_counted(one, unit) for one in counted))
        yield from _included(how, unit)
    if charge["amount"] is not None:
        for one in how.get("charges") or ():
            yield Step("Charged", _charged(one, unit))
        bounds = " ".join(_bounds(how, currency))
        if bounds:
            yield Step("Bounds", bounds)
        yield from _rounded(charge, currency)
    if how.get("note"):
        yield Step("Note", str(how["note"]))


def _counted(one: Said, unit: str) -> str:
    of = f"{one['account']} and its tree" if one["pooled"] else str(one["account"])
    meters = " + ".join(one["meters"])
    span = spanned(one["start"], one["end"])
    return f"{says.number(one['quantity'])} {unit} by {meters} of {of}, {span}."


def _included(how: Said, unit: str) -> Iterator[Step]:
    for one in how.get("cycles") or ():
        span = spanned(one["start"], one["end"])
        if one.get("is_unlimited"):
            yield Step("Included", f"Unlimited in {span}: nothing is billable.")
            continue
        parts = [f"{says.number(one['allotment'])} {unit} included"]
        if says.decimal(one["rolled"]):
            parts.append(f"{says.number(one['rolled'])} rolled over from before")
        if says.decimal(one["free"]):
            parts.append(f"{says.number(one['free'])} free")
        used = says.number(one["used"])
        yield Step("Included", f"{', '.join(parts)} in {span}; {used} used up to the period's end.")


def _charged(one: Said, unit: str) -> str:
    before, after = says.number(one["before"]), says.number(one["after"])
    span = spanned(one["start"], one["end"])
    if after == "0" and not says.decimal(one["amount"]):
        return f"{span}: nothing is billable."
    rise = f"{after} {unit}" if before == "0" else f"from {before} to {after} {unit}"
    model = f", {_MODELS.get(one['model'], one['model'])}" if one.get("model") else ""
    said = f"{span}: {rise.strip()}{model}" if model else f"{span}: {rise.strip()} ×"
    if one.get("days") is not None:
        turn = words.plural(one["cycle_days"], "day", "days")
        said += f"{',' if model else ''} {one['days']} of {turn}"
    if says.decimal(one.get("discount_percent")):
        said += f", {says.number(one['discount_percent'])}% off"
    return f"{said}."


def _bounds(how: Said, currency: str) -> Iterator[str]:
    for name, word in (("maximum_amount", "At most"), ("minimum_amount", "At least")):
        if how.get(name) is not None:
            yield f"{word} {says.money(how[name], currency)} in this period."


def _rounded(charge: Said, currency: str) -> Iterator[Step]:
    unrounded = says.decimal(charge["explanation"].get("unrounded"))
    amount = says.decimal(charge["amount"])
    if unrounded is not None and amount is not None and unrounded != amount:
        exact = words.price(unrounded, currency)
        yield Step("Rounded", f"{exact} rounded once to {words.money(amount, currency)}.")
    if says.decimal(charge.get("discount")):
        share = says.money(charge["discount"], currency)
        yield Step("Discounts", f"{share} of the contract's discounts fall on this charge.")


def parts(charge: Said, unit: str, currency: str) -> Iterator[PartRow]:
    """Yield the pieces of a charge whose amounts add up to it before its discount and rounding."""
    for step in charge["explanation"].get("charges") or ():
        for one in step["parts"]:
            if not says.decimal(one["quantity"]) and not says.decimal(one["amount"]):
                continue
            yield PartRow(
                _name(one, step.get("model")),
                f"{says.number(one['quantity'])} {unit}".strip(),
                " + ".join(_prices(one, currency)) or words.DASH,
                words.price(says.decimal(one["amount"]), currency),
            )


def _name(one: Said, model: str | None) -> str:
    if one.get("values") is not None:
        return " · ".join(str(value) for value in one["values"])
    return f"Tier {one['tier'] + 1}" if model in _TIERED else "Each"


def _prices(one: Said, currency: str) -> Iterator[str]:
    if one.get("unit_amount") is not None:
        yield says.rate(one["unit_amount"], currency)
    if one.get("rate") is not None:
        yield f"{says.number((says.decimal(one['rate']) or Decimal(0)) * 100)}%"
    if says.decimal(one.get("flat_amount")):
        times = "" if one.get("count", 1) == 1 else f"{one['count']} × "
        yield f"{times}{says.rate(one['flat_amount'], currency)} flat"
    if one.get("limit"):
        yield _LIMITS.get(str(one["limit"]), str(one["limit"]))


def _day(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
