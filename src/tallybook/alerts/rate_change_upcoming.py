"""Check `rate.change_upcoming`: whether what something costs is about to change."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from tallybook.alerts._terms import Agreed, found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.price import Price
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Rate about to change"
FINDS = "Contracts of which a base charge, an overage rate or a price is planned to change soon."
TIPS = (
    "Both planned increases and versions that begin later are found.",
    "Of a price in tiers it is told that it changes, without one rate before and after.",
)
_AHEAD = "How many days ahead are looked at."
VARIABLES = (Variable("ahead", "days", "Look ahead", _AHEAD, 45, minimum=1, maximum=3660),)
COLUMNS = (
    Column("part", "Part"),
    Column("on", "On", "date"),
    Column("before", "From", "money", is_price=True),
    Column("after", "To", "money", is_price=True),
)
FINGERPRINT = ("part", "on", "after", "terms")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "weekly"
RELATED = ("contract.changed", "rate.no_escalation", "rate.out_of_band")
#: The rate of a unit or an amount, else all that a price says.
_Price = Decimal | dict[str, Any]


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield base charges, overage rates and prices that are other within `ahead` days than today;
    each at the first day on which it is.
    """
    for one in in_force(view):
        told: set[str] = set()
        before = _prices(one)
        for then in one.turns(values["ahead"]):
            for part, price in _prices(then).items():
                was = before.get(part)
                if part not in told and was is not None and was != price:
                    told.add(part)
                    yield _found(one, part, then.day, was, price)


def _found(one: Agreed, part: str, on: date, was: _Price, price: _Price) -> Found:
    after = price if isinstance(price, Decimal) else None
    before = was if isinstance(was, Decimal) else None
    state = "changed"
    if after is not None and before is not None:
        state = "rising" if after > before else "falling"
    terms = price if after is None else None
    return found(
        one,
        state,
        f"The {part} changes on {on}.",
        {"part": part, "on": on.isoformat(), "after": after, "terms": terms},
        {"before": before},
        part=part,
    )


def _prices(one: Agreed) -> dict[str, _Price]:
    """Return what things cost, by what they are called: a charge and a line may share a name."""
    charges = {f"base charge {c.name}": one.amount(c) for c in one.terms.base_charges}
    rates = {f"rate of {part}": rate for part, _, rate in one.rates}
    others = {f"rate of {part}": _plain(price) for part, _, price in one.priced}
    return {**charges, **rates, **others}


def _plain(price: Price) -> dict[str, Any]:
    return price.model_dump() if isinstance(price, BaseModel) else {}
