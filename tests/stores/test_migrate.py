"""The tables of each store on each database: as the code expects them, newer, older and from before
there were migrations.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from tallybook.model.errors import Unavailable
from tallybook.model.scope import operator
from tallybook.model.time import from_micros
from tallybook.stores.books import schema as books
from tallybook.stores.books.database import Database
from tallybook.stores.books.schedules import BooksSchedules
from tallybook.stores.books.snapshot import BooksSnapshot
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.ledger import SqlLedger
from tallybook.stores.ledger import schema as ledger
from tallybook.stores.migrate import Schema
from tallybook.stores.postgresql import address
from tests import postgres
from tests.books import STORES
from tests.stores.ledger.events import NOW, append, arrivals

ALL = operator()
NEWER = "v9999"
HISTORIES = {"books": books.HISTORY, "ledger": ledger.HISTORY}
METADATA = {"books": books.metadata, "ledger": ledger.metadata}

each_database = pytest.mark.parametrize("kind", STORES)
each_store = pytest.mark.parametrize("store", HISTORIES)


def opened(store: str, kind: str, folder: Path, url: URL | None = None) -> Any:
    """Open a store as an installation does: that of a folder, or of an address."""
    url = url or url_of(store, kind, folder)
    if store == "books":
        return closing(Database(url))
    return SqlLedger(folder if kind == "sqlite" else url)


def url_of(store: str, kind: str, folder: Path) -> URL:
    if kind == "sqlite":
        return URL.create("sqlite", database=str(folder / f"{store}.db"))
    return address(postgres.database(folder))


@contextmanager
def transaction(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def version(history: Schema, connection: Connection) -> object:
    return connection.scalars(text(f"SELECT version_num FROM {history.table}")).one()


@each_database
@each_store
def test_the_migrations_make_the_tables_that_the_code_expects(
    store: str, kind: str, tmp_path: Path
) -> None:
    history, metadata = HISTORIES[store], METADATA[store]
    with opened(store, kind, tmp_path), transaction(url_of(store, kind, tmp_path)) as connection:
        tables = set(metadata.tables)
        if (store, kind) == ("ledger", "sqlite"):
            tables -= {"ids", "counter"}
        opts = {
            "compare_type": True,
            "version_table": history.table,
            # A database may hold another store as well.
            "include_name": lambda name, of, _: of != "table" or name in tables,
        }
        expected = MetaData(naming_convention=metadata.naming_convention)
        for name in tables:
            metadata.tables[name].to_metadata(expected)
        assert compare_metadata(MigrationContext.configure(connection, opts=opts), expected) == []
        assert version(history, connection) == history.head


@each_store
def test_the_code_was_written_for_the_newest_migration(store: str) -> None:
    assert HISTORIES[store].scripts.get_heads() == [HISTORIES[store].head]


@each_database
@each_store
def test_data_of_a_newer_version_is_refused_and_left_alone(
    store: str, kind: str, tmp_path: Path
) -> None:
    history, url = HISTORIES[store], url_of(store, kind, tmp_path)
    with opened(store, kind, tmp_path):
        pass
    with transaction(url) as connection:
        connection.execute(text(f"UPDATE {history.table} SET version_num = '{NEWER}'"))
    with pytest.raises(Unavailable) as refusal, opened(store, kind, tmp_path):
        pass
    assert refusal.value.code == "schema_newer"
    for said in (NEWER, history.head, f"store {store}", "run that version"):
        assert said in refusal.value.detail
    with transaction(url) as connection:
        assert version(history, connection) == NEWER


@each_database
def test_books_of_the_first_version_are_migrated_and_keep_what_they_hold(
    kind: str, tmp_path: Path
) -> None:
    url = url_of("books", kind, tmp_path)
    if kind != "sqlite":
        url = address(postgres.empty_database("books_of_the_first_version"))
    with transaction(url) as connection:
        books.HISTORY.upgrade(connection, "v0001")
        connection.execute(text("INSERT INTO revision (number, recorded_at) VALUES (7, 0)"))
    with closing(Database(url)) as database:
        assert BooksVersions(database).revision(ALL) == 7
        with database.reader() as connection:
            assert version(books.HISTORY, connection) == books.HISTORY.head


@each_database
def test_positions_of_an_earlier_shape_are_made_anew(kind: str, tmp_path: Path) -> None:
    url = url_of("books", kind, tmp_path)
    if kind != "sqlite":
        url = address(postgres.empty_database("positions_of_an_earlier_shape"))
    with transaction(url) as connection:
        books.HISTORY.upgrade(connection, "v0005")
        connection.execute(
            text(
                "INSERT INTO line_state (id, version, generation, seq, revision, at) "
                "VALUES (1, 1, 0, 0, 0, 0)"
            )
        )
    with closing(Database(url)) as database:
        assert BooksSnapshot(database).state(ALL) is None


@each_database
def test_subscriptions_from_before_they_were_sent_are_kept(kind: str, tmp_path: Path) -> None:
    url = url_of("books", kind, tmp_path)
    if kind != "sqlite":
        url = address(postgres.empty_database("subscriptions_from_before"))
    with transaction(url) as connection:
        books.HISTORY.upgrade(connection, "v0015")
        connection.execute(
            text(
                "INSERT INTO report_schedule VALUES ('1', 'ann', 'Volume', '/volume', 'q=a', "
                "'csv', '0 7 * * *', 'UTC', '[\"ann\"]', true, 7000000)"
            )
        )
    with closing(Database(url)) as database:
        (kept,) = BooksSchedules(database).every(ALL)
        assert (kept.recipients, kept.enabled) == (("ann",), True)
        assert kept.since == kept.created_at == from_micros(7_000_000)
        assert kept.due_at is None


@each_database
def test_a_ledger_from_before_there_were_migrations_opens_as_it_is(
    kind: str, tmp_path: Path
) -> None:
    url = url_of("ledger", kind, tmp_path)
    with opened("ledger", kind, tmp_path) as made:
        append(made, arrivals(range(3)), NOW)
    with transaction(url) as connection:
        connection.execute(text(f"DROP TABLE {ledger.HISTORY.table}"))
    with opened("ledger", kind, tmp_path) as again:
        assert again.epoch == made.epoch
        verdicts = append(again, arrivals(range(4)), NOW)
        assert [v.status for v in verdicts] == [*["duplicate"] * 3, "accepted"]
    with transaction(url) as connection:
        assert version(ledger.HISTORY, connection) == ledger.HISTORY.head


@each_database
@each_store
def test_a_migration_that_fails_changes_nothing(store: str, kind: str, tmp_path: Path) -> None:
    history = HISTORIES[store]
    url = url_of(store, kind, tmp_path)
    if kind != "sqlite":
        url = address(postgres.empty_database(f"a_migration_that_fails_{store}"))
    last = [*METADATA[store].tables][1]
    with transaction(url) as connection:  # in the way of one that comes later
        connection.execute(text(f"CREATE VIEW {last} AS SELECT 1 AS one"))
    with pytest.raises(Exception, match=last), opened(store, kind, tmp_path, url):
        pass
    with transaction(url) as connection:
        found = inspect(connection)
        assert found.get_table_names() == []
        connection.execute(text(f"DROP VIEW {last}"))
    with opened(store, kind, tmp_path, url):
        pass
    with transaction(url) as connection:
        assert version(history, connection) == history.head
