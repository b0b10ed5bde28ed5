"""Opens the database of Books: one writer connection, many readers. Knows no table.

The only place that knows which database it is. On SQLite the writer alone owns checkpoints, and
readers cannot write: two connections that checkpoint at once are what corrupts a WAL. PostgreSQL
may be used by many processes; there, too, one transaction writes at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from threading import Lock
from typing import Final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError

from tallybook.model.errors import Unavailable
from tallybook.stores import postgresql
from tallybook.stores.books.schema import HISTORY

_WRITER: Final = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "analysis_limit=1000")
_READER: Final = ("query_only=ON", "wal_autocheckpoint=0")
_BOTH: Final = ("mmap_size=0", "busy_timeout=5000")
_ADVICE: Final = "see that their file may be written to, on a disk with free space"
#: One writer at a time, among all processes: revisions then become visible in their order.
_TURN: Final = "SELECT pg_advisory_xact_lock(7237123447936479843)"


class Database:
    """An open database, migrated to what this code expects.

    Raises:
        Unavailable: `schema_newer`, `books_unavailable`.
    """

    def __init__(
        self, url: str | URL, refuse_closed: Callable[[Connection], None] | None = None
    ) -> None:
        """Open it, and create or migrate it first where that is needed.

        `refuse_closed` is asked at the start of each transaction that takes its turn to write; it
        raises where nobody may.
        """
        self.url = make_url(url)
        #: Whether no other process writes it: its folder has one owner.
        self.is_owned = self.url.get_backend_name() == "sqlite"
        self._lock = self._beside_lock = Lock()
        if self.is_owned:
            self._writer = _engine(self.url, connections=1, pragmas=(*_WRITER, *_BOTH))
            self._reader = _engine(self.url, connections=8, pragmas=(*_READER, *_BOTH))
            self._beside = self._writer
        else:
            self._writer = postgresql.writer(self.url, partial(_wait_for_turn, refuse_closed))
            self._reader = postgresql.readers(self.url)
            self._beside = postgresql.writer(self.url)
            self._beside_lock = Lock()
        try:
            with self.writer() as connection:
                HISTORY.upgrade(connection)
        except ProgrammingError as e:  # the address or the rights are wrong, not what we ask
            self.close()
            raise self._unavailable(e) from e
        except Exception:
            self.close()
            raise

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """Open the one transaction that may write; it is durable when the block has ended.

        Raises:
            Unavailable: `books_unavailable`; nothing was written, or, where the connection broke
                during the commit, nobody knows.
        """
        with self._lock, self._available(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database and cannot change it.

        Raises:
            Unavailable: `books_unavailable`.
        """
        with self._available(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def out_of_turn(self) -> Iterator[Connection]:
        """Open a short transaction that writes while others may, on a database that can: for what
        must not wait for them, and has no revision.

        Raises:
            Unavailable: `books_unavailable`.
        """
        with self._beside_lock, self._available(), self._beside.begin() as connection:
            yield connection

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError, ProgrammingError):
            raise  # what was asked is wrong, not the database
        except DatabaseError as e:
            raise self._unavailable(e) from e

    def _unavailable(self, error: DatabaseError) -> Unavailable:
        cause = str(error.orig).strip().partition("\n")[0]
        advice = _ADVICE if self.is_owned else postgresql.ADVICE
        return Unavailable("books_unavailable", f"Books cannot be used now ({cause}); {advice}.")

    def close(self) -> None:
        """Close all connections, the writer last: it makes the final checkpoint."""
        self._reader.dispose()
        self._beside.dispose()
        self._writer.dispose()


def sqlite(path: Path) -> Database:
    """Open the file of an embedded installation."""
    return Database(URL.create("sqlite", database=str(path)))


def _wait_for_turn(
    refuse_closed: Callable[[Connection], None] | None, connection: Connection
) -> None:
    connection.exec_driver_sql(_TURN)
    if refuse_closed is not None:
        refuse_closed(connection)


def _engine(url: URL, *, connections: int, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0 if connections == 1 else 64,
        pool_timeout=30,
    )
    begin = "BEGIN IMMEDIATE" if connections == 1 else "BEGIN"

    @event.listens_for(engine, "connect")
    def prepare(connection: SqliteConnection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, and mean it
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
