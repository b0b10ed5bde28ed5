"""The counts of one process: all that was sent is written down once, also where writing fails."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tallybook.model.errors import Unavailable
from tallybook.model.fact import ACCEPTED, Verdict
from tallybook.model.intake import Sent
from tallybook.model.scope import operator
from tallybook.model.time import FIRST_INSTANT
from tallybook.operations.ingest import receipt
from tallybook.operations.intake import Tally
from tallybook.stores.books.intake import BooksIntake
from tests.books import opened

NOW = datetime(2026, 4, 1, 14, 59, 59, 999999, tzinfo=UTC)
HOUR = datetime(2026, 4, 1, 14, tzinfo=UTC)
WHOLE = operator("tester")
BAD = Verdict("rejected", None, "time_invalid", "Write a time.")
GOOD = Sent(HOUR, "a", "accepted", "")
REFUSED = Sent(HOUR, "a", "rejected", "time_invalid")
MIXED = receipt(["1", "2", "3"], [ACCEPTED, BAD, BAD], 1)


def test_what_is_counted_is_written_once_by_hour_and_sender(tmp_path: Path) -> None:
    tally, store = Tally(), BooksIntake(opened("sqlite", tmp_path))
    tally.add("a", NOW, MIXED)
    tally.add("a", NOW, receipt(["4"], [ACCEPTED], 2))
    tally.add("b", NOW + timedelta(microseconds=1), receipt([], [], 2))
    tally.add("b", NOW + timedelta(microseconds=1), receipt(["5"], [ACCEPTED], 3))
    for _ in range(2):
        tally.flush(WHOLE, store)
        assert store.since(WHOLE, FIRST_INSTANT) == [
            (GOOD, 2),
            (REFUSED, 2),
            (Sent(HOUR + timedelta(hours=1), "b", "accepted", ""), 1),
        ]


def test_threads_lose_nothing(tmp_path: Path) -> None:
    tally, store = Tally(), BooksIntake(opened("sqlite", tmp_path))

    def send(_: int) -> None:
        for turn in range(50):
            tally.add("a", NOW, MIXED)
            if turn % 10 == 0:
                tally.flush(WHOLE, store)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    tally.flush(WHOLE, store)
    assert store.since(WHOLE, HOUR) == [(GOOD, 400), (REFUSED, 800)]


def test_what_cannot_be_written_is_kept(tmp_path: Path) -> None:
    database = opened("sqlite", tmp_path)
    tally, store = Tally(), BooksIntake(database)
    tally.add("a", NOW, MIXED)
    with database.writer() as connection:
        connection.execute(text("ALTER TABLE intake RENAME TO away"))
    with pytest.raises(Unavailable):
        tally.flush(WHOLE, store)
    tally.add("a", NOW, MIXED)
    with database.writer() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO intake"))
    tally.flush(WHOLE, store)
    assert store.since(WHOLE, HOUR) == [(GOOD, 2), (REFUSED, 4)]
