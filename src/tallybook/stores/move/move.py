"""One move from its plan to its end, in an order in which a stop at any point does no harm.

Until its end nobody opens the database, and the folder may be served. At the end the folder is
closed before the database is opened, so at no time are both.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

from msgspec import structs
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from tallybook.model.errors import Conflict, Unavailable
from tallybook.model.limits import LEASE_SECONDS
from tallybook.stores import postgresql
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import any_held
from tallybook.stores.books.schema import audit, revision
from tallybook.stores.ledger import database
from tallybook.stores.ledger.closed import folder_moved
from tallybook.stores.ledger.reader import cause
from tallybook.stores.ledger.shared import Shared
from tallybook.stores.ledger.store import SqlLedger
from tallybook.stores.move import books, ledger, target
from tallybook.stores.move.books import TABLES, Digest
from tallybook.stores.move.ledger import Compared, Totals, differs

_NOTED_EVENTS: Final = 100_000
#: The newest change of a definition and of people; a sign-in is nothing that would be missed.
_NEWEST: Final = (
    select(func.coalesce(func.max(revision.c.number), 0)),
    select(func.coalesce(func.max(audit.c.number), 0)).where(audit.c.what != "session.opened"),
)
_WENT_ON: Final = (
    "The database has {:,} events, {:,} changes of definitions and {:,} of people where the folder "
    "has {:,}, {:,} and {:,}: to go back would lose something. Serve the database."
)


class Move:
    """A move of the Books and the ledger of a folder that is owned while it is open."""

    def __init__(self, folder: Path, source: Database, closing: SqlLedger, url: URL) -> None:
        """Prepare to move from open Books and the ledger beside them; nothing is written."""
        self._folder, self._source, self._url = folder, source, url
        self._closing, self._epoch = closing, closing.epoch
        self._seed = int.from_bytes(bytes.fromhex(self._epoch)[:8], "little")
        self._open = ExitStack()
        self._ours = database.readers(folder / "ledger.db")
        self._home = Shared(url, moving=True)
        self._open.callback(self._home.leave)
        for engine in (self._ours, self._home.readers, self._home.writer):
            self._open.callback(engine.dispose)
        #: The tables of the source, once `copy_books` has read them, and how far the ledger is.
        self._tables: dict[str, Digest] = {}
        self._compared = Compared(0, "")

    @property
    def goal(self) -> str:
        """The address of the database, with stars for its password."""
        return postgresql.shown(self._url)

    def state(self) -> Literal["empty", "begun", "moved"]:
        """Tell what the database is to this folder.

        Raises:
            Conflict: `target_not_empty`.
            Unavailable: `target_unavailable`; `folder_moved`, for a folder moved elsewhere.
        """
        with _at_target(), self._home.readers.connect() as connection:
            state = target.look(connection, self._epoch)
        if (to := self._closing.moved_to()) is not None:
            if state in {"empty", "taken"}:
                raise folder_moved(to)
        elif state == "moved":
            raise target.not_empty("it is in service with the data of this folder")
        if state == "taken":
            raise target.not_empty("it holds other data than this folder's")
        return state

    def plan(self) -> dict[str, Any]:
        """Count the rows of each table of Books, and what the ledger holds."""
        with self._source.reader() as connection:
            rows = {table.name: {"rows": books.count(connection, table)} for table in TABLES}
        return {"books": rows, "ledger": self._totals()._asdict()}

    def _totals(self) -> Totals:
        with self._ours.connect() as connection:
            return ledger.totals(connection)

    def begin(self) -> None:
        """Make the tables and claim the database, or go on with a move that was begun.

        Raises:
            Conflict: `target_not_empty`.
            Unavailable: `target_in_use`, `target_unavailable`, `schema_newer`.
        """
        self._target = self._opened()
        with _at_target(), self._home.writer.connect() as connection, connection.begin():
            self._home.prepare(connection)
            target.claim(connection, self._epoch)

    def copy_books(self) -> Generator[int]:
        """Copy the tables that are not there as they are here, saying how many rows are."""
        with self._source.reader() as ours:
            self._tables = {table.name: books.digest(ours, table) for table in TABLES}
        with _at_target(), self._target.writer() as theirs:
            progress = target.read(theirs)
            stale = books.with_those_that_refer(
                [t for t in TABLES if progress.tables.get(t.name) != self._tables[t.name]]
            )
            books.empty(theirs, stale)
            for table in stale:
                progress.tables.pop(table.name, None)
            target.write(theirs, progress)
        done = sum(digest.rows for digest in progress.tables.values())
        for table in stale:
            with _at_target(), self._source.reader() as ours, self._target.writer() as theirs:
                for count in books.copy(ours, theirs, table):
                    yield done + count
                progress.tables[table.name] = self._tables[table.name]
                target.write(theirs, progress)
            done += self._tables[table.name].rows

    def copy_ledger(self) -> Generator[int]:
        """Copy the batches that are not there, saying up to which entry they are."""
        with _at_target():
            yield from ledger.copy(self._ours, self._home, self._seed)

    def compare_books(self) -> Generator[int]:
        """Compare every table by count and hash, saying how many rows are equal.

        Raises:
            Conflict: `move_differs`, naming the table; it is copied again by the next run.
        """
        done = 0
        for table in TABLES:
            wanted = self._tables[table.name]
            with self._target.reader() as theirs:
                found = books.digest(theirs, table)
            if found != wanted:
                self._forget(table.name)
                what = "its rows differ" if found.rows == wanted.rows else f"it has {found.rows:,}"
                raise differs(table.name, f"{what} where the folder has {wanted.rows:,} rows")
            done += found.rows
            yield done

    def compare_ledger(self) -> Generator[int]:
        """Compare every batch and id that is not known to be equal, saying up to which entry.

        Raises:
            Conflict: `move_differs`, naming the table.
        """
        with _at_target():
            with self._target.reader() as theirs:
                progress = target.read(theirs)
                counted = target.counted(theirs)
            self._compared = noted = Compared(progress.seq, progress.sha256)
            steps = ledger.compare(self._ours, self._home.readers, self._seed, noted)
            for self._compared in steps:
                if self._compared.seq - noted.seq >= _NOTED_EVENTS:
                    noted = self._compared
                    self._note(noted)
                yield self._compared.seq
            self._note(self._compared)
        if counted != self._compared.seq:
            raise differs("counter", f"it says {counted:,} of {self._compared.seq:,} entries")

    def finish(self) -> dict[str, Any]:
        """Close the folder, then open the database to servers; return what was compared."""
        self._closing.note_moved(self.goal)
        with _at_target(), self._target.writer() as theirs:
            target.finish(theirs)
        tables = {name: structs.asdict(digest) for name, digest in self._tables.items()}
        sealed = {**self._totals()._asdict(), "sha256": self._compared.sha256}
        return {"books": tables, "ledger": sealed}

    def undo(self) -> None:
        """Close the database that the folder was moved to, then open the folder again.

        Raises:
            Conflict: `not_moved`; `target_went_on`, where something new is in the database.
            Unavailable: `target_in_use`, `target_unavailable`.
        """
        if self._closing.moved_to() is None:
            raise Conflict("not_moved", f"{self._folder} was not moved; it may be served.")
        self.state()
        self._target = self._opened()
        with self._source.reader() as ours, _at_target(), self._target.writer() as theirs:
            if any_held(theirs):
                raise Unavailable(
                    "target_in_use",
                    "A server runs on the database, or was killed within the last "
                    f"{LEASE_SECONDS} seconds; stop it, then try again.",
                    retry_after=LEASE_SECONDS,
                )
            # Closed before it is looked at: whoever stores now is waited for, or refused.
            target.write(theirs, target.Progress())
            here = (self._totals().events, *_newest(ours))
            there = (target.counted(theirs), *_newest(theirs))
            if here != there:
                raise Conflict("target_went_on", _WENT_ON.format(*there, *here))
        self._closing.note_moved(None)

    def close(self) -> None:
        """Close the connections; the Books that were given stay open."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> Database:
        """Open the Books at the target, while nobody else moves into it."""
        with _at_target():
            self._home.enter()
        opened = Database(self._url)
        self._open.callback(opened.close)
        return opened

    def _note(self, compared: Compared) -> None:
        with self._target.writer() as theirs:
            progress = target.read(theirs)
            progress.seq, progress.sha256 = compared
            target.write(theirs, progress)

    def _forget(self, table: str) -> None:
        with self._target.writer() as theirs:
            progress = target.read(theirs)
            progress.tables.pop(table, None)
            target.write(theirs, progress)


def _newest(connection: Connection) -> list[int]:
    return [connection.scalars(newest).one() for newest in _NEWEST]


@contextmanager
def _at_target() -> Iterator[None]:
    """Say of the target what its database says."""
    try:
        yield
    except DBAPIError as e:
        raise Unavailable(
            "target_unavailable",
            f"The database of --to cannot be used: {cause(e)}. What is there stays; see that it "
            "runs and run the same command again.",
        ) from e
