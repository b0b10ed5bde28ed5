"""Leases: of all processes one does a job, and one that was paused past its lease writes nothing.

Two Books on one database are two processes. On SQLite there is one, and whoever opens the folder
next takes all jobs at once.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from tallybook.model.errors import Forbidden
from tallybook.model.limits import LEASE_SECONDS
from tallybook.model.ports import Claim
from tallybook.model.scope import Scope, operator
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import BooksLeases
from tests.books import STORES, opened

ALL = operator()
JOB = "a job"


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Database]:
    found = opened("postgresql", tmp_path)
    yield found
    found.close()


@pytest.fixture
def other(shared: Database) -> Iterator[Database]:
    """Open the same database as another process does."""
    found = Database(shared.url)
    yield found
    found.close()


def run_out(database: Database) -> None:
    """Let so much time pass for the database that every lease is over."""
    with database.out_of_turn() as connection:
        connection.execute(text("UPDATE lease SET until = until - 3600000000"))


def seconds_left(database: Database) -> float:
    question = "SELECT until / 1e6 - extract(epoch FROM clock_timestamp()) FROM lease"
    with database.reader() as connection:
        return float(connection.scalars(text(question)).one())


def test_who_has_a_job_keeps_it(database: Database) -> None:
    one = BooksLeases(database, "one")
    claim = one.claim(ALL, JOB)
    assert claim == one.claim(ALL, JOB) == Claim(JOB, 1)
    run_out(database)
    one.renew()
    assert one.claim(ALL, JOB) == claim
    assert one.claim(ALL, "another job") == Claim("another job", 1)
    with pytest.raises(Forbidden):
        one.claim(Scope("x", "csm"), JOB)


def test_whoever_opens_the_folder_next_has_all_jobs_at_once(tmp_path: Path) -> None:
    for expected in (1, 2):
        database = opened("sqlite", tmp_path)
        claim = BooksLeases(database, f"process {expected}").claim(ALL, JOB)
        assert claim == Claim(JOB, expected)
        database.close()


@pytest.mark.postgres
def test_another_takes_a_job_over_that_was_given_up_or_ran_out(
    shared: Database, other: Database
) -> None:
    one, two = BooksLeases(shared, "one"), BooksLeases(other, "two")
    assert [one.claim(ALL, JOB), two.claim(ALL, JOB)] == [Claim(JOB, 1), None]
    run_out(other)
    assert two.claim(ALL, JOB) == Claim(JOB, 2)
    two.renew()
    assert one.claim(ALL, JOB) == Claim(JOB, 1)  # what it believes; whatever it writes is refused
    one.renew()
    assert [one.claim(ALL, JOB), two.claim(ALL, JOB)] == [None, Claim(JOB, 2)]
    two.close()
    assert one.claim(ALL, JOB) == Claim(JOB, 3)


@pytest.mark.postgres
def test_the_database_counts_the_time_whatever_clock_a_machine_has(
    shared: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)  # an hour is nothing to it
    assert BooksLeases(shared, "one").claim(ALL, JOB)
    assert LEASE_SECONDS - 5 < seconds_left(shared) <= LEASE_SECONDS
    assert BooksLeases(other, "two").claim(ALL, JOB) is None


@pytest.mark.postgres
def test_a_job_that_another_is_taking_is_passed_over_and_nobody_waits(
    shared: Database, other: Database
) -> None:
    BooksLeases(shared, "one").claim(ALL, JOB)
    run_out(shared)
    with shared.writer() as writing, shared.out_of_turn() as taking:  # neither has ended
        writing.execute(text("INSERT INTO revision (number, recorded_at) VALUES (1, 0)"))
        taking.execute(text("UPDATE lease SET holder = 'x'"))
        assert BooksLeases(other, "two").claim(ALL, JOB) is None


@pytest.mark.postgres
def test_of_many_that_ask_at_once_one_has_the_job(shared: Database) -> None:
    databases = [Database(shared.url) for _ in range(4)]
    leases = [BooksLeases(one, str(i)) for i, one in enumerate(databases)]
    taken: list[tuple[int, int]] = []
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            found = [*pool.map(lambda one: one._take(JOB), leases)]  # noqa: SLF001 - asks anew
            held = [(i, claim.fence) for i, claim in enumerate(found) if claim]
            assert len(held) == 1
            taken.append(held[0])
            run_out(shared)
    for (before, fence), (after, next_fence) in pairwise(taken):
        assert next_fence == fence + (before != after)
    for one in databases:
        one.close()


@pytest.mark.postgres
def test_a_lease_that_a_clock_ahead_has_counted_is_over(shared: Database, other: Database) -> None:
    """As where a server whose clock is behind has taken the place of the one that gave it."""
    one, two = BooksLeases(shared, "one"), BooksLeases(other, "two")
    one.claim(ALL, JOB)
    ahead(shared, LEASE_SECONDS / 3)  # a clock that was put right
    assert two.claim(ALL, JOB) is None
    ahead(shared, 3600)
    assert two.claim(ALL, JOB) == Claim(JOB, 2)
    assert 0 < seconds_left(shared) <= LEASE_SECONDS


def ahead(database: Database, seconds: float) -> None:
    with database.out_of_turn() as connection:
        connection.execute(text(f"UPDATE lease SET until = until + {seconds * 1e6:.0f}"))


@pytest.mark.postgres
def test_who_rests_leaves_its_jobs_to_others_until_it_is_time_to_renew(
    shared: Database, other: Database
) -> None:
    one, two = BooksLeases(shared, "one"), BooksLeases(other, "two")
    one.claim(ALL, JOB)
    one.rest()
    assert one.claim(ALL, JOB) is None
    one.renew()
    assert one.claim(ALL, JOB) == Claim(JOB, 1)  # nobody wanted it
    one.rest()
    assert [one.claim(ALL, JOB), two.claim(ALL, JOB)] == [None, Claim(JOB, 2)]
    one.renew()
    assert one.claim(ALL, JOB) is None


def test_who_is_alone_never_rests(tmp_path: Path) -> None:
    with closing(opened("sqlite", tmp_path)) as database:
        one = BooksLeases(database, "one")
        claim = one.claim(ALL, JOB)
        one.rest()
        assert one.claim(ALL, JOB) == claim
