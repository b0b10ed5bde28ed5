"""Cycles: which local dates, and which instants, a period of any schedule holds.

Boundaries are always counted from the anchor, never from the period before. Which schedules a
contract has over time is worked out in `agreement`; nothing here knows about usage or money.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from tallybook.model.contract import Contract, CycleUnit
from tallybook.model.nouns import Account
from tallybook.model.position import Period
from tallybook.model.time import Calendar

_DAY: Final = timedelta(days=1)
_DAYS: Final[dict[CycleUnit, int]] = {"day": 1, "week": 7}
_MONTHS: Final[dict[CycleUnit, int]] = {"month": 1, "year": 12}
_DAYS_A_MONTH: Final = Fraction(365, 12)


class Span(NamedTuple):
    """What is left of cycle `number` in the days in force, [start, end), and the uncut cycle."""

    number: int
    start: date
    end: date
    cycle_start: date
    cycle_end: date

    @property
    def days(self) -> int:
        """Count the days that are left."""
        return (self.end - self.start).days

    @property
    def cycle_days(self) -> int:
        """Count the days of the uncut cycle."""
        return (self.cycle_end - self.cycle_start).days

    @property
    def is_stub(self) -> bool:
        """Tell whether anything cuts the cycle."""
        return (self.start, self.end) != (self.cycle_start, self.cycle_end)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Cycles of `length` units counted from `anchor`, cut to the days in force [start, end).

    `end` None is without end. Boundaries that no calendar can show are its first and last day.
    """

    anchor: date
    start: date
    end: date | None
    unit: CycleUnit = "month"
    length: int = 1

    def boundary(self, index: int) -> date:
        """Return the first day of cycle `index`, counted from the anchor."""
        days = _DAYS.get(self.unit)
        if days is None:
            return add_months(self.anchor, index * self.length * _MONTHS[self.unit])
        return add_days(self.anchor, index * self.length * days)

    def index_of(self, day: date) -> int:
        """Return the index of the cycle that holds a day."""
        days = _DAYS.get(self.unit)
        if days is not None:
            return (day - self.anchor).days // (days * self.length)
        distance = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
        index = distance // (_MONTHS[self.unit] * self.length)
        # Counted from the anchor also where a term comes before it, whose cycles are one further.
        return index if Schedule.boundary(self, index) <= day else index - 1

    def in_force(self, day: date) -> bool:
        """Tell whether a day lies within the days in force."""
        return self.start <= day and (self.end is None or day < self.end)

    def cycle(self, index: int) -> Span | None:
        """Return cycle `index` cut to the days in force, None when nothing of it is left."""
        return _cycle(self, index)

    def cycle_of(self, day: date) -> Span | None:
        """Return the cycle that holds a day, cut; None when the day is not in force."""
        return self.cycle(self.index_of(day)) if self.in_force(day) else None

    def between(self, first: date, last: date) -> Iterator[Span]:
        """Yield the cycles with a day in [first, last), each whole as far as it is in force."""
        found = map(self.cycle, self._indexes(first, last))
        return (span for span in found if span is not None)

    def count(self, first: date, last: date) -> int:
        """Count what `between` yields, without a look at each; ends of time may be one too many."""
        return len(self._indexes(first, last))

    def _indexes(self, first: date, last: date) -> range:
        start = max(first, self.start)
        end = last if self.end is None else min(last, self.end)
        return (
            range(self.index_of(start), self.index_of(end - _DAY) + 1) if start < end else range(0)
        )


@dataclass(frozen=True, slots=True)
class TermSchedule(Schedule):
    """One cycle from `term_start` to `anchor`, then cycles of `length` units: a term, and renewals.

    The term begins with `start` where it is not told. Days before it belong to no cycle.
    """

    term_start: date | None = None

    def boundary(self, index: int) -> date:
        """Return the start of the term, its end, and then the ends of renewals."""
        if index <= 0:
            return self.term_start or self.start
        return Schedule.boundary(self, index - 1)

    def index_of(self, day: date) -> int:
        """Return 0 in the term and before it, then the number of the renewal."""
        return 0 if day < self.anchor else 1 + Schedule.index_of(self, day)


@lru_cache(maxsize=32_768)  # thousands of lines ask for the same few cycles
def _cycle(schedule: Schedule, index: int) -> Span | None:
    first, last = schedule.boundary(index), schedule.boundary(index + 1)
    start = max(first, schedule.start)
    end = last if schedule.end is None else min(last, schedule.end)
    return Span(index, start, end, first, last) if start < end else None


def period(span: Span, calendar: Calendar, next_calendar: Calendar | None = None) -> Period:
    """Return a span with its instants in a zone; it ends where the next one begins, in the zone
    of `next_calendar` where that is another.
    """
    return Period(
        start_date=span.start,
        end_date=span.end,
        starts_at=calendar.start_of(span.start),
        ends_at=(next_calendar or calendar).start_of(span.end),
        is_stub=span.is_stub,
        index=span.number,
        cycle_start_date=span.cycle_start,
        cycle_days=span.cycle_days,
    )


def months(unit: CycleUnit, length: int) -> Fraction:
    """Return how many months a cycle is, exactly, to compare cycles: a month is 365/12 days."""
    if unit in _MONTHS:
        return Fraction(_MONTHS[unit] * length)
    return _DAYS[unit] * length / _DAYS_A_MONTH


def add_days(day: date, days: int) -> date:
    """Move a date by whole days, at most to the ends of time."""
    moved = day.toordinal() + days
    if moved > date.max.toordinal():
        return date.max
    return date.fromordinal(max(moved, 1))


@lru_cache(maxsize=32_768)  # as above
def add_months(day: date, months: int) -> date:
    """Move a date by whole months, to the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        return date.max
    if year < MINYEAR:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def calendar_of(contract: Contract, account: Account | None) -> Calendar:
    """Return the local days of a contract: its own zone or its account's, at the account's hour."""
    days = account.calendar if account is not None else Calendar()
    if contract.timezone is None or contract.timezone == days.timezone:
        return days
    return Calendar(contract.timezone, days.day_start)
