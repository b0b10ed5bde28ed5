"""How the terms of a contract read: cycles, prices, allotments and amounts as sentences.

Works on documents as they were written, so that what may not be seen (None) and what an older
version did not know are simply not said.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from tallybook.web.pages import format as words
from tallybook.web.pages.contracts.view import Tier, TierTable

Part = Mapping[str, Any]

_TIMING: Final = {"advance": "in advance", "arrears": "in arrears"}
_SAYS: Final = {
    "graduated": "each tier's units at that tier's price",
    "volume": "all units at the price of the tier reached",
    "stairstep": "the flat amount of the tier reached",
    "graduated_percentage": "each tier's value at that tier's rate",
    "matrix": "the price depends on",
}


def decimal(value: Any) -> Decimal | None:
    """Read a number of a document: a text, a JSON number or nothing."""
    return None if value is None else Decimal(str(value))


def number(value: Any) -> str:
    return words.number(decimal(value))


def money(value: Any, currency: str) -> str:
    return words.money(decimal(value), currency)


def rate(value: Any, currency: str) -> str:
    return words.price(decimal(value), currency)


def day(value: Any) -> date | None:
    """Read a date of a document."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def every(part: Part | None, other: Part | None = None) -> str:
    """Return a cycle as people say it: a month, every 3 months, once a term; `other` is whose
    cycle it is without one of its own.
    """
    own = part if part and part.get("cycle_unit") else other or {}
    unit, length = own.get("cycle_unit") or "month", int(own.get("cycle_length") or 1)
    if unit == "term":
        return "once a term"
    return f"a {unit}" if length == 1 else f"every {length} {unit}s"


def each(part: Part | None, other: Part | None = None) -> str:
    """Return a cycle at the head of a sentence: Each month, Every 3 months, The term."""
    said = every(part, other)
    if said == "once a term":
        return "The term"
    return f"Each {said[2:]}" if said.startswith("a ") else said.capitalize()


def timing(part: Part, billing: Part) -> str:
    """Return when an amount is billed."""
    return _TIMING[part.get("timing") or billing.get("timing") or "arrears"]


def renewal(terms: Part) -> str:
    """Return what follows the last day."""
    policy = terms.get("policy", "none")
    if policy == "ask":
        return "Ask before it ends"
    if policy != "auto":
        return "Ends on its last day"
    again = every(terms) if terms.get("cycle_unit") else "for a term like the first"
    return f"Renews by itself, {again}"


def included(line: Part, unit: str, billing: Part) -> Iterator[str]:
    """Yield what a line includes, as sentences."""
    if line.get("quantity") is not None:
        yield f"A fixed {number(line['quantity'])} {unit}".rstrip() + "."
        return
    allotment = line.get("allotment")
    if allotment is None:
        yield "Nothing is included."
    elif allotment.get("quantity") is None:
        yield "Unlimited: use is counted and never priced."
    else:
        yield f"{each(allotment, billing)} includes {number(allotment['quantity'])} {unit}."
        yield from _rollover(allotment.get("rollover"), unit)
    if decimal(line.get("free_quantity")):
        yield f"The first {number(line['free_quantity'])} {unit} are free."
    if line.get("hard_limit"):
        yield "A hard limit: nothing may be used beyond it."


def _rollover(rollover: Part | None, unit: str) -> Iterator[str]:
    if not rollover:
        return
    cap, expires = rollover.get("cap"), rollover.get("expires_after")
    most = f", at most {number(cap)} {unit}" if cap is not None else ""
    until = f" for {words.plural(expires, 'cycle', 'cycles')}" if expires else ""
    yield f"What is left rolls over{until}{most}."


def conversion(line: Part, unit: str) -> Iterator[str]:
    """Yield how a quantity is brought to another unit."""
    terms = line.get("conversion")
    if terms:
        step = terms.get("step")
        rounded = f", rounded {terms.get('mode', 'up').replace('_', ' ')} to {number(step)}"
        by = number(terms.get("divide_by", 1))
        yield f"Counted in {terms['unit']}: {unit} ÷ {by}{rounded if step else ''}."


def price(terms: Part | None, unit: str, currency: str, where: str) -> str:
    """Return a price as a sentence; `where` says what it prices. Tiers are in `tiers`."""
    if terms is None:
        return "No price."
    model = terms.get("model", "")
    one = f"a {unit}" if unit else "a unit"
    made = {
        "flat": lambda: f"{money(terms['amount'], currency)} flat",
        "per_unit": lambda: f"{rate(terms['unit_amount'], currency)} {one}",
        "package": lambda: _package(terms, unit, currency),
        "percentage": lambda: _percentage(terms, currency),
        "matrix": lambda: f"{_SAYS['matrix']} {' and '.join(terms.get('dimensions', ()))}",
    }.get(model)
    said = made() if made else f"{model.replace('_', ' ')}, {_SAYS.get(model, 'as listed')}"
    return f"{where}: {said}."


def _package(terms: Part, unit: str, currency: str) -> str:
    started = "full" if terms.get("rounding") == "down" else "started"
    size = number(terms["package_size"])
    return f"{money(terms['package_amount'], currency)} for each {started} {size} {unit}".rstrip()


def _percentage(terms: Part, currency: str) -> str:
    share = decimal(terms.get("rate")) or Decimal(0)
    said = f"{number(share * 100)}% of the value"
    if decimal(terms.get("fixed_amount")):
        said += f" plus {money(terms['fixed_amount'], currency)} an event"
    bounds = [
        f"{word} {money(terms[name], currency)}"
        for name, word in (("min", "at least"), ("max", "at most"))
        if terms.get(name) is not None
    ]
    return f"{said}, {' and '.join(bounds)} an event" if bounds else said


def limits(line: Part, currency: str) -> Iterator[str]:
    """Yield what bounds the amount of a line."""
    if decimal(line.get("discount_percent")):
        yield f"{number(line['discount_percent'])}% off."
    if line.get("maximum_amount") is not None:
        yield f"At most {money(line['maximum_amount'], currency)} a billing period."
    if line.get("minimum_amount") is not None:
        yield f"At least {money(line['minimum_amount'], currency)} a billing period."


def tiers(terms: Part | None, currency: str) -> TierTable | None:
    """Return a price's tiers, or the cells of a matrix, as a table; None where it has none."""
    if terms is None:
        return None
    if terms.get("model") == "matrix":
        return _matrix(terms, currency)
    found = terms.get("tiers")
    return None if not found else tier_table(found, currency)


def tier_table(found: Iterable[Part], currency: str) -> TierTable:
    """Return tiers as rows: a tier begins where the one before ends."""
    listed, rows, below = list(found), [], "0"
    names = [name for name in ("unit_amount", "rate", "flat_amount") if _any(listed, name)]
    for tier in listed:
        end = number(tier["up_to"]) if tier.get("up_to") is not None else ""
        span = f"{below} – {end}" if end else f"over {below}"
        rows.append(Tier(span, tuple(_cell(tier, name, currency) for name in names)))
        below = end
    heads = {"unit_amount": "Each", "rate": "Of the value", "flat_amount": "Flat"}
    return TierTable("Beyond what is included", tuple(heads[name] for name in names), tuple(rows))


def _any(listed: Iterable[Part], name: str) -> bool:
    return any(decimal(tier.get(name)) for tier in listed)


def _cell(tier: Part, name: str, currency: str) -> str:
    value = decimal(tier.get(name))
    if value is None:
        return words.DASH
    if name == "rate":
        return f"{number(value * 100)}%"
    return rate(value, currency)


def _matrix(terms: Part, currency: str) -> TierTable:
    rows = [
        Tier(" · ".join(str(v) for v in cell["values"]), (_cell(cell, "unit_amount", currency),))
        for cell in terms.get("cells", ())
    ]
    if terms.get("default"):
        rows.append(Tier("anything else", (_cell(terms["default"], "unit_amount", currency),)))
    return TierTable(" and ".join(terms.get("dimensions", ())), ("Each",), tuple(rows))


def increase(schedule: Part, billing: Part) -> str:
    """Return a planned increase as a sentence."""
    what = "Base charges" if schedule.get("applies_to") == "base" else "Overage rates"
    if schedule.get("ref"):
        what = str(schedule["ref"])
    percent = decimal(schedule.get("percent")) or Decimal(0)
    change = f"{'rises' if percent > 0 else 'falls'} by {number(abs(percent))}%"
    own = schedule if schedule.get("cycle_unit") else billing
    turns = int(schedule.get("every") or 1) * int(own.get("cycle_length") or 1)
    when = every({"cycle_unit": own.get("cycle_unit") or "month", "cycle_length": turns})
    places = schedule.get("places")
    rounded = f", rounded to {places} places" if places is not None else ""
    return f"{what} {change} {when}{rounded}."
