"""Where all accounts stand, read from the snapshot, against counting the raw rows by hand; and what
it costs to keep the snapshot fresh.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import data
from bench.machine import best, cost
from bench.usage import BY_HAND
from tallybook.model.mark import Mark
from tallybook.model.ports import SnapshotQuery, SnapshotState
from tallybook.model.scope import operator
from tallybook.model.time import micros
from tallybook.operations._compute import compute
from tallybook.positions.position import Known
from tallybook.positions.terms import Terms, terms
from tallybook.stores.books.database import sqlite
from tallybook.stores.books.snapshot import BooksSnapshot

EVENTS: Final = 20_000_000
CHANGED: Final = 500
_SCOPE: Final = operator("bench")
_NOW: Final = datetime(2025, 3, 31, 12, tzinfo=UTC)
_MONTH: Final = datetime(2025, 3, 1, tzinfo=UTC)
_STARTS: Final = micros(_MONTH)

Row = dict[str, Any]


def run(events: int, folder: Path) -> list[Row]:
    """Build the snapshot, read it, count by hand, and refresh a part of it."""
    store = data.store(events, folder)
    directory = data.directory(contracts=True)
    books = folder / "positions.db"
    for old in folder.glob("positions.db*"):
        old.unlink()
    database = sqlite(books)
    snapshot = BooksSnapshot(database)
    mark = Mark(events, directory.revision)
    state = SnapshotState(mark, _NOW, None)
    numbers = list(directory.keys("contract"))

    def lines(some: Iterable[str]) -> list[Terms]:
        return [line for number in some for line in terms(directory, number, _NOW, _NOW)]

    def write(some: list[str], *, everything: bool) -> None:
        found = compute(_SCOPE, directory, store, lines(some), Known(mark, None))
        snapshot.replace(_SCOPE, state, found, everything=everything)

    db = store._db.cursor()  # noqa: SLF001 - the same open file
    table = dict(db.execute("SELECT first, relation FROM months").fetchall())[_STARTS]
    end = micros(_NOW)

    def by_hand() -> list[Any]:
        counted = ", ".join(BY_HAND[name] for name in data.LINES)
        return db.execute(
            f"SELECT subject, {counted} FROM {table} WHERE type = 'api.request' "
            f"AND time >= {_STARTS} AND time < {end} GROUP BY subject"
        ).fetchall()

    def first_page() -> Any:
        return snapshot.page(_SCOPE, SnapshotQuery(sort="percent_used", descending=True, limit=500))

    whole = cost(lambda: write(numbers, everything=True))
    part = cost(lambda: write(numbers[:CHANGED], everything=False))
    count = len(numbers) * len(data.LINES)
    page = best(first_page)
    hand = best(by_hand)
    every = best(lambda: snapshot.page(_SCOPE, SnapshotQuery(limit=count)), 3)
    assert len(first_page().items) == min(500, count)
    store.close()
    database.close()
    changed = CHANGED * len(data.LINES)
    return [
        {"what": "lines", "value": f"{count:,}"},
        {"what": "worst 500 of all lines, with totals, from the snapshot", "value": _ms(page)},
        {"what": "every line from the snapshot, as values", "value": _ms(every)},
        {"what": "use of all accounts by hand, unrated, one statement", "value": _ms(hand)},
        {
            "what": "ratio, worst 500 and totals",
            "value": f"{page.wall / hand.wall:.2f}",
            "target": "<= 0.1",
        },
        {"what": "ratio, every line", "value": f"{every.wall / hand.wall:.2f}", "target": "<= 0.1"},
        {"what": "snapshot of everything, computed and written", "value": _ms(whole)},
        {"what": f"refresh of {changed:,} changed lines", "value": _ms(part)},
        {"what": "lines refreshed a CPU-second", "value": f"{changed / part.cpu:,.0f}"},
    ]


def _ms(spent: Any) -> str:
    return f"{spent.wall * 1e3:,.1f} ms"
