"""Counting what charges are worked out from: `Need`s are put to the events, those that can be
counted together in one question. Rates nothing, and looks for no permission: who calls has seen
to it that what comes of the answers may be seen, and counts with the whole scope.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.nouns import Meter
from tallybook.model.ports import Events
from tallybook.model.price import Billable
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Member, Scope
from tallybook.model.time import FIRST_INSTANT
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.positions.hierarchy import members
from tallybook.positions.needs import Need, Uses
from tallybook.positions.terms import fold_of, meter_on

#: Needs in one question: their members and cells are in memory together.
NEEDS_A_QUESTION: Final = 20_000
_ZERO: Final = Decimal(0)


def measure(
    scope: Scope, directory: Directory, events: Events, needs: Collection[Need], seq: int
) -> Uses:
    """Count what is needed, as known at ledger position `seq`; `directory` is of the same mark.

    A retired meter counts as it last stood, and one that nobody defined counts 0: who asks says so.
    """
    found: dict[Need, tuple[Billable, ...]] = {}
    together: dict[tuple[object, ...], _Alike] = {}
    for need in dict.fromkeys(needs):
        meter = meter_on(directory, need.meter, need.on)
        if meter is None:
            found[need] = (Billable(_ZERO),) * len(need.ends)
            continue
        shared = (id(meter), need.start, need.ends)  # a directory has one object a version
        alike = together.setdefault(shared, _Alike(meter, need.start, need.ends, []))
        alike.needs.append(need)
    for alike in together.values():
        for some in alike.chunks():
            counts = alike.count(scope, directory, events, some, seq)
            for need, quantities in zip(some, counts, strict=True):
                found[need] = tuple(map(Billable, quantities))
    return found


@dataclass(frozen=True, slots=True)
class _Alike:
    """Needs for the same meter over the same span; need i of a question is group i."""

    meter: Meter
    start: datetime
    ends: tuple[datetime, ...]
    needs: list[Need]

    def chunks(self) -> Iterator[Sequence[Need]]:
        """Cut the needs into those of one question each."""
        for i in range(0, len(self.needs), NEEDS_A_QUESTION):
            yield self.needs[i : i + NEEDS_A_QUESTION]

    @property
    def since(self) -> datetime:
        """Return where counting begins: the value that a stock has may be old."""
        carries = self.meter.kind == "stock" and fold_of(self.meter.aggregation).CARRIES
        return FIRST_INSTANT if carries else self.start

    def count(
        self, scope: Scope, directory: Directory, events: Events, needs: Sequence[Need], seq: int
    ) -> list[list[Decimal]]:
        """Return a quantity for each of `ends`, for each need."""
        kind = fold_of(self.meter.aggregation)
        ends = [end for end in dict.fromkeys(self.ends) if end > self.since]
        if not ends:
            return [[_ZERO] * len(self.ends) for _ in needs]
        who = self._members(directory, needs, ends[-1])

        def ask(*edges: datetime) -> list[UsageCell]:
            return events.usage(scope, UsageQuery(self.meter, edges, seq, who))

        if kind.ADDS or kind.CARRIES:  # then what was before an end follows from the buckets
            grid = _grid(ask(self.since, *ends), len(needs), len(ends))
            rows = [_running(row, adds=kind.ADDS) for row in grid]
        else:
            columns = [_grid(ask(self.since, end), len(needs), 1) for end in ends]
            rows = [[column[i][0] or _ZERO for column in columns] for i in range(len(needs))]
        at = [ends.index(end) if end > self.since else None for end in self.ends]
        return [[_ZERO if i is None else row[i] for i in at] for row in rows]

    def _members(
        self, directory: Directory, needs: Sequence[Need], end: datetime
    ) -> tuple[Member, ...]:
        return tuple(
            member
            for group, need in enumerate(needs)
            for member in members(
                directory, need.account, self.since, end, rollup=need.pooled, group=group
            )
        )


def _grid(cells: list[UsageCell], rows: int, columns: int) -> list[list[Decimal | None]]:
    """Lay cells out by group and bucket; None is where nothing was counted."""
    grid: list[list[Decimal | None]] = [[None] * columns for _ in range(rows)]
    for cell in cells:
        grid[cell.group][cell.bucket] = cell.value
    return grid


def _running(values: Sequence[Decimal | None], *, adds: bool) -> list[Decimal]:
    """Return what buckets come to up to the end of each: their sum, or the last value there is."""
    found, now = [], _ZERO
    with localcontext(EXACT):
        for value in values:
            if value is not None:
                now = now + value if adds else value
            found.append(now)
    return found
