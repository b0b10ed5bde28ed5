"""What the outbox asks of a file of many deliveries: no question looks at all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tallybook.model.delivery import DeliveryQuery
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.stores.books.database import Database
from tallybook.stores.books.deliveries import BooksDeliveries, BooksOutbox
from tests.books import opened

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
WHOLE = operator("ann@example.com")
ACME = (Member("acme", FIRST_INSTANT, LAST_INSTANT),)
READERS = [
    WHOLE,
    Scope("bob@example.com", "analyst"),
    Scope("boss@acme.example", "customer_admin", ACME),
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = opened("sqlite", tmp_path)
    yield found
    found.close()


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Note what is asked of a database while the block runs."""
    found: list[tuple[str, Any]] = []

    def note(*said: Any) -> None:
        found.append((said[2], said[3]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plans(database: Database, questions: list[tuple[str, Any]]) -> list[str]:
    """Return how SQLite looks at tables for what it was asked."""
    with database.reader() as connection:
        return [
            str(row.detail)
            for sql, values in questions
            if sql.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            if str(row.detail).startswith(("SCAN", "SEARCH"))
        ]


@pytest.mark.parametrize("reader", READERS, ids=lambda scope: scope.role)
@pytest.mark.parametrize(
    ("query", "index"),
    [
        (DeliveryQuery(NOW, run="r-1"), "ix_delivery_run_id (run=?"),
        (DeliveryQuery(NOW, run="r-1", after="x"), "ix_delivery_run_id (run=?"),
        (DeliveryQuery(NOW, subscription="s-1"), "ix_delivery_subscription_id (subscription=?"),
    ],
)
def test_the_messages_of_a_run_are_found_by_an_index(
    database: Database, reader: Scope, query: DeliveryQuery, index: str
) -> None:
    with asked() as questions:
        BooksDeliveries(database).page(reader, query)
    found = [plan for plan in plans(database, questions) if "delivery" in plan]
    assert len(found) == 2, "how many there are, and the first of them"
    assert all(index in plan for plan in found), found


def test_of_files_only_old_ones_are_looked_at(database: Database) -> None:
    with asked() as questions:
        BooksOutbox(database).forget(WHOLE, NOW - timedelta(days=7))
    found = plans(database, questions)
    files, mails = found
    assert "SEARCH attachment USING COVERING INDEX" in files
    assert "(delivery_id<?)" in files
    assert "SEARCH delivery" in mails
    assert "(id=?)" in mails
