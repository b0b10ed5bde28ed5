"""The periods of a contract: which local dates, and which instants, a period holds.

Boundaries are always counted from the anchor, never from the period before. Nothing here knows
about usage or money.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta

from tallybook.model.contract import Contract
from tallybook.model.nouns import Account
from tallybook.model.position import Period
from tallybook.model.time import LAST_DAY, Calendar

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Cycles of whole months from `anchor`, cut to the days in force [start, end).

    `end` None is without end. Another unit of cycle is another `boundary` and `index_of`.
    """

    anchor: date
    start: date
    end: date | None
    months: int = 1

    def boundary(self, index: int) -> date:
        """Return the first day of cycle `index`, counted from the anchor."""
        return add_months(self.anchor, index * self.months)

    def index_of(self, day: date) -> int:
        """Return the index of the cycle that holds a day."""
        distance = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
        index = distance // self.months
        return index if self.boundary(index) <= day else index - 1

    def in_force(self, day: date) -> bool:
        """Tell whether a day lies within the days in force."""
        return self.start <= day and (self.end is None or day < self.end)

    def period(self, index: int, calendar: Calendar) -> Period | None:
        """Return cycle `index` cut to the days in force, None when nothing of it is left."""
        first, last = self.boundary(index), self.boundary(index + 1)
        start = max(first, self.start)
        end = last if self.end is None else min(last, self.end)
        if start >= end:
            return None
        return Period(
            start_date=start,
            end_date=end,
            starts_at=calendar.start_of(start),
            ends_at=calendar.start_of(end),
            is_stub=(start, end) != (first, last),
        )


def add_months(day: date, months: int) -> date:
    """Move a date by whole months, to the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        return date.max
    if year < MINYEAR:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def schedule(contract: Contract) -> Schedule:
    """Return when a contract's periods begin: each calendar month, on its first day."""
    end = None if contract.end_date is None else min(contract.end_date, LAST_DAY) + _DAY
    return Schedule(anchor=contract.start_date.replace(day=1), start=contract.start_date, end=end)


def calendar_of(contract: Contract, account: Account | None) -> Calendar:
    """Return the local days of a contract: its own zone or its account's, at the account's hour."""
    days = account.calendar if account is not None else Calendar()
    if contract.timezone is None or contract.timezone == days.timezone:
        return days
    return Calendar(contract.timezone, days.day_start)


def period_at(contract: Contract, calendar: Calendar, instant: datetime) -> Period | None:
    """Return the period that holds an instant, None when the contract is not in force then."""
    return period_of(contract, calendar, calendar.day_of(instant))


def period_of(contract: Contract, calendar: Calendar, day: date) -> Period | None:
    """Return the period that holds a local day, None when the contract is not in force then."""
    plan = schedule(contract)
    return plan.period(plan.index_of(day), calendar) if plan.in_force(day) else None


def previous(contract: Contract, calendar: Calendar, period: Period) -> Period | None:
    """Return the period before this one, None when this one is the first."""
    return period_of(contract, calendar, period.start_date - _DAY)
