"""Check `rate.change_upcoming`: whether what something costs is about to change."""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._terms import Agreed, found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Rate about to change"
FINDS = "Contracts of which a base charge, an overage rate or a price is planned to change soon."
TIPS = ("Both planned increases and versions that begin later are found.",)
_AHEAD = "How many days ahead are looked at."
VARIABLES = (Variable("ahead", "days", "Look ahead", _AHEAD, 45, minimum=1, maximum=3660),)
COLUMNS = (
    Column("part", "Part"),
    Column("on", "On", "date"),
    Column("before", "From", "money", is_price=True),
    Column("after", "To", "money", is_price=True),
)
FINGERPRINT = ("part", "on", "after")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "weekly"
RELATED = ("contract.changed", "rate.no_escalation", "rate.out_of_band")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield base charges, overage rates and prices of a unit that are other within `ahead` days
    than today; each at the first day on which it is.
    """
    for one in in_force(view):
        told: set[str] = set()
        before = _rates(one)
        for then in one.turns(values["ahead"]):
            for part, rate in _rates(then).items():
                was = before.get(part)
                if part in told or was is None or was == rate:
                    continue
                told.add(part)
                yield found(
                    one,
                    "rising" if rate > was else "falling",
                    f"The {part} changes on {then.day}.",
                    {"part": part, "on": then.day.isoformat(), "after": rate},
                    {"before": was},
                    part=part,
                )


def _rates(one: Agreed) -> dict[str, Decimal]:
    """Return what things cost, by what they are called: a charge and a line may share a name."""
    charges = {f"base charge {c.name}": one.amount(c) for c in one.terms.base_charges}
    return charges | {f"rate of {part}": rate for part, _, rate in one.rates}
