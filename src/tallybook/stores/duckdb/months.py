"""The sorted months: which there are, which a span of time touches, and moving closed days there.

It reorders rows; it never applies, changes or drops one. Rows that arrive late for a sorted month
stay in the arrival table until they are worth rewriting the month for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

import duckdb

from tallybook.model.time import from_micros, micros
from tallybook.stores.duckdb.dialect import TAIL
from tallybook.stores.duckdb.schema import commit
from tallybook.stores.events import standings
from tallybook.stores.events.dialect import Places

#: All before this is one "month": an odd clock must not make a table for each month since year 1.
_EARLY: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
#: A sorted month is rewritten when at least this part of it waits in the arrival table.
_WORTH: Final = 100

#: Later than any instant.
_NEVER: Final = 1 << 62

_COLUMNS = "seq, source, id, type, subject, time, received"


class Month(NamedTuple):
    """A sorted month: its first instant in microseconds, its table and number of events."""

    first: int
    relation: str
    events: int


@dataclass(slots=True)
class Span:
    """Between which instants (microseconds, both ends included) rows of a table lie; there are
    none while `low` is above `high`.
    """

    low: int = _NEVER
    high: int = -_NEVER

    def widen(self, first: int, last: int) -> None:
        """Take note of rows that are about to come in."""
        self.low, self.high = min(self.low, first), max(self.high, last)

    def touches(self, low: int, high: int) -> bool:
        """Tell whether there may be rows in [low, high)."""
        return self.low < high and low <= self.high


@dataclass(frozen=True, slots=True)
class Layout:
    """Where rows are: the sorted months, the arrival table, and the rows that were corrected."""

    months: Sequence[Month]
    arrived: Span
    corrected: Span

    def places(self, low: int, high: int) -> Places:
        """Return what is to be read for [low, high), the arrival table where nothing is."""
        arrived = [TAIL] if self.arrived.touches(low, high) else []
        relations = [*arrived, *_touching(self.months, low, high)] or [TAIL]
        return Places(relations, self.corrected.touches(low, high))


def places(db: duckdb.DuckDBPyConnection, low: int, high: int) -> Places:
    """Return what is to be read for [low, high): the arrival table, then months, newest first.

    Ask inside the transaction that reads them, so that a rewritten month is seen once.
    """
    return Places([TAIL, *_touching(months(db), low, high)], corrected=True)


def layout(db: duckdb.DuckDBPyConnection) -> Layout:
    """Look where rows are, while nothing is moved or loaded."""
    return Layout(months(db), _span(db, TAIL), _span(db, standings.TABLE))


def _span(db: duckdb.DuckDBPyConnection, relation: str) -> Span:
    row = db.execute(f"SELECT min(time), max(time) FROM {relation}").fetchone()
    return Span(*row) if row and row[0] is not None else Span()


def _touching(known: Sequence[Month], low: int, high: int) -> list[str]:
    return [
        month.relation
        for month in reversed(known)
        if month.first < high and low < micros(_end(from_micros(month.first)))
    ]


def months(db: duckdb.DuckDBPyConnection) -> list[Month]:
    """Return the sorted months, oldest first."""
    rows = db.execute("SELECT first, relation, events FROM months ORDER BY first").fetchall()
    return [Month(*row) for row in rows]


def compact(db: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Move rows older than `before` into their months, a transaction each; return how many."""
    moved = 0
    for first, end in _waiting(db, micros(before)):
        with commit(db):
            moved += _rewrite(db, first, min(end, micros(before)))
    return moved


def clear(db: duckdb.DuckDBPyConnection) -> None:
    """Forget every row and the position, in one transaction."""
    with commit(db):
        for month in months(db):
            db.execute(f"DROP TABLE {month.relation}")
        db.execute("DELETE FROM months")
        db.execute("DELETE FROM tail")
        db.execute(f"DELETE FROM {standings.TABLE}")
        db.execute("UPDATE position SET seq = 0")


def _waiting(db: duckdb.DuckDBPyConnection, before: int) -> Iterator[tuple[int, int]]:
    """Yield the months, as [first, end), for which rows wait in the arrival table."""
    oldest = "SELECT min(time) FROM tail WHERE time >= $end AND time < $before"
    end = micros(_EARLIEST)
    while row := db.execute(oldest, {"end": end, "before": before}).fetchone():
        if row[0] is None:
            return
        start = _start(from_micros(row[0]))
        end = micros(_end(start))
        yield micros(start), end


def _rewrite(db: duckdb.DuckDBPyConnection, first: int, end: int) -> int:
    old = next((m for m in months(db) if m.first == first), None)
    span = {"first": first, "end": end}
    here = "FROM tail WHERE time >= $first AND time < $end"
    row = db.execute(f"SELECT count(*), max(seq) {here}", span).fetchone()
    waiting, newest = row or (0, 0)
    if not waiting or (old and waiting * _WORTH < old.events):
        return 0
    name = f"month_{from_micros(first):%Y_%m}_{newest}"
    sorted_rows = f"SELECT {_COLUMNS}, CAST(data AS VARIANT) AS data {here}"
    if old:
        sorted_rows += f" UNION ALL SELECT {_COLUMNS}, data FROM {old.relation}"
    db.execute(f"CREATE TABLE {name} AS {sorted_rows} ORDER BY subject, time, seq", span)
    db.execute(f"DELETE {here}", span)
    if old:
        db.execute(f"DROP TABLE {old.relation}")
    db.execute("DELETE FROM months WHERE first = $first", {"first": first})
    db.execute(
        f"INSERT INTO months SELECT $first, '{name}', count(*) FROM {name}", {"first": first}
    )
    return int(waiting)


def _start(instant: datetime) -> datetime:
    if instant < _EARLY:
        return _EARLIEST
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _end(start: datetime) -> datetime:
    if start < _EARLY:
        return _EARLY
    years, month = divmod(start.month, 12)
    return start.replace(year=start.year + years, month=month + 1)
