"""Where all accounts stand, read from the snapshot right after a refresh, against working the same
answer out of the raw rows by hand; and what it costs to keep the snapshot fresh.
"""

import gc
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from bench import data
from bench.machine import Cost, best, cost
from bench.sizes import Engine, Size
from bench.usage import counted
from tallybook.model.directory import Directory
from tallybook.model.mark import Mark, minute_of
from tallybook.model.ports import Events, SnapshotPage, SnapshotQuery, SnapshotState
from tallybook.model.scope import operator
from tallybook.model.time import micros
from tallybook.operations._compute import compute
from tallybook.positions.position import Known
from tallybook.positions.terms import Terms, terms
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import BooksLeases
from tallybook.stores.books.snapshot import BooksSnapshot

EVENTS: Final = 20_000_000
CHANGED: Final = 500
PAGE: Final = 50
_CHUNK: Final = 5_000
_SCOPE: Final = operator("bench")
_NOW: Final = datetime(2025, 3, 31, 12, tzinfo=UTC)
_MONTH: Final = datetime(2025, 3, 1, tzinfo=UTC)
_DAYS: Final = 31
#: The events of today after now were generated too, and both sides count them.
_END: Final = _MONTH + timedelta(days=_DAYS)
_WORST: Final = SnapshotQuery(sort="projected_overage", descending=True, limit=PAGE)

Row = dict[str, Any]


def run(events: int, folder: Path, size: Size) -> list[Row]:
    """Build the snapshot, read it, work the same out by hand, and refresh a part of it."""
    gc.set_threshold(100_000, 50, 100)  # as `serve` does
    store = data.store(events, folder, size)
    database = size.database(folder)
    ours = _Ours(store, data.directory(contracts=True), database, events)
    hand = _Hand(size.by_hand(store))
    waited = _Waited(database)
    whole = cost(lambda: ours.write(ours.numbers), size.servers)
    longest = waited.stop()
    part = cost(lambda: ours.write(ours.numbers[:CHANGED], everything=False), size.servers)
    lines = len(ours.numbers) * len(data.LINES)
    pages = [_after_a_refresh(ours, number, size) for number in ours.numbers[:7]]
    page = Cost(min(p.wall for p in pages), min(p.cpu for p in pages))
    by_hand = best(hand.answer, servers=size.servers)
    _same(ours.page(_WORST), hand.answer())
    every = best(lambda: _streamed(ours, lines), 3, size.servers)
    store.close()
    database.close()
    changed = CHANGED * len(data.LINES)
    return [
        {"what": "lines", "value": f"{lines:,}"},
        {
            "what": f"worst {PAGE} by projected overage, totals, counts, right after a refresh",
            "value": _ms(page),
        },
        {
            "what": "use, overage, worst, totals, counts by hand from raw rows",
            "value": _ms(by_hand),
        },
        {
            "what": "ratio, page with totals and counts",
            "value": f"{page.wall / by_hand.wall:.3f}",
            "target": "<= 0.1",
        },
        {
            "what": "ratio of CPU time",
            "value": f"{page.cpu / by_hand.cpu:.3f}",
        },
        {"what": "every line streamed as values", "value": _ms(every)},
        {"what": "snapshot of everything, computed and written", "value": _ms(whole)},
        {
            "what": "longest that another writer waited meanwhile",
            "value": f"{longest * 1e3:,.0f} ms",
        },
        {"what": f"refresh of {changed:,} changed lines", "value": _ms(part)},
        {"what": "lines refreshed a CPU-second", "value": f"{changed / part.cpu:,.0f}"},
    ]


class _Ours:
    """The snapshot as the refresher writes it and as lists read it."""

    def __init__(self, store: Events, directory: Directory, database: Database, seq: int) -> None:
        self.numbers = list(directory.keys("contract"))
        self._store = store
        self._directory = directory
        self._snapshot = BooksSnapshot(database)
        self._leases = BooksLeases(database, "bench")
        self._state = SnapshotState(Mark(seq, directory.revision, minute_of(_NOW)), None)

    def write(self, some: list[str], *, everything: bool = True) -> None:
        known = Known(self._state.mark, None)
        found = compute(_SCOPE, self._directory, self._store, self._lines(some), known)
        claim = self._leases.claim(_SCOPE, "refresh")
        assert claim is not None
        self._snapshot.replace(_SCOPE, self._state, found, claim=claim, everything=everything)

    def page(self, query: SnapshotQuery) -> SnapshotPage:
        return self._snapshot.page(_SCOPE, query)

    def _lines(self, some: Iterable[str]) -> list[Terms]:
        return [line for number in some for line in terms(self._directory, number, _NOW, _NOW)]


class _Hand:
    """What a person would write: it knows no tiers, no pools and no past marks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.keep("allotted", engine.accounts(data.ACCOUNTS, data.LINES))
        meters = counted(engine)
        used = " UNION ALL ".join(
            f"SELECT subject, '{name}' AS meter, CAST({name} AS DECIMAL(38,12)) AS used "
            "FROM used_up"
            for name in data.LINES
        )
        none = "CAST(0 AS DECIMAL(38,12))"
        projected = engine.whole(f"coalesce(used, {none}) * {_DAYS}", str((_NOW - _MONTH).days))
        self._used = (
            f"SELECT subject, {', '.join(f'{meters[name]} AS {name}' for name in data.LINES)} "
            f"FROM {engine.month(micros(_MONTH))} WHERE type = 'api.request' "
            f"AND time >= {micros(_MONTH)} AND time < {micros(_END)} GROUP BY subject"
        )
        self._stands = (
            f"SELECT account, a.meter AS meter, coalesce(used, {none}) AS used, q, "
            f"greatest({none}, coalesce(used, {none}) - q) AS over, "
            f"greatest({none}, {projected} - q) AS projected FROM allotted a "
            f"LEFT JOIN ({used}) u ON u.subject = a.account AND u.meter = a.meter"
        )

    def answer(self) -> tuple[Sequence[Any], Sequence[Any]]:
        """Return the worst lines, and per meter and state the number of lines and their sums."""
        self._engine.keep("used_up", self._used)
        self._engine.keep("stands_now", self._stands)
        worst = self._engine.rows(f"SELECT * FROM stands_now ORDER BY projected DESC LIMIT {PAGE}")
        sums = self._engine.rows(
            "SELECT meter, used > q, count(*), sum(used), sum(q), sum(over), sum(projected) "
            "FROM stands_now GROUP BY meter, used > q"
        )
        return worst, sums


class _Waited:
    """Another writer of Books: commits all the time and notes how long it had to wait."""

    def __init__(self, database: Database) -> None:
        self._longest = 0.0
        self._stopped = Event()
        self._database = database
        self._thread = Thread(target=self._run)
        self._thread.start()

    def stop(self) -> float:
        self._stopped.set()
        self._thread.join()
        return self._longest

    def _run(self) -> None:
        while not self._stopped.wait(0.05):
            began = time.perf_counter()
            with self._database.writer():
                self._longest = max(self._longest, time.perf_counter() - began)


def _after_a_refresh(ours: _Ours, number: str, size: Size) -> Cost:
    """Take the time of the first page after a refresh: nothing is known from before."""
    ours.write([number], everything=False)
    return cost(lambda: ours.page(_WORST), size.servers)


def _streamed(ours: _Ours, lines: int) -> None:
    read = 0
    while found := ours.page(SnapshotQuery(offset=read, limit=_CHUNK)).items:
        read += len(found)
    assert read == lines


def _same(page: SnapshotPage, by_hand: tuple[Sequence[Any], Sequence[Any]]) -> None:
    """Check that both sides have said the same of the whole fleet."""
    _, sums = by_hand
    assert page.total == sum(count for _, _, count, *_ in sums)
    assert page.counts["over"] == sum(row[2] for row in sums if row[1])
    for i, name in ((3, "used"), (4, "allotment"), (5, "overage")):
        theirs = sum((Decimal(row[i]) for row in sums), Decimal(0))
        assert sum(getattr(total, name) for total in page.totals) == theirs, name


def _ms(spent: Cost) -> str:
    return f"{spent.wall * 1e3:,.1f} ms"
