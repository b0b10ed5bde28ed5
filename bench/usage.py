"""`GET /usage` below HTTP, against the statements a person would write for the same tables."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench import data
from bench.machine import Cost, best
from bench.sizes import Engine, Size
from tallybook.model.directory import Directory
from tallybook.model.mark import Mark, minute_of
from tallybook.model.scope import operator
from tallybook.model.time import micros
from tallybook.operations.usage import UsageRequest, usage
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb.store import DuckEvents

EVENTS: Final = 20_000_000
ACCOUNT: Final = data.key(100)
_SCOPE: Final = operator("bench")
_NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
_DAY: Final = 86_400_000_000

Row = dict[str, Any]


def counted(engine: Engine) -> dict[str, str]:
    """Return what each meter counts, as a person writes it."""
    return {
        "requests": "count(*)",
        "tokens": f"sum({engine.number.format('tokens')})",
        "seconds": f"sum({engine.number.format('ms')})",
        "slowest": f"max({engine.number.format('ms')})",
        "users": f"count(DISTINCT {engine.text.format('user')})",
    }


def run(events: int, folder: Path, size: Size) -> list[Row]:
    """Measure the three questions that are about usage."""
    store = data.store(events, folder, size)
    sides = _Sides(store, data.directory(), events, size)
    march = "2025-03-01", "2025-04-01"
    one = sides.compare(
        f"one account ({ACCOUNT}), March, daily, 5 meters",
        lambda: [sides.ours(name, ACCOUNT, march, "day") for name in data.METERS],
        lambda: [sides.hand(name, march, f"subject = '{ACCOUNT}'") for name in data.METERS],
        "<= 1.3 + 2 ms",
    )
    children = ", ".join(f"'{data.key(rank)}'" for rank in range(data.CHILDREN))
    tree = sides.compare(
        f"parent with {data.CHILDREN} children, March, daily, tokens",
        lambda: sides.ours("tokens", "parent", march, "day"),
        lambda: sides.hand("tokens", march, f"subject IN ({children})"),
        "<= 1.3",
    )
    year = "2025-01-01", "2026-01-01"
    months = [
        (f"2025-{m:02d}-01", f"2025-{m + 1:02d}-01" if m < 12 else year[1]) for m in range(1, 13)
    ]
    unique = sides.compare(
        "exact monthly uniques of everybody, 12 months",
        lambda: sides.ours("users", None, year, "month"),
        lambda: [sides.hand("users", month, "true", daily=False) for month in months],
        "<= 0.1",
    )
    store.close()
    return [*one, *tree, *unique]


class _Sides:
    """The same question asked of Tallybook and of the engine."""

    def __init__(
        self, store: DuckEvents | ClickEvents, directory: Directory, events: int, size: Size
    ) -> None:
        self._store = store
        self._directory = directory
        self._mark = Mark(events, directory.revision, minute_of(_NOW))
        self._engine = size.by_hand(store)
        self._counted = counted(self._engine)
        self._servers = size.servers

    def ours(
        self, meter: str, account: str | None, span: tuple[str, str], interval: Any
    ) -> list[Any]:
        request = UsageRequest(meter, account, *span, interval=interval, timezone="UTC")
        answer = usage(_SCOPE, self._directory, self._store, request, mark=self._mark, now=_NOW)
        return [row.value for row in answer.rows]

    def hand(self, meter: str, span: tuple[str, str], who: str, *, daily: bool = True) -> list[Any]:
        start, end = (micros(datetime.fromisoformat(d).replace(tzinfo=UTC)) for d in span)
        bucket = self._engine.whole(f"time - {start}", str(_DAY)) if daily else "0"
        rows = self._engine.rows(
            f"SELECT {bucket} AS b, {self._counted[meter]} FROM {self._engine.month(start)} "
            f"WHERE {who} AND type = 'api.request' AND time >= {start} AND time < {end} "
            "GROUP BY b ORDER BY b"
        )
        return [row[1] for row in rows]

    def compare(
        self, what: str, ours: Callable[[], Any], hand: Callable[[], Any], target: str
    ) -> list[Row]:
        """See that both say the same, and take their times."""
        assert _total(ours()) == _total(hand()), "the two sides do not say the same"
        mine, theirs = best(ours, servers=self._servers), best(hand, servers=self._servers)
        return _told(what, mine, theirs, target)


def _told(what: str, mine: Cost, theirs: Cost, target: str) -> list[Row]:
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
