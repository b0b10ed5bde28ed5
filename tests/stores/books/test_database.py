import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from tallybook.model.errors import Unavailable
from tallybook.model.ports import Draft
from tallybook.model.scope import operator
from tallybook.stores.books import schema
from tallybook.stores.books.database import Database, sqlite
from tallybook.stores.books.versions import BooksVersions
from tests.books import STORES, opened

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    found = opened("sqlite", tmp_path)
    yield found
    found.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "books.db").write_bytes(b"no database" * 100)
    with pytest.raises(Unavailable) as refusal:
        sqlite(tmp_path / "books.db")
    assert refusal.value.code == "books_unavailable"


def test_the_writer_is_durable_and_the_readers_cannot_write(file: Database) -> None:
    def ask(connection: Connection, pragma: str) -> object:
        return connection.scalar(text(f"PRAGMA {pragma}"))

    with file.writer() as connection:
        assert [ask(connection, p) for p in ("journal_mode", "synchronous", "foreign_keys")] == [
            "wal",
            2,
            1,
        ]
        assert ask(connection, "mmap_size") in {0, None}
    with file.reader() as connection:
        assert [ask(connection, p) for p in ("query_only", "wal_autocheckpoint")] == [1, 0]
    with pytest.raises(Unavailable), file.reader() as connection:
        connection.execute(text("DELETE FROM version"))


def test_a_version_cannot_name_a_revision_that_is_not_there(database: Database) -> None:
    row = {
        "noun": "account",
        "key": "a",
        "number": 1,
        "revision": 99,
        "author": "x",
        "retired": False,
        "document": {},
    }
    with pytest.raises(IntegrityError), database.writer() as connection:
        connection.execute(schema.version.insert().values(row))


def test_a_failed_write_changes_nothing_and_the_next_one_works(database: Database) -> None:
    books = BooksVersions(database)
    wrong = schema.revision.insert().values([{"number": 1, "recorded_at": NOW}] * 2)
    with pytest.raises(IntegrityError), database.writer() as connection:
        connection.execute(wrong)
    assert books.revision(operator()) == 0
    assert books.write(operator(), [Draft("account", "a", {})], NOW)[0].revision == 1


def test_a_full_disk_is_said_and_nothing_is_written(file: Database) -> None:
    books = BooksVersions(file)
    books.write(operator(), [Draft("account", "a", {})], NOW)
    with file.writer() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    huge = [Draft("account", f"b{n}", {"name": "x" * 4_000}) for n in range(50)]
    with pytest.raises(Unavailable) as refusal:
        books.write(operator(), huge, NOW)
    assert refusal.value.code == "books_unavailable"
    assert "full" in refusal.value.detail
    assert [v.key for v in books.versions(operator(), "account")] == ["a"]
    with file.writer() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    assert len(books.write(operator(), huge, NOW)) == 50


def test_a_long_reader_does_not_stop_a_writer(database: Database) -> None:
    books = BooksVersions(database)
    with database.reader() as connection:
        connection.execute(text("SELECT * FROM version")).all()
        writer = threading.Thread(
            target=books.write, args=(operator(), [Draft("account", "a", {})], NOW)
        )
        writer.start()
        writer.join(timeout=10)
        assert not writer.is_alive()


WRITER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from tallybook.model.ports import Draft
from tallybook.model.scope import operator
from tallybook.stores.books.database import sqlite
from tallybook.stores.books.versions import BooksVersions
books = BooksVersions(sqlite(Path(sys.argv[1]) / "books.db"))
now = datetime(2026, 1, 1, tzinfo=UTC)
while True:
    made = books.write(operator(), [Draft("account", "a", {}), Draft("account", "b", {})], now)
    os.write(1, b"%d\\n" % made[0].revision)
"""


@pytest.mark.process
@pytest.mark.parametrize("run", range(3))
def test_what_was_answered_before_a_kill_is_there(tmp_path: Path, run: int) -> None:
    """Also when the folder is copied as the kill left it, and never half a commit."""
    source = Path(schema.__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(source)},
    ) as writer:
        assert writer.stdout is not None
        for _ in range(20 + 30 * run):
            answered = int(writer.stdout.readline())
        writer.kill()
        answered = max([answered, *(int(n) for n in writer.stdout.read().split(b"\n")[:-1] if n)])
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tmp_path.glob("books.db*"):
        shutil.copy(file, copy)
    database = sqlite(copy / "books.db")
    books = BooksVersions(database)
    revision = books.revision(operator())
    assert answered <= revision <= answered + 1
    for key in "ab":
        found = [v.revision for v in books.history(operator(), "account", key)]
        assert found == list(range(1, revision + 1))
    database.close()
