"""Check `usage.anomaly`: whether a line's last week is far from the week before."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

from tallybook.alerts._lines import found, lines, unjudged
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.time import zone
from tallybook.model.view import View

TITLE = "Unusual use"
FINDS = "Lines that used far more or less a day in their last seven complete days than before."
TIPS = (
    "Whole weeks are compared, so that a quiet Sunday is none; a line is judged once it has two.",
)
_LEAST = "Lines whose mean was smaller in both weeks are left out."
VARIABLES = (
    Variable("change", "percent", "Change above", "Either way.", Decimal(25), minimum=Decimal(0)),
    Variable("volume", "decimal", "Least mean a day", _LEAST, Decimal(250), minimum=Decimal(0)),
)
COLUMNS = (
    Column("through", "Week through", "date"),
    Column("mean", "Mean a day", "quantity"),
    Column("before", "Mean before", "quantity"),
    Column("change", "Change", "percent"),
)
FINGERPRINT = ("through",)
POLICY: RepeatPolicy = "on_transition"
SCHEDULE: Preset = "daily"
RELATED = ("allotment.forecast_overage", "usage.feed_stale", "volume.trend")
_DAY: Final = timedelta(days=1)
_WEEK: Final = 7


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines with |mean - before| ÷ before × 100 above `change`: the means of the last seven
    complete local days and of the seven before them, one of them at least `volume`. Of nothing
    before any use is a change. Levels are not judged.
    """
    for position in lines(view):
        if isinstance(position, Unjudged):
            yield position
        elif position.kind == "flow":
            yield from _judged(position, values["change"], values["volume"])


def _judged(position: Position, limit: Decimal, least: Decimal) -> Iterator[Found | Unjudged]:
    days = {day.date: day.used or Decimal(0) for day in position.daily}
    last = position.data_through.astimezone(zone(position.timezone)).date() - _DAY
    if last - (2 * _WEEK - 1) * _DAY not in days:
        yield unjudged(position, "not_enough_data")
        return
    with localcontext(EXACT) as digits:
        digits.prec = 38
        mean, before = _mean(days, last), _mean(days, last - _WEEK * _DAY)
        change = (mean - before) / before if before else None
    if max(mean, before) < least or not mean + before:
        return
    if change is not None and abs(change) * 100 <= limit:
        return
    way = "below" if mean < before else "above"
    by = "far" if change is None else f"{abs(change) * 100:.0f} %"
    made = found(
        position,
        way,
        f"{position.service}: {by} {way} the week before, through {last}.",
        {"through": last.isoformat()},
        {"mean": mean, "before": before, "change": change},
    )
    yield replace(made, period="")  # goes on over the turn of a period


def _mean(days: dict[date, Decimal], last: date) -> Decimal:
    """Return the mean of seven days, which are all known."""
    return sum((days[last - i * _DAY] for i in range(_WEEK)), Decimal(0)) / _WEEK
