"""What was agreed for a line, in the cycle that holds an instant: all that a position needs except
the use itself. Reads the directory; counts nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from tallybook.aggregations._shape import Aggregation, aggregation
from tallybook.model.contract import Contract
from tallybook.model.directory import Directory
from tallybook.model.nouns import Account, Meter
from tallybook.model.position import Period
from tallybook.model.scope import Member
from tallybook.model.time import FIRST_DAY, FIRST_INSTANT, Calendar
from tallybook.positions.agreement import Agreement, agreement
from tallybook.positions.forecast import Nature
from tallybook.positions.hierarchy import members
from tallybook.positions.items import Item, Segment, Turn, items, segments, turns
from tallybook.positions.pools import with_pool

#: Days before `last_day` that a position carries beside its period's: a fortnight to look at.
RECENT_DAYS: Final = 14
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """One line or meter group of a contract in its cycle that holds local day `today`.

    `recent_days` are counted up to `last_day`, also before the period.

    `last_day` is the last complete local day. Use counts up to the end of `today`, so that an
    answer is the same all day long unless a fact arrives. `turn` is the cycle with its segments,
    `earlier` the cycles before it that hand something on to it.
    """

    agreement: Agreement
    contract: Contract
    item: Item
    turn: Turn[Item]
    earlier: tuple[Turn[Item], ...]
    meters: tuple[Meter, ...]
    account: Account | None
    calendar: Calendar
    period: Period
    today: date
    last_day: date
    pooled: bool
    recent_days: int = RECENT_DAYS

    @property
    def meter(self) -> Meter:
        """Return what it is counted by: the first meter of a group, whose unit all have."""
        return self.meters[0]

    @property
    def parts(self) -> Iterator["Terms"]:
        """Yield it once for each of its meters, which are counted apart."""
        if len(self.meters) == 1:
            yield self
        else:
            yield from (replace(self, meters=(meter,)) for meter in self.meters)

    @property
    def first_day(self) -> date:
        """Return the first day on which the contract is in force."""
        return self.contract.start_date

    @property
    def key(self) -> tuple[str, str]:
        """Return what names the line: the contract's number and the line's code."""
        return self.contract.number, self.item.code

    @property
    def service(self) -> str:
        """Return what the line is called on a list: its product, else its group or meter."""
        return self.item.product or (self.item.code if self.item.settles else self.meter.title)

    @property
    def unit(self) -> str:
        """Return the unit of its quantities."""
        return self.item.conversion.unit if self.item.conversion else self.meter.unit

    @property
    def shared(self) -> tuple[object, ...]:
        """Return what lines must have in common to be counted in one call."""
        period = (self.period.start_date, self.period.end_date)
        days = (self.today, self.last_day, self.recent_days)
        return self.meter.key, self.calendar, *period, *days, self.pooled

    @property
    def days(self) -> list[date]:
        """Return the days a position carries: its period's until today, and recent ones.

        A period that begins long after the last complete day has only its own.
        """
        first = self.period.start_date
        if self.last_day >= first - _DAY:
            known = (self.last_day - FIRST_DAY).days
            first = min(first, self.last_day - min(self.recent_days - 1, known) * _DAY)
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
    """Return the lines of a contract in the cycles that hold `at`; none when not in force.

    A line whose meter nobody defined cannot be counted and is left out, as is a fixed quantity.
    `rollup` None is as the contract says: the tree's use with a pool, else the account's own.
    """
    agreed = agreement(directory, number)
    today = agreed.day_of(at)
    contract = None if today is None else agreed.on(today)
    if today is None or contract is None:
        return []
    calendar = agreed.calendar_on(today)
    standing = _Standing(
        directory,
        agreed,
        contract,
        directory.account_at(contract.account, at),
        calendar,
        today,
        min(today, calendar.day_of(now) - _DAY),
        rollup,
    )
    known = segments(agreed, items)
    lines = (standing.line(item, known[item.code]) for item in items(contract))
    return [line for line in lines if line is not None]


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the lines of a contract have in common at an instant."""

    directory: Directory
    agreement: Agreement
    contract: Contract
    account: Account | None
    calendar: Calendar
    today: date
    last_day: date
    rollup: bool | None

    def line(self, item: Item, known: Sequence[Segment[Item]]) -> Terms | None:
        """Return an item in its cycle; None where it cannot be counted."""
        found = (meter_on(self.directory, key, self.today) for key in item.meters)
        meters = tuple(meter for meter in found if meter is not None)
        if not meters:
            return None
        if self.rollup is not None:
            item = _viewed(item, rollup=self.rollup)
            known = [s._replace(item=_viewed(s.item, rollup=self.rollup)) for s in known]
        turn = next(turns(self.agreement, known, self.today, self.today + _DAY))
        return Terms(
            self.agreement,
            self.contract,
            item,
            with_pool(self.directory, self.agreement, turn),
            self._earlier(known, turn),
            meters,
            self.account,
            self.calendar,
            self.agreement.period(turn.span._replace(start=turn.start, end=turn.end)),
            self.today,
            self.last_day,
            item.pooling != "none",
        )

    def _earlier(self, known: Sequence[Segment[Item]], turn: Turn[Item]) -> tuple[Turn[Item], ...]:
        if not any(segment.item.carries for segment in known) or known[0].start >= turn.start:
            return ()
        found = turns(self.agreement, known, known[0].start, turn.start)
        return tuple(with_pool(self.directory, self.agreement, earlier) for earlier in found)


def _viewed(item: Item, *, rollup: bool) -> Item:
    """Return an item as counted for the tree, or for the account alone."""
    if not rollup:
        return replace(item, pooling="none")
    return replace(item, pooling="parent_pool") if item.pooling == "none" else item


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
