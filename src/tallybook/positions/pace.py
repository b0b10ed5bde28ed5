"""What is expected of the days that are left of a period, by each method of telling it from the
days before. Knows nothing of allotments and amounts.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final, NamedTuple

from tallybook.model.position import Method
from tallybook.model.quantity import EXACT

WINDOW_DAYS: Final = 7
DAYS_MIN: Final = 3
#: Whole weeks that the weekdays are compared over, and how few are not enough for that.
WEEKS: Final = 4
WEEKS_MIN: Final = 2
_WEEK: Final = 7
_ZERO: Final = Decimal(0)
_DAY: Final = timedelta(days=1)


class Pace(NamedTuple):
    """The use of some recent days, and how far single days lie from what is expected of them.

    Days to come have the mean of these, or, with `weekdays`, shares of a week's use: theirs by
    how much each weekday, Monday first, had of the weeks before.
    """

    total: Decimal
    days: int
    variance: Decimal = _ZERO
    weekdays: tuple[Decimal, ...] = ()

    @property
    def mean(self) -> Decimal:
        """Return the use of a day, unrounded."""
        return EXACT.divide(self.total, Decimal(self.days))

    def share(self, first: date, count: int) -> tuple[Decimal, Decimal]:
        """Return what part of `total` is expected of some days from `first` on, as a fraction:
        numerator and denominator.
        """
        if not self.weekdays:
            return Decimal(count), Decimal(self.days)
        weeks, rest = divmod(count, _WEEK)
        week = sum(self.weekdays, _ZERO)
        over = (self.weekdays[(first.weekday() + i) % _WEEK] for i in range(rest))
        return sum(over, weeks * week), week

    def reaching(self, missing: Decimal, first: date, count: int) -> date | None:
        """Return the first of some days by whose end a quantity is expected; None if none is."""
        if not self.weekdays:
            needed = (missing * self.days / self.total).to_integral_value(ROUND_CEILING)
            days = max(1, int(needed))
            return first + (days - 1) * _DAY if days <= count else None
        for days in range(1, count + 1):
            part, whole = self.share(first, days)
            if self.total * part >= missing * whole:
                return first + (days - 1) * _DAY
        return None


def pace(
    method: Method, days: Mapping[date, Decimal], start: date, first_day: date, last: date
) -> Pace | None:
    """Tell the pace from the days up to `last`, None when there are too few.

    `first_day` is the first that is known, `start` the first of the period; days that are not
    named had no use. `mean_7` is the mean of the last seven days (the rule that this product
    began with), `linear` that of the period so far. `weekday` is the last seven days' use, spread
    by how much each weekday had of the last four whole weeks; below two weeks it is as `mean_7`.
    """
    known = (last - first_day).days + 1
    if method == "linear":
        return _even(_last(days, last, min(known, (last - start).days + 1)))
    weeks = min(WEEKS, known // _WEEK)
    if method == "weekday" and weeks >= WEEKS_MIN:
        return _by_weekday(_last(days, last, weeks * _WEEK), last)
    return _even(_last(days, last, min(known, WINDOW_DAYS)))


def _last(days: Mapping[date, Decimal], last: date, count: int) -> list[Decimal]:
    """Return the use of the last days, the latest first."""
    return [days.get(last - i * _DAY, _ZERO) for i in range(count)]


def _even(recent: Sequence[Decimal]) -> Pace | None:
    """Expect every day to be as the mean of recent ones, and to scatter about it as these did."""
    count = len(recent)
    if count < DAYS_MIN:
        return None
    total = sum(recent, _ZERO)
    squares = sum((use * use for use in recent), _ZERO)
    return Pace(total, count, max(_ZERO, squares - total * total / count) / (count - 1))


def _by_weekday(recent: Sequence[Decimal], last: date) -> Pace:
    """Expect of every weekday its part of a week, and days to scatter about the weekday's mean."""
    weeks = len(recent) // _WEEK
    of_day = [recent[i::_WEEK] for i in range(_WEEK)]  # the latest day's weekday first
    sums = [sum(uses, _ZERO) for uses in of_day]
    scatter = sum(
        (use * use * weeks - use * whole for uses, whole in zip(of_day, sums, strict=True)
         for use in uses),
        _ZERO,
    )  # fmt: skip
    total = sum(recent[:_WEEK], _ZERO)
    freedom = _WEEK * (weeks - 1)
    if not any(sums):
        return Pace(total, _WEEK)
    weekdays = tuple(sums[(last.weekday() - i) % _WEEK] for i in range(_WEEK))
    return Pace(total, _WEEK, max(_ZERO, scatter) / weeks / freedom, weekdays)
