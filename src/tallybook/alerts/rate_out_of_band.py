"""Check `rate.out_of_band`: whether an overage rate is unusually low or high, now or as planned."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View
from tallybook.positions.agreement import Stretch

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
    Column("rate", "Rate", "money"),
    Column("since", "Since", "date"),
)
FINGERPRINT = ("part", "rate")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "daily"
RELATED = ("rate.change_upcoming", "rate.credit_mismatch")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines and groups with a rate ≤ `low` or ≥ `high`, at most one a part: its earliest."""
    low, high = values["low"], values["high"]
    for one in in_force(view):
        told: set[str] = set()
        until = one.day + timedelta(days=values["ahead"] + 1)
        for stretch in one.agreed.between(one.day, until):
            for part, meter, rate in _rates(stretch):
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
                        {"unit": unit, "since": stretch.start.isoformat()},
                        part=part,
                    )


def _rates(stretch: Stretch) -> Iterator[tuple[str, str, Decimal]]:
    """Yield the part, a meter and the rate of what is charged by the unit."""
    for line in stretch.terms.lines:
        price = line.price or {}
        if price.get("model") == "per_unit" and line.meter is not None:
            yield line.code, line.meter, Decimal(str(price["unit_amount"]))
    for group in stretch.terms.meter_groups:
        if group.overage_rate is not None:
            yield group.name, group.meters[0], group.overage_rate


def _unit(view: View, meter: str) -> str:
    known = view.directory.meter(meter)
    return known.unit if known else ""
