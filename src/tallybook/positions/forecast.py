"""Where a line is heading by the end of its period, judged from complete local days only.

The rules stand here once; positions and previews share them. Always an estimate while days remain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final, Literal

from tallybook.model.position import Forecast, Method
from tallybook.model.quantity import EXACT
from tallybook.positions.pace import DAYS_MIN, Pace, pace

#: The standard normal deviate with a tenth above it: 80 % lie between its minus and its plus.
_Z80: Final = Decimal("1.281551565545")
_PLACES: Final = Decimal("1e-12")
_ZERO: Final = Decimal(0)
_DAY: Final = timedelta(days=1)

#: What days say about their period. `additive`: they add up. `distinct`: they count the same
#: things again. `level`: the value does not grow with time (stock, latest, min, max, avg).
Nature = Literal["additive", "distinct", "level"]


@dataclass(frozen=True, slots=True)
class Course:
    """The course of a period [start, end) so far, in the meter's unit.

    `last_day` is the last complete local day, `first_day` the first the line was in force; a day
    between them that is not in `days` counts 0. `to_date` is the use up to the end of `last_day`,
    `so_far` all use of the period, that of days not complete included.
    """

    start: date
    end: date
    first_day: date
    last_day: date
    days: Mapping[date, Decimal]
    to_date: Decimal
    so_far: Decimal
    allotment: Decimal | None = None
    nature: Nature = "additive"

    @property
    def next_day(self) -> date:
        """Return the first day of the period that is not complete; its end when all are."""
        return min(self.end, max(self.start, self.last_day + _DAY))

    @property
    def remaining_days(self) -> int:
        """Count the days of the period that are not complete."""
        return (self.end - self.next_day).days


def course_of_days(
    start: date,
    end: date,
    first_day: date,
    last_day: date,
    days: Mapping[date, Decimal],
    allotment: Decimal | None,
) -> Course:
    """Make the course of a quantity whose days add up: the totals are theirs."""
    with localcontext(EXACT):
        inside = {day: use for day, use in days.items() if start <= day < end}
        to_date = sum((use for day, use in inside.items() if day <= last_day), _ZERO)
        so_far = sum(inside.values(), _ZERO)
    return Course(start, end, first_day, last_day, days, to_date, so_far, allotment)


def forecast(course: Course, method: Method = "mean_7") -> Forecast:
    """Project the use at the end of the period: use to date and what is expected of each day left.

    By default that is the mean of the last seven complete days, or of as many as there are since
    the line began; `positions.pace` has the other methods. Fewer than three days are not enough. It
    may look back into the period before. The day that is not over is not in it and counts as a day
    left. Never below the use so far. Quantities have 12 places, half-up.

    The range holds with 80 % if days go on to scatter as the recent ones did: it is the pace's own
    error and that of the days left, z × √(variance × (left + days seen × (part expected)²)), which
    for equal days is z × √(variance × left × (1 + left ÷ days seen)).
    """
    with localcontext(EXACT):
        found, on = _pace(course, method), _reached(course)
        mean = _round(found.mean) if found is not None and course.nature != "level" else None
        if not course.remaining_days:
            return _forecast(course, "actual", on, mean, _ZERO, (course.to_date,) * 3)
        if found is None:
            return _forecast(course, "not_enough_data", on)
        left = Decimal(course.remaining_days)
        part, whole = found.share(course.next_day, course.remaining_days)
        volume = found.total * part / whole
        grown = course.so_far if course.nature == "level" else course.to_date + volume
        likely = max(course.so_far, grown)
        errors = left + found.days * part * part / (whole * whole)
        half = _Z80 * (found.variance * errors).sqrt() if found.variance else _ZERO
        # New things grow fewer: a distinct count does not outrun its pace, and may stay behind.
        low = course.so_far if course.nature == "distinct" else likely - half
        ends = (max(course.so_far, low), likely, likely + half)
        return _forecast(
            course, "estimate", on or _will_reach(course, found), mean, _round(volume), ends
        )


def _pace(course: Course, method: Method) -> Pace | None:
    """Return the pace to go on with, None when there are too few days to tell.

    Only where days add up do they tell it; a distinct count has the mean of the period so far.
    """
    if course.nature == "level":
        return Pace(_ZERO, 1)
    last = min(course.last_day, course.end - _DAY)
    if course.nature == "distinct":
        done = (last - max(course.start, course.first_day)).days + 1
        return Pace(course.to_date, done) if done >= DAYS_MIN else None
    return pace(method, course.days, course.start, course.first_day, last)


def _reached(course: Course) -> date | None:
    """Return the day on which the use reached the allotment, None when it has not.

    Nobody knows it for a distinct count, whose days do not say what was new.
    """
    if course.allotment is None or course.nature == "distinct":
        return None
    if not 0 < course.so_far >= course.allotment:
        return None
    running = _ZERO
    for day in sorted(day for day in course.days if course.start <= day < course.end):
        use = course.days[day]
        running = running + use if course.nature == "additive" else use
        if 0 < running >= course.allotment:
            return day
    return None


def _will_reach(course: Course, found: Pace) -> date | None:
    """Return the day on which the use will reach the allotment, None when not in this period."""
    if course.allotment is None or found.total <= 0 or 0 < course.so_far >= course.allotment:
        return None
    missing = max(_ZERO, course.allotment - course.to_date)
    return found.reaching(missing, course.next_day, course.remaining_days)


def _forecast(
    course: Course,
    status: Literal["estimate", "actual", "not_enough_data"],
    on: date | None,
    mean: Decimal | None = None,
    volume: Decimal | None = None,
    ends: tuple[Decimal, Decimal, Decimal] | None = None,
) -> Forecast:
    low, projected, high = (None, None, None) if ends is None else (_round(end) for end in ends)
    overage = None
    if projected is not None and course.allotment is not None:
        overage = max(_ZERO, projected - course.allotment)
    return Forecast(
        status=status,
        to_date=course.to_date,
        daily_mean=mean,
        remaining_days=course.remaining_days,
        remaining_volume=volume,
        projected=projected,
        low=low,
        high=high,
        projected_overage=overage,
        exhausted_on=on,
        is_estimate_of_distinct=course.nature == "distinct" and status == "estimate",
    )


def _round(value: Decimal) -> Decimal:
    return value.quantize(_PLACES, ROUND_HALF_UP).normalize()
