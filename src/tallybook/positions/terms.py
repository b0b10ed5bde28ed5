"""What was agreed for a line, in one period, as of one instant: everything a position needs except
the use itself. Reads the directory; counts nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from tallybook.aggregations._shape import Aggregation, aggregation
from tallybook.model.contract import Contract, Line
from tallybook.model.directory import Directory
from tallybook.model.nouns import Account, Meter
from tallybook.model.position import Period
from tallybook.model.scope import Member
from tallybook.model.time import FIRST_DAY, FIRST_INSTANT, LAST_DAY, Calendar
from tallybook.positions.forecast import Nature
from tallybook.positions.hierarchy import members
from tallybook.positions.periods import calendar_of, period_of

#: Days before `last_day` that a position carries beside its period's: a fortnight to look at.
RECENT_DAYS: Final = 14
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """One line of a contract in the period that holds local day `today`.

    `last_day` is the last complete local day. Use counts up to the end of `today`, so that an
    answer is the same all day long unless a fact arrives.
    """

    contract: Contract
    line: Line
    meter: Meter
    account: Account | None
    calendar: Calendar
    period: Period
    today: date
    last_day: date
    pooled: bool

    @property
    def first_day(self) -> date:
        """Return the first day on which the line is in force."""
        return self.contract.start_date

    @property
    def key(self) -> tuple[str, str]:
        """Return what names the line: the contract's number and the line's code."""
        return self.contract.number, self.line.code

    @property
    def service(self) -> str:
        """Return what the line is called on a list: its product, else its meter."""
        return self.line.product or self.meter.title

    @property
    def shared(self) -> tuple[object, ...]:
        """Return what lines must have in common to be counted in one call."""
        period = (self.period.start_date, self.period.end_date)
        return self.meter.key, self.calendar, *period, self.today, self.last_day, self.pooled

    @property
    def days(self) -> list[date]:
        """Return the days a position carries: its period's until today, and recent ones.

        A period that begins long after the last complete day has only its own.
        """
        first = self.period.start_date
        if self.last_day >= first - _DAY:
            known = (self.last_day - FIRST_DAY).days
            first = min(first, self.last_day - min(RECENT_DAYS - 1, known) * _DAY)
        return [first + i * _DAY for i in range((self.today - first).days + 1)]

    @property
    def counts_from(self) -> datetime:
        """Return the instant before which no event matters: a stock's value may be old."""
        return FIRST_INSTANT if self.carries else self.calendar.start_of(self.days[0])

    @property
    def counts_to(self) -> datetime:
        """Return the end of `today`."""
        return self.calendar.start_of(self.today + _DAY)

    @property
    def data_through(self) -> datetime:
        """Return the end of the last complete day."""
        return self.calendar.start_of(self.last_day + _DAY)

    @property
    def carries(self) -> bool:
        """Tell whether a value holds until the next one: the latest of a stock."""
        return self.meter.kind == "stock" and fold_of(self.meter.aggregation).CARRIES

    @property
    def nature(self) -> Nature:
        """Return what its days say about the period."""
        fold = fold_of(self.meter.aggregation)
        if self.meter.kind == "stock":
            return "level"
        return "additive" if fold.ADDS else "level" if fold.EMPTY is None else "distinct"

    def members(self, directory: Directory, group: int) -> list[Member]:
        """Return whose events count, when, as members of `group`."""
        return members(
            directory,
            self.contract.account,
            self.counts_from,
            self.counts_to,
            rollup=self.pooled,
            group=group,
        )


def terms(
    directory: Directory, number: str, at: datetime, now: datetime, *, rollup: bool | None = None
) -> list[Terms]:
    """Return the lines of a contract in the period that holds `at`; none when not in force.

    A line whose meter nobody defined cannot be counted and is left out. `rollup` None is as the
    contract says: the tree's use with `parent_pool`, else the account's own.
    """
    found = in_force(directory, number, at)
    if found is None:
        return []
    contract, account, calendar, today = found
    period = period_of(contract, calendar, today)
    if period is None:
        return []
    last_day = min(today, calendar.day_of(now) - _DAY)
    pooled = contract.pooling != "none" if rollup is None else rollup
    return [
        Terms(contract, line, meter, account, calendar, period, today, last_day, pooled)
        for line in contract.lines
        if line.meter is not None and (meter := meter_on(directory, line.meter, today)) is not None
    ]


def in_force(
    directory: Directory, number: str, at: datetime
) -> tuple[Contract, Account | None, Calendar, date] | None:
    """Return the version of a contract that holds at an instant, with its calendar and local day.

    Drafts do not hold, nor does an ended contract without an `end_date`.
    """
    for span in reversed(directory.spans("contract", number)):
        contract = span.noun
        account = directory.account_at(contract.account, at)
        calendar = calendar_of(contract, account)
        today = min(calendar.day_of(at), LAST_DAY - _DAY)  # so that tomorrow can be told
        if span.valid_from is None or span.valid_from <= today:
            gone = span.valid_to is not None and span.valid_to <= today
            draft = contract.status == "draft"
            ended = contract.status == "ended" and contract.end_date is None
            return None if gone or draft or ended else (contract, account, calendar, today)
    return None


def meter_on(directory: Directory, key: str, day: date) -> Meter | None:
    """Return a meter on a day; a retired one goes on as it last stood, for what was agreed."""
    found = directory.at("meter", key, day)
    spans = () if found is not None else directory.spans("meter", key)
    return spans[-1].noun if spans else found


@cache
def fold_of(name: str) -> Aggregation:
    """Return an aggregation by name, found once.

    Raises:
        Invalid: `unknown_kind`.
    """
    return aggregation(name)
