"""Where a line is heading by the end of its period, judged from complete local days only.

The rules stand here once; positions and previews share them. Always an estimate while days remain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from typing import Final, Literal, NamedTuple

from tallybook.model.position import Forecast
from tallybook.model.quantity import EXACT

WINDOW_DAYS: Final = 7
DAYS_MIN: Final = 3
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


class Pace(NamedTuple):
    """How much over how many days, and how far single days lie from their mean."""

    total: Decimal
    days: int
    variance: Decimal = _ZERO

    @property
    def mean(self) -> Decimal:
        """Return the use of a day, to 12 places."""
        return _round(self.total / self.days)


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


def forecast(course: Course) -> Forecast:
    """Project the use at the end of the period: use to date and a day's mean for each day left.

    The mean is that of the last seven complete days, or of as many as there are since the line
    began; fewer than three are not enough. It may look back into the period before. The day that
    is not over is not in it and counts as a day left. Never below the use so far. Quantities have
    12 places, half-up.

    The range holds with 80 % if days go on to scatter as the recent ones did: it is the mean's own
    error and that of the days left, z × √(variance × left × (1 + left ÷ days seen)).
    """
    with localcontext(EXACT):
        pace, on = _pace(course), _reached(course)
        mean = pace.mean if pace is not None and course.nature != "level" else None
        if not course.remaining_days:
            return _forecast(course, "actual", on, mean, _ZERO, (course.to_date,) * 3)
        if pace is None:
            return _forecast(course, "not_enough_data", on)
        left = Decimal(course.remaining_days)
        volume = pace.total * left / pace.days
        grown = course.so_far if course.nature == "level" else course.to_date + volume
        likely = max(course.so_far, grown)
        half = _Z80 * (pace.variance * left * (1 + left / pace.days)).sqrt()
        # New things grow fewer: a distinct count does not outrun its pace, and may stay behind.
        low = course.so_far if course.nature == "distinct" else likely - half
        ends = (max(course.so_far, low), likely, likely + half)
        return _forecast(
            course, "estimate", on or _will_reach(course, pace), mean, _round(volume), ends
        )


def _pace(course: Course) -> Pace | None:
    """Return the pace to go on with, None when there are too few days to tell."""
    if course.nature == "level":
        return Pace(_ZERO, 1)
    last = min(course.last_day, course.end - _DAY)
    if course.nature == "distinct":
        done = (last - max(course.start, course.first_day)).days + 1
        return Pace(course.to_date, done) if done >= DAYS_MIN else None
    count = min(WINDOW_DAYS, (last - course.first_day).days + 1)
    if count < DAYS_MIN:
        return None
    recent = [course.days.get(last - i * _DAY, _ZERO) for i in range(count)]
    total = sum(recent, _ZERO)
    squares = sum((use * use for use in recent), _ZERO)
    return Pace(total, count, max(_ZERO, squares - total * total / count) / (count - 1))


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


def _will_reach(course: Course, pace: Pace) -> date | None:
    """Return the day on which the use will reach the allotment, None when not in this period."""
    if course.allotment is None or pace.total <= 0 or 0 < course.so_far >= course.allotment:
        return None
    missing = max(_ZERO, course.allotment - course.to_date)
    days = max(1, int((missing * pace.days / pace.total).to_integral_value(ROUND_CEILING)))
    return course.next_day + (days - 1) * _DAY if days <= course.remaining_days else None


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
