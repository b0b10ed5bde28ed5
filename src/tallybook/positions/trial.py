"""How well each method of forecasting would have done on a period that is over. Judges days that
it is given; asks nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final, NamedTuple, get_args

from tallybook.model.position import Method
from tallybook.model.quantity import EXACT
from tallybook.positions.forecast import course_of_days, forecast
from tallybook.positions.pace import DAYS_MIN

METHODS: Final[tuple[Method, ...]] = get_args(Method)
_ZERO: Final = Decimal(0)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Over:
    """A period [start, end) that is over, and the use of its days and of those before from
    `first_day` on, in one unit.
    """

    start: date
    end: date
    first_day: date
    days: Mapping[date, Decimal]

    @property
    def used(self) -> Decimal:
        """Return the use of the period, which is what was to be forecast."""
        with localcontext(EXACT):
            inside = (use for day, use in self.days.items() if self.start <= day < self.end)
            return sum(inside, _ZERO)


class Guess(NamedTuple):
    """A forecast that was made on a day, beside what came of it."""

    method: Method
    made_on: date
    projected: Decimal
    low: Decimal
    high: Decimal
    used: Decimal

    @property
    def error(self) -> Decimal:
        """Return how far it was from what came, without its sign."""
        return EXACT.abs(EXACT.subtract(self.projected, self.used))

    @property
    def is_covered(self) -> bool:
        """Tell whether what came lay in the range of 80 %."""
        return self.low <= self.used <= self.high


def guesses(over: Over) -> Iterator[Guess]:
    """Forecast a period at the end of each of its days, from the third to the last but one, by
    every method that has enough days: of the days to come nothing is known.
    """
    used = over.used
    known = {day: use for day, use in over.days.items() if day < over.start}
    for i in range((over.end - over.start).days - 1):
        day = over.start + i * _DAY
        known[day] = over.days.get(day, _ZERO)
        if i + 1 < DAYS_MIN:
            continue
        course = course_of_days(over.start, over.end, over.first_day, day, known, None)
        for method in METHODS:
            found = forecast(course, method)
            if found.projected is not None and found.low is not None and found.high is not None:
                yield Guess(method, day, found.projected, found.low, found.high, used)
