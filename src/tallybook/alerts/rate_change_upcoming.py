"""Check `rate.change_upcoming`: whether what something costs is about to change."""

from collections.abc import Iterator
from datetime import date, timedelta
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
    Column("before", "From", "money"),
    Column("after", "To", "money"),
)
FINGERPRINT = ("part", "on", "after")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "weekly"
RELATED = ("contract.changed", "rate.no_escalation", "rate.out_of_band")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield base charges and overage rates that are other within `ahead` days than today; each at
    the first day on which it is.
    """
    for one in in_force(view):
        told: set[str] = set()
        before = _rates(one)
        for day in _turns(one, values["ahead"]):
            terms = one.agreed.on(day)
            after = _rates(Agreed(one.number, day, terms, one.agreed)) if terms else {}
            for part, rate in after.items():
                was = before.get(part)
                if part in told or was is None or rate is None or was == rate:
                    continue
                told.add(part)
                yield found(
                    one,
                    "rising" if rate > was else "falling",
                    f"{part} changes on {day}.",
                    {"part": part, "on": day.isoformat(), "after": rate},
                    {"before": was},
                    part=part,
                )


def _turns(one: Agreed, ahead: int) -> list[date]:
    """Return the days within reach on which terms or cycles change."""
    until = one.day + timedelta(days=ahead + 1)
    days = {stretch.start for stretch in one.agreed.between(one.day, until)}
    days |= {span.start for span in one.agreed.periods(one.day, until)}
    return sorted(day for day in days if day > one.day)


def _rates(one: Agreed) -> dict[str, Decimal | None]:
    found_: dict[str, Decimal | None] = {c.name: one.amount(c) for c in one.terms.base_charges}
    return found_ | {group.name: one.rate(group) for group in one.terms.meter_groups}
