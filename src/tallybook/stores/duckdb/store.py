"""The Events port on DuckDB: one file, one loader, many readers, each on its own snapshot."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from threading import Lock, Timer
from typing import Any, Final

import duckdb

from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.fact import Batch
from tallybook.model.limits import QUERY_SECONDS_MAX
from tallybook.model.ports import FactQuery, Loaded
from tallybook.model.scope import Member, Scope
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, from_micros, micros
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.stores.duckdb import facts, load, months, query, schema
from tallybook.stores.duckdb.dialect import Parameters

_AGAIN_SECONDS: Final = 0.1

Statement = Callable[[list[str]], tuple[str, Parameters]]


class _Watch(Timer):
    """Stops a question that takes too long, until it has: between statements nothing listens."""

    def run(self) -> None:
        while not self.finished.wait(self.interval):
            self.function()
            self.interval = _AGAIN_SECONDS


class DuckEvents:
    """Facts as columns in one file, which this process alone may have open.

    Raises:
        Unavailable: `events_unavailable`, from any call, when the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        memory_limit: str = "1GB",
        threads: int = 2,
        query_seconds: int = QUERY_SECONDS_MAX,
    ) -> None:
        """Open the file, or make it."""
        self._db = schema.connect(path, memory_limit, threads)
        self._query_seconds = query_seconds
        self._cursors = Lock()
        self._loading = Lock()
        self._compacting = Lock()

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        self._db.close()

    def position(self, scope: Scope) -> int:
        with self._cursor() as db:
            return load.position(db)

    def load(self, scope: Scope, batches: Sequence[Batch]) -> Loaded:
        with self._loading, self._cursor() as db:
            return Loaded(*load.load(db, batches))

    def usage(self, scope: Scope, question: UsageQuery) -> list[UsageCell]:
        members = _seen(scope, question.members)
        if members is not None and not members:
            return []
        rows = self._ask(
            question.edges[0],
            question.edges[-1],
            lambda names: query.usage(question, members, names),
        )
        return query.cells(question, rows)

    def facts(self, scope: Scope, question: FactQuery) -> list[tuple[datetime, int]]:
        members = _seen(scope, question.members)
        if members is not None and not members:
            return []
        rows = self._ask(
            question.start, question.end, lambda names: facts.facts(question, members, names)
        )
        return [(from_micros(row[0]), row[1]) for row in rows]

    def types(self, scope: Scope) -> dict[str, int]:
        members = _seen(scope, None)
        rows = self._ask(FIRST_INSTANT, LAST_INSTANT, lambda names: facts.types(members, names))
        return dict(rows)

    def compact(self, scope: Scope, before: date) -> int:
        with self._compacting, self._cursor() as db:
            return months.compact(db, datetime.combine(before, time(), UTC))

    def clear(self, scope: Scope) -> None:
        with self._compacting, self._loading, self._cursor() as db:
            months.clear(db)

    def _ask(self, low: datetime, high: datetime, statement: Statement) -> list[Any]:
        """Run a question on one snapshot of the tables it touches, for so long and no longer."""
        with self._cursor() as db:
            watch = _Watch(self._query_seconds, db.interrupt)
            watch.daemon = True
            watch.start()
            try:
                db.execute("BEGIN")
                sql, bound = statement(months.relations(db, micros(low), micros(high)))
                return db.execute(sql, bound).fetchall()
            finally:
                watch.cancel()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor of its own to a call, and say in our words what went wrong."""
        try:
            with self._cursors:
                cursor = self._db.cursor()
            try:
                yield cursor
            finally:
                cursor.close()
        except duckdb.InterruptException as e:
            raise Invalid(
                "query_too_long",
                f"The question took over {self._query_seconds} seconds; ask for a shorter range.",
                limit=self._query_seconds,
            ) from e
        except duckdb.OutOfRangeException as e:
            raise Invalid(
                "quantity_overflow",
                "The sum is beyond what a quantity may be; ask for a shorter range.",
            ) from e
        except duckdb.Error as e:
            raise Unavailable(
                "events_unavailable", "The events file cannot be used now; try again later."
            ) from e


def _seen(scope: Scope, members: Sequence[Member] | None) -> list[Member] | None:
    """Cut members to the scope; None is everything there is."""
    if members is not None:
        return scope.narrow(members)
    if scope.accounts is None:
        return None
    return [Member(m.account, m.start, m.end) for m in scope.accounts]
