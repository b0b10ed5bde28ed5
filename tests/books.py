"""Real Books in files of their own, for tests of all rooms."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tallybook.model.ports import NounName, Version
from tallybook.model.scope import Scope, operator
from tallybook.operations.define import Change, Retirement, define, retire
from tallybook.operations.directory import Directories
from tallybook.stores.books.database import Database, sqlite
from tallybook.stores.books.people import BooksPeople
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.postgresql import address
from tests import postgres

#: The databases of Books, for the parameters of tests.
STORES = ["sqlite", postgres.ON_POSTGRESQL]
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@dataclass
class Shelf:
    """Open Books with what stands on them."""

    database: Database
    books: BooksVersions
    people: BooksPeople
    directories: Directories
    scope: Scope

    def put(
        self,
        noun: NounName,
        key: str,
        *,
        now: datetime = NOW,
        scope: Scope | None = None,
        if_match: int | None = None,
        **body: Any,
    ) -> Version:
        """Define one noun."""
        change = Change(noun, key, body, if_match)
        return define(scope or self.scope, self.books, self.directories, change, now)

    def retire(
        self,
        noun: NounName,
        key: str,
        *,
        now: datetime = NOW,
        scope: Scope | None = None,
        **more: Any,
    ) -> Version:
        """End one noun."""
        ending = Retirement(noun, key, **more)
        return retire(scope or self.scope, self.books, self.directories, ending, now)


def opened(store: str, folder: Path) -> Database:
    """Open the database of Books that belongs to a folder."""
    if store == "sqlite":
        file = folder / "books.db"
        if not file.exists():
            file.write_bytes(_empty())
        return sqlite(file)
    return Database(address(postgres.database(folder)))


@cache
def _empty() -> bytes:
    """Return Books with all tables and nothing in them: making these each time takes longer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "books.db")
        sqlite(file).close()
        return file.read_bytes()


@contextmanager
def shelf(folder: Path, store: str = "sqlite") -> Iterator[Shelf]:
    """Open the books of a folder, and close them."""
    database = opened(store, folder)
    try:
        books = BooksVersions(database)
        directories = Directories(books, BooksStatements(database))
        yield Shelf(database, books, BooksPeople(database), directories, operator("tester"))
    finally:
        database.close()
