"""Books on PostgreSQL, where other processes write as well: what the laws cannot ask of SQLite."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tallybook.model.errors import Unavailable
from tallybook.model.ports import Draft
from tallybook.model.scope import operator
from tallybook.stores.books import columns, schema
from tallybook.stores.books.database import Database
from tallybook.stores.books.snapshot import BooksSnapshot
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.postgresql import address, shown
from tests import postgres
from tests.books import opened

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ALL = operator()


def test_no_password_of_an_address_is_shown() -> None:
    text = shown(address("postgresql://u:secret@h/d?password=secret&sslpassword=secret&port=1"))
    assert "secret" not in text
    assert text == "postgresql://u:***@h/d?password=***&port=1&sslpassword=***"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = opened("postgresql", tmp_path)
    yield found
    found.close()


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """Open the same database as another process does."""
    found = Database(database.url)
    yield found
    found.close()


def test_every_text_is_sorted_by_the_codes_of_its_characters(database: Database) -> None:
    words = {
        (table.name, column.name)
        for table in schema.metadata.sorted_tables
        for column in table.columns
        if column.type is columns.Word
    }
    found = text(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND collation_name = 'C'"
    )
    with database.reader() as connection:
        assert {tuple(row) for row in connection.execute(found)} == words


def test_a_text_with_nul_is_kept_without_it(database: Database) -> None:
    books = BooksVersions(database)
    written = books.write(ALL, [Draft("account", "a", {"name": "a\0b"}, reason="a\0b")], NOW)
    assert written[0].document == {"name": "a\0b"}
    found = books.history(ALL, "account", "a")[0]
    assert (found.document, found.reason) == ({"name": "a\0b"}, "a\ufffdb")


def test_readers_cannot_write_and_see_one_state(database: Database, other: Database) -> None:
    with pytest.raises(Unavailable, match="read-only"), database.reader() as connection:
        connection.execute(text("DELETE FROM version"))
    with database.reader() as connection:
        assert connection.scalars(select(schema.version.c.key)).all() == []
        BooksVersions(other).write(ALL, [Draft("account", "a", {})], NOW)
        assert connection.scalars(select(schema.version.c.key)).all() == []


def test_a_writer_is_durable_whatever_the_server_is_set_to(tmp_path: Path) -> None:
    url = address(postgres.database(tmp_path))
    lax = url.update_query_dict({"options": "-c synchronous_commit=off"})
    database = Database(lax)
    with database.writer() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    database.close()


def test_a_writer_waits_for_another_so_revisions_appear_in_order(
    database: Database, other: Database
) -> None:
    books = BooksVersions(database)
    with other.writer() as connection:  # paused between insert and commit
        connection.execute(schema.revision.insert().values(number=1, recorded_at=NOW))
        second = threading.Thread(target=books.write, args=(ALL, [Draft("account", "a", {})], NOW))
        second.start()
        second.join(0.3)
        assert second.is_alive()
        assert books.revision(ALL) == 0
    second.join(20)
    assert [v.revision for v in books.history(ALL, "account", "a")] == [2]


def test_processes_that_start_together_make_the_tables_once() -> None:
    url = address(postgres.empty_database("started_together"))
    opened_here: list[Database] = []
    threads = [threading.Thread(target=lambda: opened_here.append(Database(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [BooksVersions(one).revision(ALL) for one in opened_here] == [0] * 4
    for one in opened_here:
        one.close()


def test_a_lost_connection_refuses_and_the_next_change_is_stored(
    database: Database, other: Database
) -> None:
    def change() -> None:
        with database.writer() as connection:
            connection.execute(schema.revision.insert().values(number=1, recorded_at=NOW))
            _cut_off(other)

    with pytest.raises(Unavailable) as refusal:
        change()
    assert refusal.value.code == "books_unavailable"
    assert BooksVersions(database).revision(ALL) == 0
    assert BooksSnapshot(database).state(ALL) is None
    assert BooksVersions(database).write(ALL, [Draft("account", "a", {})], NOW)[0].revision == 1


def _cut_off(other: Database) -> None:
    """End every connection to the database but the one that asks, as a broken server does."""
    ended = text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with other.reader() as connection:
        connection.execute(ended)


@pytest.mark.parametrize(
    "wrong", ["", "nonsense", "mysql://u:secret@h/d", "postgresql://u:secret@h:port/d"]
)
def test_an_address_that_cannot_be_right_is_refused_without_its_password(wrong: str) -> None:
    with pytest.raises(Unavailable) as refusal:
        address(wrong)
    assert refusal.value.code == "database_url_wrong"
    assert "secret" not in refusal.value.detail


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(Unavailable) as refusal:
        Database(address("postgresql://u:secret@127.0.0.1:1/d"))
    assert refusal.value.code == "books_unavailable"
    assert "127.0.0.1" in refusal.value.detail
    assert "secret" not in refusal.value.detail
