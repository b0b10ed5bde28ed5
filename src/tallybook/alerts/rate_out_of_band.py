"""Check `rate.out_of_band`: whether an overage rate is unusually low or high, now or as planned."""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Rate out of its band"
FINDS = "Overage rates and unit prices that are unusual, of terms that hold now or will soon."
TIPS = ("Set the band for one unit at a time: subscribe once for each.",)
_LOW = "Rates of this, or less, are spoken of; none by default."
_HIGH = "Rates of this, or more, are spoken of; none by default."
_UNIT = "Only lines and groups that count this unit; all by default."
_AHEAD = "Terms that begin within so many days are judged, too."
VARIABLES = (
    Variable("low", "money", "At most", _LOW, minimum=Decimal(0), below="high"),
    Variable("high", "money", "At least", _HIGH, minimum=Decimal(0)),
    Variable("unit", "list", "Units", _UNIT, (), of="text"),
    Variable("ahead", "days", "Look ahead", _AHEAD, 45, minimum=0, maximum=3660),
)
COLUMNS = (
    Column("part", "Line or group"),
    Column("unit", "Unit"),
    Column("rate", "Rate", "money", is_price=True),
    Column("on", "On", "date"),
)
FINGERPRINT = ("part", "rate")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "daily"
RELATED = ("rate.change_upcoming", "rate.credit_mismatch")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines and groups with a rate ≤ `low` or ≥ `high`, planned increases included; each on
    the first day on which it is, today or within `ahead` days. A price in tiers, a flat one or one
    of a share has no rate of a unit.
    """
    low, high = values["low"], values["high"]
    for one in in_force(view):
        for part, meter, _ in one.priced if low is not None or high is not None else ():
            if meter is not None and (not values["unit"] or _unit(view, meter) in values["unit"]):
                account = one.terms.account
                yield Unjudged(f"{one.number}/{part}", account, "no_unit_rate")
        told: set[str] = set()
        for then in (one, *one.turns(values["ahead"])):
            for part, meter, rate in then.rates:
                unit = _unit(view, meter)
                if part in told or (values["unit"] and unit not in values["unit"]):
                    continue
                is_low = low is not None and rate <= low
                if is_low or (high is not None and rate >= high):
                    told.add(part)
                    yield found(
                        one,
                        "low" if is_low else "high",
                        f"The rate of {part} is {'lower' if is_low else 'higher'} than usual.",
                        {"part": part, "rate": rate},
                        {"unit": unit, "on": then.day.isoformat()},
                        part=part,
                    )


def _unit(view: View, meter: str) -> str:
    known = view.directory.meter(meter)
    return known.unit if known else ""
