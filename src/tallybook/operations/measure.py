"""Counting what charges are worked out from: `Need`s are put to the events, those that can be
counted together in one question. Rates nothing, and looks for no permission: who calls has seen
to it that what comes of the answers may be seen, and counts with the whole scope.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid
from tallybook.model.limits import PIECES_A_QUESTION, PIECES_MAX
from tallybook.model.nouns import Meter
from tallybook.model.ports import Events
from tallybook.model.price import Billable, Piece
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Member, Scope
from tallybook.model.time import FIRST_INSTANT
from tallybook.model.usage import (
    PieceRow,
    PiecesQuery,
    Reading,
    ReadingsQuery,
    UsageCell,
    UsageQuery,
)
from tallybook.positions.hierarchy import members
from tallybook.positions.needs import Need, Uses, Window
from tallybook.positions.terms import fold_of, meter_on
from tallybook.positions.tolerance import moved

#: Needs in one question: their members and cells are in memory together.
NEEDS_A_QUESTION: Final = 20_000
#: The same of those whose readings near an edge are looked at one by one.
READERS_A_QUESTION: Final = 1_000
_ZERO: Final = Decimal(0)
_NOTHING: Final = Billable(_ZERO)

#: A value for each group and bucket; None is where nothing was counted.
_Grid = list[list[Decimal | None]]


def measure(
    scope: Scope, directory: Directory, events: Events, needs: Iterable[Need], seq: int
) -> Uses:
    """Count what is needed, as known at ledger position `seq`; `directory` is of the same mark.

    A retired meter counts as it last stood, and one that nobody defined counts 0: who asks says so.

    Raises:
        Invalid: `too_many_events`, where a price would have to look at more than it may.
    """
    found: dict[Need, tuple[Billable, ...]] = {}
    together: dict[tuple[object, ...], _Alike] = {}
    for need in dict.fromkeys(needs):
        meter = meter_on(directory, need.meter, need.on)
        if meter is None:
            found[need] = (_NOTHING,) * len(need.ends)
            continue
        # A directory has one object a version.
        windows = _windows(meter, need)
        shared = (id(meter), need.start, need.ends, _one_by_one(meter, need), windows)
        alike = together.get(shared)
        if alike is None:
            alike = together[shared] = _Alike(meter, need.start, need.ends, windows, [])
        alike.needs.append(need)
    for alike in together.values():
        for some in alike.chunks():
            question = _Question(scope, directory, events, seq, alike, some)
            is_by_event = _one_by_one(alike.meter, some[0]) is not None
            answers = question.pieces() if is_by_event else question.by_readings()
            found |= zip(some, answers, strict=True)
    return found


def _one_by_one(meter: Meter, need: Need) -> tuple[str, ...] | None:
    """Return what is to be known of each event; None where quantities are enough, or all there is:
    only what adds up comes from its events one by one.
    """
    return need.dimensions if fold_of(meter.aggregation).ADDS else None


def _windows(meter: Meter, need: Need) -> tuple[Window | None, Window | None]:
    """Return when readings may stand for the first and the last edge; counters have readings."""
    if fold_of(meter.aggregation).READS != "rise":
        return None, None
    return need.from_reading, need.to_reading


@dataclass(frozen=True, slots=True)
class _Alike:
    """Needs for the same meter over the same span."""

    meter: Meter
    start: datetime
    ends: tuple[datetime, ...]
    windows: tuple[Window | None, Window | None]
    needs: list[Need]

    def chunks(self) -> Iterator[Sequence[Need]]:
        """Cut the needs into those of one question each."""
        size = NEEDS_A_QUESTION if self.windows == (None, None) else READERS_A_QUESTION
        for i in range(0, len(self.needs), size):
            yield self.needs[i : i + size]

    @property
    def since(self) -> datetime:
        """Return where counting begins: the value that a stock has may be old."""
        carries = self.meter.kind == "stock" and fold_of(self.meter.aggregation).CARRIES
        return FIRST_INSTANT if carries else self.start


@dataclass(frozen=True, slots=True)
class _Question:
    """Some needs that are alike, as known at `seq`; need i is group i."""

    scope: Scope
    directory: Directory
    events: Events
    seq: int
    alike: _Alike
    needs: Sequence[Need]

    def by_readings(self) -> list[tuple[Billable, ...]]:
        """Return for each need its use at each end, by the readings that stand for the edges."""
        found = self.quantities()
        before, after = self.alike.windows
        if before is not None:
            shifts = self._moved(before, self.alike.start)
            found = [
                tuple(_more(one, -shift) for one in row)
                for row, shift in zip(found, shifts, strict=True)
            ]
        if after is not None:
            shifts = self._moved(after, self.alike.ends[-1])
            found = [
                (*row[:-1], _more(row[-1], shift)) for row, shift in zip(found, shifts, strict=True)
            ]
        return found

    def _moved(self, window: Window, edge: datetime) -> list[Decimal]:
        """Return for each need how much use moves over an edge.

        Raises:
            Invalid: `too_many_events`, where there are more readings than may be looked at.
        """
        who = self._members(window.start, window.end)
        accounts = tuple(Member(key, *window) for key in dict.fromkeys(m.account for m in who))
        query = ReadingsQuery(self.alike.meter, *window, self.seq, accounts, PIECES_MAX + 1)
        by_account: dict[str, list[Reading]] = {}
        readings = self.events.readings(self.scope, query)
        if len(readings) > PIECES_MAX:
            raise _too_many(self.needs[0], len(readings))
        for reading in readings:
            by_account.setdefault(reading.account, []).append(reading)
        mine: list[list[Reading]] = [[] for _ in self.needs]
        for member in who:
            known = by_account.get(member.account, ())
            mine[member.group] += (r for r in known if member.start <= r.time < member.end)
        return [moved(readings, edge) for readings in mine]

    def quantities(self) -> list[tuple[Billable, ...]]:
        """Return for each need its use at each end."""
        meter, since = self.alike.meter, self.alike.since
        kind = fold_of(meter.aggregation)
        ends = [end for end in dict.fromkeys(self.alike.ends) if end > since]
        if not ends:
            return [(_NOTHING,) * len(self.alike.ends)] * len(self.needs)
        who = self._members(since, ends[-1])

        def ask(*edges: datetime) -> _Grid:
            query = UsageQuery(meter, edges, self.seq, who)
            cells = self.events.usage(self.scope, query)
            return _grid(cells, len(self.needs), len(edges) - 1)

        if kind.ADDS or kind.CARRIES:  # then what was before an end follows from the buckets
            grid = ask(since, *ends)
            with localcontext(EXACT):
                rows = [_running(row, adds=kind.ADDS) for row in grid]
        else:
            columns = [ask(since, end) for end in ends]
            rows = [[column[i][0] or _ZERO for column in columns] for i in range(len(self.needs))]
        at = [ends.index(end) if end > since else None for end in self.alike.ends]
        return [tuple(_NOTHING if i is None else Billable(row[i]) for i in at) for row in rows]

    def pieces(self) -> list[tuple[Billable, ...]]:
        """Return for each need its events up to each end.

        Raises:
            Invalid: `too_many_events`, where one need has more of them than may be looked at.
        """
        found: list[list[PieceRow]] = [[] for _ in self.needs]
        for row in self._rows():
            mine = found[row.key.group]
            mine.append(row)
            if len(mine) > PIECES_MAX:
                raise _too_many(self.needs[row.key.group], len(mine))
        return [tuple(_up_to(rows, self.alike.ends)) for rows in found]

    def _rows(self) -> Iterator[PieceRow]:
        """Yield events in order, asked for page by page."""
        start, end = self.alike.start, self.alike.ends[-1]
        if start >= end:
            return
        query = PiecesQuery(
            self.alike.meter,
            start,
            end,
            self.seq,
            self._members(start, end),
            self.needs[0].dimensions or (),
            PIECES_A_QUESTION,
        )
        while page := self.events.pieces(self.scope, query):
            yield from page
            if len(page) < query.limit:
                return
            query = replace(query, after=page[-1].key)

    def _members(self, since: datetime, end: datetime) -> tuple[Member, ...]:
        return tuple(
            member
            for group, need in enumerate(self.needs)
            for member in members(
                self.directory, need.account, since, end, rollup=need.pooled, group=group
            )
        )


def _more(found: Billable, quantity: Decimal) -> Billable:
    return found._replace(quantity=EXACT.add(found.quantity, quantity)) if quantity else found


def _up_to(rows: Sequence[PieceRow], ends: Sequence[datetime]) -> Iterator[Billable]:
    """Yield what the events before each end come to."""
    pieces = tuple(Piece(row.quantity, row.values) for row in rows)
    quantity, done = _ZERO, 0
    with localcontext(EXACT):
        for end in ends:
            until = bisect_left(rows, end, key=lambda row: row.key.time)
            quantity = sum((piece.quantity for piece in pieces[done:until]), quantity)
            done = until
            yield Billable(quantity, pieces[:until])


def _too_many(need: Need, asked: int) -> Invalid:
    return Invalid(
        "too_many_events",
        f"A price looks at each event of {need.meter} for {need.account}, of which there are over "
        f"{PIECES_MAX}; choose a shorter cycle, or a price by quantity.",
        limit=PIECES_MAX,
        asked=asked,
    )


def _grid(cells: Iterable[UsageCell], rows: int, columns: int) -> _Grid:
    """Lay cells out."""
    grid: _Grid = [[None] * columns for _ in range(rows)]
    for cell in cells:
        grid[cell.group][cell.bucket] = cell.value
    return grid


def _running(values: Sequence[Decimal | None], *, adds: bool) -> list[Decimal]:
    """Return what buckets come to up to the end of each: their sum, or the last value there is.

    To be called where sums are exact.
    """
    found, now = [], _ZERO
    for value in values:
        if value is not None:
            now = now + value if adds else value
        found.append(now)
    return found
