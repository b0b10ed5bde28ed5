"""The lines of many contracts side by side: a period back, and their course day by day.

Adds only what is of one unit; whoever asks picks the lines.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from threading import Lock
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.ports import Events, LineKey, SnapshotPage, SnapshotQuery, SnapshotState
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.operations._compute import compute
from tallybook.operations._listing import listed
from tallybook.operations.position import (
    Instants,
    sees,
    shown,
    sorted_for,
    whole,
    without_prices,
)
from tallybook.positions.position import Known
from tallybook.positions.terms import Terms, terms

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
_ZERO: Final = Decimal(0)
_ANSWERS_KEPT: Final = 16

#: What an answer of `Past` rests on: entries, a revision, the minute where that matters, and the
#: periods and days of lines.
_Asked = tuple[int, int, int | None, tuple[tuple[str, str, datetime, date], ...]]


@dataclass(frozen=True, slots=True)
class CourseDay:
    """One day of a period: use and running use where the day is complete, else the forecast's.

    `previous` is the running use of the same day of the period before. Where days do not add up,
    as those of a distinct count, there is only `used`.
    """

    day: date
    used: Decimal | None = None
    to_date: Decimal | None = None
    forecast: Decimal | None = None
    projected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    previous: Decimal | None = None


class Past:
    """The period before of every line, kept for a few marks: it changes only with a late fact or
    a new version. Its lines carry the mark that they were first worked out for. And where lines
    stood at a mark that somebody names, kept for as many questions of one page.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: OrderedDict[_Asked, tuple[Position, ...]] = OrderedDict()
        self._lock = Lock()

    def page(
        self,
        scope: Scope,
        directory: Directory,
        events: Events,
        query: SnapshotQuery,
        when: Instants,
    ) -> SnapshotPage:
        """List where lines stood when the period before the one of `when.at` ended."""
        scope.require("read")
        lines = [
            line
            for number in _numbers(directory, query)
            for line in _before(scope, directory, number, when)
            if query.service is None or line.service == query.service
        ]
        found = self._worked_out(scope, directory, events, lines, when)
        return _page(scope, found, query, when)

    def at(
        self,
        scope: Scope,
        directory: Directory,
        events: Events,
        query: SnapshotQuery,
        when: Instants,
    ) -> SnapshotPage:
        """List where lines stood at `when.at`, as known at its mark."""
        scope.require("read")
        lines = [
            line
            for number in _numbers(directory, query)
            for line in terms(directory, number, when.at, when.now)
            if sees(scope, line.contract, when.at)
        ]
        minute = when.mark.minute
        found = self._worked_out(scope, directory, events, lines, when, minute)
        return _page(scope, found, query, when)

    def of(
        self,
        scope: Scope,
        directory: Directory,
        events: Events,
        keys: Collection[LineKey],
        when: Instants,
    ) -> tuple[Position, ...]:
        """Return where these lines stood when the period before the one of `when.at` ended."""
        scope.require("read")
        wanted = set(keys)
        lines = [
            line
            for number in dict.fromkeys(number for number, _ in keys)
            for line in _before(scope, directory, number, when)
            if line.key in wanted
        ]
        found = self._worked_out(scope, directory, events, lines, when)
        return tuple(found if scope.sees_prices else map(without_prices, found))

    def _worked_out(
        self,
        scope: Scope,
        directory: Directory,
        events: Events,
        lines: Sequence[Terms],
        when: Instants,
        minute: int | None = None,
    ) -> tuple[Position, ...]:
        """Return where lines stand, kept or worked out, all of them in full; what is not at its end
        is of a `minute`.
        """
        periods = tuple((*line.key, line.period.starts_at, line.last_day) for line in lines)
        asked = (when.mark.seq, when.mark.revision, minute, periods)
        found = self._kept.get(asked)
        if found is None:
            known = Known(when.mark, when.refreshed_at)
            found = tuple(compute(whole(scope), directory, events, lines, known))
            self._keep(asked, found)
        return found

    def _keep(self, asked: _Asked, found: tuple[Position, ...]) -> None:
        with self._lock:
            self._kept[asked] = found
            while len(self._kept) > _ANSWERS_KEPT:
                self._kept.popitem(last=False)


def _page(
    scope: Scope, found: Iterable[Position], query: SnapshotQuery, when: Instants
) -> SnapshotPage:
    state = SnapshotState(when.mark, when.refreshed_at)
    return shown(scope, listed(found, sorted_for(scope, query), state))


def _numbers(directory: Directory, query: SnapshotQuery) -> Iterable[str]:
    """Return the contracts that may match: of a few accounts not those of all others."""
    if query.contract is not None:
        return [query.contract]
    if query.accounts is None:
        return directory.ever("contract")
    owned = (number for key in sorted(query.accounts) for number in directory.contracts_of(key))
    return dict.fromkeys(owned)  # a contract may have passed from one to another


def _before(scope: Scope, directory: Directory, number: str, when: Instants) -> list[Terms]:
    """Return a contract's lines as the period before ended, where its account is the caller's now
    and was then: what an account used before it joined their tree is not theirs to see.
    """
    current = terms(directory, number, when.at, when.now)
    if not current:
        return []
    end = current[0].period.starts_at - _MOMENT
    return [
        line
        for line in terms(directory, number, end, when.now)
        if sees(scope, line.contract, when.at) and sees(scope, line.contract, end)
    ]


def course(
    positions: Sequence[Position], previous: Iterable[Position] = ()
) -> tuple[CourseDay, ...]:
    """Return the common course of lines of one unit, from the first day of their periods to the
    last; a forecast is drawn as a straight line from what is used to what is projected.
    """
    if not positions:
        return ()
    first = min(p.period.start_date for p in positions)
    last = max(p.period.end_date for p in positions) - _DAY
    used = _sum_by_day(positions, first)
    if not all(map(adds_up, positions)):
        through = _last_complete(positions)
        days = (first + i * _DAY for i in range((last - first).days + 1))
        return tuple(CourseDay(day, used.get(day)) for day in days if day <= through)
    before = _previous(previous, (last - first).days + 1)
    with localcontext(EXACT):
        return tuple(_days(positions, first, last, used, before))


def available(found: Position) -> Decimal | None:
    """Return what a line has allotted and carried from earlier cycles; None is no promise."""
    if found.remaining is None:
        return None
    with localcontext(EXACT):
        return (found.used or _ZERO) - found.overage + found.remaining


def adds_up(found: Position) -> bool:
    """Tell whether the days of a line make its running use: all but distinct counts and levels."""
    if found.kind == "stock":
        return True
    through = _last_complete([found])
    with localcontext(EXACT):
        days = (
            d.used or _ZERO for d in found.daily if found.period.start_date <= d.date <= through
        )
        return sum(days, _ZERO) == found.forecast.to_date


def _days(
    positions: Sequence[Position],
    first: date,
    last: date,
    used: dict[date, Decimal],
    before: Sequence[Decimal],
) -> Iterable[CourseDay]:
    through = _last_complete(positions)
    ahead = Decimal(max((last - through).days, 0))
    to_date = sum((p.forecast.to_date for p in positions), _ZERO)
    ends = [_end_of(positions, name) for name in ("projected", "low", "high")]
    running = _ZERO
    for i in range((last - first).days + 1):
        day = first + i * _DAY
        earlier = before[i] if i < len(before) else None
        if day <= through:
            amount = used.get(day, _ZERO)
            running = amount if positions[0].kind == "stock" else running + amount
            yield CourseDay(day, used=amount, to_date=running, previous=earlier)
        elif ends[0] is None:
            yield CourseDay(day, previous=earlier)
        else:
            step = Decimal((day - through).days) / ahead
            lines = [None if e is None else to_date + (e - to_date) * step for e in ends]
            mean = (ends[0] - to_date) / ahead
            yield CourseDay(
                day,
                forecast=mean,
                projected=lines[0],
                low=lines[1],
                high=lines[2],
                previous=earlier,
            )


def _last_complete(positions: Sequence[Position]) -> date:
    """Return the last day that is complete for every line."""
    return min(p.period.start_date + (_complete_days(p) - 1) * _DAY for p in positions)


def _complete_days(found: Position) -> int:
    length = (found.period.end_date - found.period.start_date).days
    return length - found.forecast.remaining_days


def _sum_by_day(positions: Iterable[Position], first: date) -> dict[date, Decimal]:
    sums: dict[date, Decimal] = {}
    with localcontext(EXACT):
        for found in positions:
            for day in found.daily:
                if day.date >= max(first, found.period.start_date) and day.used is not None:
                    sums[day.date] = sums.get(day.date, _ZERO) + day.used
    return sums


def _previous(positions: Iterable[Position], days: int) -> list[Decimal]:
    """Return the running use of the period before, by the number of its day."""
    found = list(positions)
    if not found:
        return []
    first = min(p.period.start_date for p in found)
    end = max(p.period.end_date for p in found)
    sums = _sum_by_day(found, first)
    running, course_before = _ZERO, []
    with localcontext(EXACT):
        for i in range(min(days, (end - first).days)):
            amount = sums.get(first + i * _DAY, _ZERO)
            running = amount if found[0].kind == "stock" else running + amount
            course_before.append(running)
    return course_before


def _end_of(positions: Iterable[Position], name: str) -> Decimal | None:
    """Return the sum of what lines are heading for; one too young counts with its use so far."""
    ends = [getattr(p.forecast, name) for p in positions]
    if all(end is None for end in ends):
        return None
    so_far = (p.forecast.to_date for p in positions)
    return sum((s if e is None else e for e, s in zip(ends, so_far, strict=True)), _ZERO)
