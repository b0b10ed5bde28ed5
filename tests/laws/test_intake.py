"""The laws of every store of what was accepted and refused: counts add up, whoever writes them, are
kept for a while, and are shown to nobody who is bound to accounts.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallybook.model.errors import Forbidden
from tallybook.model.intake import Sent
from tallybook.model.limits import INTAKE_DAYS
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.stores.books.database import Database
from tallybook.stores.books.intake import BooksIntake
from tests.books import STORES, opened

HOUR = datetime(2026, 4, 1, 12, tzinfo=UTC)
WHOLE = operator("tester")
GOOD = Sent(HOUR, "key:a", "accepted", "")
BAD = Sent(HOUR, "key:a", "rejected", "time_invalid")


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


def test_counts_add_up_and_come_in_order(database: Database) -> None:
    store = BooksIntake(database)
    assert store.since(WHOLE, FIRST_INSTANT) == []
    store.add(WHOLE, [])
    later = GOOD._replace(hour=HOUR + timedelta(hours=1))
    store.add(WHOLE, [(later, 1), (BAD, 2), (GOOD, 10**12)])
    store.add(WHOLE, [(BAD, 3)])
    assert store.since(WHOLE, HOUR) == [(GOOD, 10**12), (BAD, 5), (later, 1)]


def test_an_instant_stands_for_its_hour(database: Database) -> None:
    store = BooksIntake(database)
    store.add(WHOLE, [(GOOD, 1)])
    assert store.since(WHOLE, HOUR + timedelta(minutes=59)) == [(GOOD, 1)]
    assert store.since(WHOLE, HOUR + timedelta(hours=1)) == []


def test_what_several_write_at_once_is_all_there(database: Database, tmp_path: Path) -> None:
    """On PostgreSQL as by two processes, each with connections of its own."""
    other = database if database.is_owned else opened("postgresql", tmp_path)
    stores = [BooksIntake(one) for one in (database, other, database, other)]
    rows = [(BAD, 1), (GOOD, 2)]

    def write(store: BooksIntake) -> None:
        for turn in range(20):
            store.add(WHOLE, rows[:: -1 if turn % 2 else 1])

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, stores))
    assert stores[0].since(WHOLE, HOUR) == [(GOOD, 160), (BAD, 80)]
    other.close()


def test_what_is_too_old_is_forgotten(database: Database) -> None:
    store = BooksIntake(database)
    store.add(WHOLE, [(GOOD, 1)])
    kept = BAD._replace(hour=HOUR + timedelta(days=INTAKE_DAYS))
    store.add(WHOLE, [(kept, 1)])
    assert store.since(WHOLE, FIRST_INSTANT) == [(GOOD, 1), (kept, 1)]
    next_ = kept._replace(hour=kept.hour + timedelta(hours=1))
    store.add(WHOLE, [(next_, 1)])
    assert store.since(WHOLE, FIRST_INSTANT) == [(kept, 1), (next_, 1)]


def test_who_is_bound_to_accounts_is_shown_nothing(database: Database) -> None:
    store = BooksIntake(database)
    store.add(WHOLE, [(GOOD, 1)])
    bound = Scope("a", "admin", (Member("acme", FIRST_INSTANT, LAST_INSTANT),))
    assert store.since(bound, HOUR) == []
    assert store.since(Scope("b", "analyst"), HOUR) == [(GOOD, 1)]
    with pytest.raises(Forbidden):
        store.since(Scope("c", "ingest"), HOUR)
    with pytest.raises(Forbidden):
        store.add(Scope("d", "finance"), [(GOOD, 1)])
