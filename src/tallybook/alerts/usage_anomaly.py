"""Check `usage.anomaly`: whether a line's last complete day is far from what is usual for it."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, localcontext

from tallybook.alerts._lines import found, lines
from tallybook.alerts._terms import today
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Unusual use"
FINDS = "Lines whose last complete day was far above or below the same weekday of the weeks before."
TIPS = ("A line is judged once it has two such weekdays; it speaks again when it turns.",)
_LEAST = "Lines with a smaller mean are left out."
VARIABLES = (
    Variable("change", "percent", "Change above", "Either way.", Decimal(25), minimum=Decimal(0)),
    Variable("volume", "decimal", "Least mean", _LEAST, Decimal(250), minimum=Decimal(0)),
)
COLUMNS = (
    Column("day", "Day", "date"),
    Column("used", "Used", "quantity"),
    Column("mean", "Usual", "quantity"),
    Column("change", "Change", "percent"),
)
FINGERPRINT = ("day",)
POLICY: RepeatPolicy = "on_transition"
SCHEDULE: Preset = "daily"
RELATED = ("allotment.forecast_overage", "usage.feed_stale", "volume.trend")
_WEEK = timedelta(days=7)
_WEEKS_MIN, _WEEKS = 2, 4


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines with |used - mean| ÷ mean × 100 above `change`, where the mean is that of the
    same weekday in the four weeks before and at least `volume`. Levels are not judged.
    """
    days = {number: day for number, day, _ in today(view)}
    for position in lines(view):
        if isinstance(position, Unjudged):
            yield position
        elif position.kind == "flow":
            day = days[position.contract]
            yield from _judged(position, day, values["change"], values["volume"])


def _judged(position: Position, now: date, limit: Decimal, least: Decimal) -> Iterator[Found]:
    days = {day.date: day.used for day in position.daily}
    last = max((day for day in days if day < now), default=None)
    used = days.get(last) if last else None
    if last is None or used is None:
        return
    before = [days.get(last - _WEEK * week) for week in range(1, _WEEKS + 1)]
    known = [value for value in before if value is not None]
    if len(known) < _WEEKS_MIN:
        return
    with localcontext(EXACT) as digits:
        digits.prec = 38
        mean = sum(known, Decimal(0)) / len(known)
        change = (used - mean) / mean if mean else Decimal(0)
    if mean < least or abs(change) * 100 <= limit:
        return
    way = "above" if change > 0 else "below"
    yield found(
        position,
        way,
        f"{position.service}: {abs(change) * 100:.0f} % {way} the usual {last:%A}.",
        {"day": last.isoformat(), "used": used},
        {"mean": mean, "change": change},
    )
