"""The Events port on DuckDB: one file, one loader, many readers, each on its own snapshot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Final

import duckdb

from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.limits import QUERY_SECONDS_MAX
from tallybook.model.packed import Batch
from tallybook.model.ports import FactQuery, Listed, Loaded
from tallybook.model.scope import Scope
from tallybook.model.time import micros
from tallybook.model.usage import (
    PieceRow,
    PiecesQuery,
    Reading,
    ReadingsQuery,
    Traffic,
    TrafficQuery,
    UsageCell,
    UsageQuery,
)
from tallybook.stores.duckdb import dialect, load, months, schema
from tallybook.stores.duckdb.months import Layout
from tallybook.stores.events import answers
from tallybook.stores.events.answers import Rows, Writing
from tallybook.stores.events.dialect import Parameters
from tallybook.stores.events.gather import Commit

_LOOK_SECONDS: Final = 0.1

#: Parsed statements that are kept; one for each shape of a question and the months it touches.
_PARSED_MAX: Final = 500
#: Longer texts are of a kind that is not asked twice.
_PARSED_CHARS_MAX: Final = 8_000


class _Parsed:
    """Statements by their text, parsed once: the engine takes a third of a small question for it.

    Only what the grammar says is kept. Tables are looked up, and the plan is made, each time.
    """

    def __init__(self) -> None:
        self._known: dict[str, duckdb.Statement] = {}

    def run(self, db: duckdb.DuckDBPyConnection, sql: str, bound: Parameters) -> list[Any]:
        """Return the rows of one statement."""
        parsed = self._known.get(sql)
        if parsed is None:
            (parsed,) = db.extract_statements(sql)
            if len(sql) <= _PARSED_CHARS_MAX:
                if len(self._known) >= _PARSED_MAX:
                    self._known.clear()
                self._known[sql] = parsed
        return db.execute(parsed, bound).fetchall()


class _Watch(Thread):
    """Stops questions that take too long: again and again, as between statements nothing listens.

    One thread for all of them: to start one for each costs more than many a question.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(name="query-watch", daemon=True)
        self._seconds = seconds
        self._end_seconds: dict[duckdb.DuckDBPyConnection, float] = {}
        self._asked = Event()
        self._closed = Event()
        self.start()

    @contextmanager
    def over(self, db: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Watch over the statements of a block."""
        self._end_seconds[db] = monotonic() + self._seconds
        self._asked.set()
        try:
            yield
        finally:
            del self._end_seconds[db]

    def close(self) -> None:
        self._closed.set()
        self._asked.set()
        self.join()

    def run(self) -> None:
        while self._asked.wait() and not self._closed.is_set():
            self._asked.clear()
            while self._end_seconds and not self._closed.wait(_LOOK_SECONDS):
                self._stop_late()

    def _stop_late(self) -> None:
        now = monotonic()
        for db, end in self._end_seconds.copy().items():
            if end < now:
                with suppress(duckdb.Error):  # it was answered, and closed, just now
                    db.interrupt()


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
        self._connect = partial(schema.connect, path, memory_limit, threads)
        self._db = self._connect()
        #: What the engine gave up: it refuses everything until the file is opened anew.
        self._faulty: duckdb.DuckDBPyConnection | None = None
        self._query_seconds = query_seconds
        self._watch = _Watch(query_seconds)
        self._parsed = _Parsed()
        self._cursors = Lock()
        self._loading = Lock()
        self._compacting = Lock()
        self._layout: Layout | None = None
        try:
            with self._moving():
                pass
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        self._watch.close()
        self._db.close()

    def position(self, scope: Scope) -> int:
        with self._cursor() as db:
            return load.position(db)

    def load(self, scope: Scope, batches: Sequence[Batch]) -> Loaded:
        with self._loading, self._cursor() as db:
            return Loaded(*load.load(db, batches, self._coming))

    def usage(self, scope: Scope, question: UsageQuery) -> list[UsageCell]:
        return answers.usage(dialect, scope, question, self._ask)

    def pieces(self, scope: Scope, question: PiecesQuery) -> list[PieceRow]:
        return answers.pieces(dialect, scope, question, self._ask)

    def readings(self, scope: Scope, question: ReadingsQuery) -> list[Reading]:
        return answers.readings(dialect, scope, question, self._ask)

    def facts(self, scope: Scope, question: FactQuery) -> list[Listed]:
        return answers.facts(dialect, scope, question, self._ask)

    def traffic(self, scope: Scope, question: TrafficQuery) -> list[Traffic]:
        return answers.traffic(dialect, scope, question, self._ask)

    def types(self, scope: Scope) -> dict[str, int]:
        return answers.types(dialect, scope, self.position(scope), self._ask)

    def compact(self, scope: Scope, before: date) -> int:
        with self._compacting, self._moving(), self._cursor() as db:
            return months.compact(db, datetime.combine(before, time(), UTC))

    def clear(self, scope: Scope) -> None:
        with self._compacting, self._moving(), self._loading, self._cursor() as db:
            months.clear(db)

    def _ask(self, span: answers.Span, seq: int, writing: Writing) -> Rows:
        """Run a question on one snapshot of the tables it touches, for so long and no longer."""
        low, high = map(micros, span)
        with self._cursor() as db, self._watch.over(db):
            found = self._ask_known(db, low, high, writing)
            if found is not None:
                return found
            db.execute("BEGIN")
            sql, bound = writing(months.places(db, low, high))
            return self._parsed.run(db, sql, bound)

    def _ask_known(
        self, db: duckdb.DuckDBPyConnection, low: int, high: int, writing: Writing
    ) -> Rows | None:
        """Answer from where rows are known to be; None when they moved before it was answered."""
        known = self._layout
        if known is None:
            return None
        try:
            found = self._parsed.run(db, *writing(known.places(low, high)))
        except duckdb.CatalogException:  # a month was rewritten, and its old table dropped
            if self._layout is known:
                raise
            return None
        return found if self._layout is known else None

    def _coming(self, step: Commit) -> None:
        known = self._layout
        if known is not None:
            for span, times in ((known.arrived, step.times), (known.corrected, step.stand_times)):
                if times.size:
                    span.widen(int(times.min()), int(times.max()))

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Let every question look for itself where rows are, while they are moved."""
        self._layout = None
        try:
            yield
        finally:
            with self._loading, self._cursor() as db:
                self._layout = months.layout(db)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor of its own to a call, and say in our words what went wrong."""
        try:
            with self._cursors:
                if self._faulty is self._db:
                    self._reopen()
                owner = self._db
                cursor = owner.cursor()
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
            if isinstance(e, duckdb.FatalException):
                self._faulty = owner
            raise Unavailable(
                "events_unavailable", "The events file cannot be used now; try again later."
            ) from e

    def _reopen(self) -> None:
        """Open the file anew, as after a disk that was full; calls from before the fault fail."""
        self._db.close()
        self._db = self._connect()
        self._parsed = _Parsed()
