"""What came after its day was over: late events of one line's period, and what they changed. Reads
only; what is late decides no amount.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.ports import Events, FactQuery, Ledger
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.usage import UsageQuery
from tallybook.operations.position import Instants, find_line, whole
from tallybook.positions.position import in_unit
from tallybook.positions.terms import Terms
from tallybook.positions.use import Use, added

#: Late events that are counted, and days of which it is said what they changed.
EVENTS_MAX: Final = 1_000
DAYS_MAX: Final = 10
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LateDay:
    """A day that late events belong to: its use as known when it was over, and as known now.

    `known_then` None is not worked out: the days before are more than `DAYS_MAX`, or a value that
    holds until the next one has no use of a day.
    """

    date: date
    events: int
    known_then: Decimal | None
    used: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """Return by how much late events changed the day."""
        if self.known_then is None:
            return None
        return EXACT.subtract(self.used or Decimal(0), self.known_then)


@dataclass(frozen=True, slots=True)
class Late:
    """The late events of a period: their number, `EVENTS_MAX` where there are more of them, and
    their days, newest first. Days before `since` were over before the first fact of all came in:
    what is known of them is history that was loaded. None is no such day.
    """

    events: int
    has_more: bool
    days: tuple[LateDay, ...]
    since: date | None


def late(
    scope: Scope,
    directory: Directory,
    ledger: Ledger,
    events: Events,
    found: Position,
    when: Instants,
    *,
    rollup: bool | None = None,
) -> Late:
    """Return the late events of a line, whose position `found` is, in its complete days.

    Raises:
        NotFound: as `operations.position.find_line`.
    """
    scope.require("read")
    key = (found.contract, found.line)
    line = find_line(scope, directory, key, when, rollup=rollup)
    begun = ledger.fetch(operator("late"), [1])
    start = line.period.start_date
    days = [start + i * _DAY for i in range((line.last_day - start).days + 1)]
    first = begun[1].received_at if 1 in begun else None
    closes = {
        day: line.calendar.start_of(day + _DAY)
        for day in days
        if first is not None and line.calendar.start_of(day + _DAY) > first
    }
    since = next(iter(closes), line.last_day + _DAY)
    if not closes:
        return Late(0, has_more=False, days=(), since=since if days else None)
    members = _members(line, directory, line.calendar.start_of(since))
    times = _times(scope, events, line, members, tuple(closes.values()), when.mark.seq)
    counts = Counter(line.calendar.day_of(time) for time in times[:EVENTS_MAX])
    used = {day.date: day.used for day in found.daily}
    newest = sorted(counts, reverse=True)
    shown = newest[: 0 if line.carries else DAYS_MAX]
    then = {
        day: _known_then(scope, ledger, events, line, members, day, closes[day]) for day in shown
    }
    return Late(
        min(len(times), EVENTS_MAX),
        len(times) > EVENTS_MAX,
        tuple(LateDay(day, counts[day], then.get(day), used.get(day)) for day in newest),
        since if since > start else None,
    )


def _members(line: Terms, directory: Directory, start: datetime) -> tuple[Member, ...]:
    return tuple(
        Member(m.account, max(m.start, start), m.end)
        for m in line.members(directory, 0)
        if max(m.start, start) < m.end
    )


def _times(
    scope: Scope,
    events: Events,
    line: Terms,
    members: tuple[Member, ...],
    closes: tuple[datetime, ...],
    seq: int,
) -> list[datetime]:
    """Return the times of late events that count: one question for each type of event."""
    start = min(member.start for member in members)
    return [
        one.time
        for event_type in dict.fromkeys(meter.event_type for meter in line.meters)
        for one in events.facts(
            whole(scope),
            FactQuery(members, event_type, start, closes[-1], seq, EVENTS_MAX + 1, closes=closes),
        )
        if one.hidden_by is None
    ]


def _known_then(
    scope: Scope,
    ledger: Ledger,
    events: Events,
    line: Terms,
    members: tuple[Member, ...],
    day: date,
    close: datetime,
) -> Decimal:
    """Return the use of a day as known when it was over, in the line's unit."""
    start = line.calendar.start_of(day)
    seq = ledger.seq_at(operator("late"), close)
    inside = tuple(
        Member(m.account, max(m.start, start), min(m.end, close))
        for m in members
        if max(m.start, start) < min(m.end, close)
    )
    uses = []
    for meter in line.meters:
        query = UsageQuery(meter, (start, close), seq, inside)
        value = next((cell.value for cell in events.usage(whole(scope), query)), None)
        uses.append(Use(value, None, {day: value}))
    return in_unit(line.item, added(uses)).days[day] or Decimal(0)
