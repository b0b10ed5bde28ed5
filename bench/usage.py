"""`GET /usage` below HTTP, against the statements a person would write for the same tables."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from bench import data
from bench.machine import best
from tallybook.model.directory import Directory
from tallybook.model.mark import Mark, minute_of
from tallybook.model.scope import operator
from tallybook.model.time import micros
from tallybook.operations.usage import UsageRequest, usage
from tallybook.stores.duckdb.store import DuckEvents

EVENTS: Final = 20_000_000
ACCOUNT: Final = data.key(100)
_SCOPE: Final = operator("bench")
_NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
_DAY: Final = 86_400_000_000

#: A quantity as it is kept: its exact text behind a mark.
_NUMBER: Final = "CAST(substr(CAST(variant_extract(data, '{}') AS VARCHAR), 2) AS DECIMAL(38,12))"
BY_HAND: Final = {
    "requests": "count(*)",
    "tokens": f"sum({_NUMBER.format('tokens')})",
    "seconds": f"sum({_NUMBER.format('ms')})",
    "slowest": f"max({_NUMBER.format('ms')})",
    "users": "count(DISTINCT CAST(variant_extract(data, 'user') AS VARCHAR))",
}
Row = dict[str, Any]


def run(events: int, folder: Path) -> list[Row]:
    """Measure the three questions of DESIGN §10 that are about usage."""
    store = data.store(events, folder)
    sides = _Sides(store, data.directory(), events)
    march = "2025-03-01", "2025-04-01"
    one = _compare(
        f"one account ({ACCOUNT}), March, daily, 5 meters",
        lambda: [sides.ours(name, ACCOUNT, march, "day") for name in data.METERS],
        lambda: [sides.hand(name, march, f"subject = '{ACCOUNT}'") for name in data.METERS],
        "<= 1.3 + 2 ms",
    )
    children = ", ".join(f"'{data.key(rank)}'" for rank in range(data.CHILDREN))
    tree = _compare(
        f"parent with {data.CHILDREN} children, March, daily, tokens",
        lambda: sides.ours("tokens", "parent", march, "day"),
        lambda: sides.hand("tokens", march, f"subject IN ({children})"),
        "<= 1.3",
    )
    year = "2025-01-01", "2026-01-01"
    months = [
        (f"2025-{m:02d}-01", f"2025-{m + 1:02d}-01" if m < 12 else year[1]) for m in range(1, 13)
    ]
    unique = _compare(
        "exact monthly uniques of everybody, 12 months",
        lambda: sides.ours("users", None, year, "month"),
        lambda: [sides.hand("users", month, "true", daily=False) for month in months],
        "<= 0.1",
    )
    store.close()
    return [*one, *tree, *unique]


class _Sides:
    """The same question asked of Tallybook and of the engine."""

    def __init__(self, store: DuckEvents, directory: Directory, events: int) -> None:
        self._store = store
        self._directory = directory
        self._mark = Mark(events, directory.revision, minute_of(_NOW))
        self._db: duckdb.DuckDBPyConnection = store._db.cursor()  # noqa: SLF001 - the same open file
        found = self._db.execute("SELECT first, relation FROM months").fetchall()
        self._tables: dict[int, str] = dict(found)

    def ours(
        self, meter: str, account: str | None, span: tuple[str, str], interval: Any
    ) -> list[Any]:
        request = UsageRequest(meter, account, *span, interval=interval, timezone="UTC")
        answer = usage(_SCOPE, self._directory, self._store, request, mark=self._mark, now=_NOW)
        return [row.value for row in answer.rows]

    def hand(self, meter: str, span: tuple[str, str], who: str, *, daily: bool = True) -> list[Any]:
        start, end = (micros(datetime.fromisoformat(d).replace(tzinfo=UTC)) for d in span)
        bucket = f"(time - {start}) // {_DAY}" if daily else "0"
        rows = self._db.execute(
            f"SELECT {bucket} AS b, {BY_HAND[meter]} FROM {self._tables[start]} "
            f"WHERE {who} AND type = 'api.request' AND time >= {start} AND time < {end} "
            "GROUP BY b ORDER BY b"
        ).fetchall()
        return [row[1] for row in rows]


def _compare(what: str, ours: Callable[[], Any], hand: Callable[[], Any], target: str) -> list[Row]:
    assert _total(ours()) == _total(hand()), "the two sides do not say the same"
    mine, theirs = best(ours), best(hand)
    ratio = f"{mine.wall / theirs.wall:.2f} ({mine.cpu / theirs.cpu:.2f})"
    return [
        {"what": what, "value": ""},
        {"what": "  ours", "value": _shown(mine)},
        {"what": "  by hand", "value": _shown(theirs)},
        {"what": "  ratio (of CPU)", "value": ratio, "target": target},
    ]


def _shown(cost: Any) -> str:
    return f"{cost.wall * 1e3:.1f} ms ({cost.cpu * 1e3:.1f})"


def _total(found: Any) -> Any:
    if isinstance(found, list):
        return sum(_total(item) for item in found)
    return found or 0
