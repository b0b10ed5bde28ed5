# ruff: noqa: SLF001 - a writer is paused, and cut off, between its insert and its commit
"""The ledger on PostgreSQL, where many processes write: numbers without holes, an id once."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from tallybook.model.errors import Overloaded, Unavailable
from tallybook.model.scope import operator
from tallybook.stores.ledger import SqlLedger
from tallybook.stores.postgresql import address
from tests import postgres
from tests.stores.ledger.events import NOW, append, arrival, arrivals, place

pytestmark = pytest.mark.postgres

ALL = operator()
WAIT_SECONDS = 30
ROOT = Path(__file__).parents[3]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


@pytest.fixture
def url(tmp_path: Path) -> URL:
    found = place("postgresql", tmp_path)
    assert isinstance(found, URL)
    return found


@pytest.fixture
def one(url: URL) -> Iterator[SqlLedger]:
    with SqlLedger(url) as opened:
        yield opened


@pytest.fixture
def two(url: URL) -> Iterator[SqlLedger]:
    """Open the same ledger as another process does."""
    with SqlLedger(url) as opened:
        yield opened


def before_commit(ledger: SqlLedger, act: Callable[[], object]) -> None:
    """Do something each time a ledger has inserted all it will, and has not committed it."""
    store = ledger._home.store

    def then(first: int, keys: Sequence[bytes], digests: Sequence[int]) -> None:
        store(first, keys, digests)
        act()

    ledger._home.store = then  # type: ignore[method-assign] # the moment between two steps


def numbers(ledger: SqlLedger) -> list[int]:
    """Return every entry that can be seen."""
    found = ledger.read(ALL, 0, 10**9)
    return [seq for batch in found for seq in range(batch.first_seq, batch.last_seq + 1)]


@pytest.mark.process
def test_an_entry_that_is_seen_has_none_before_it_that_is_not(
    url: URL, one: SqlLedger, two: SqlLedger
) -> None:
    """One writer is paused between its insert and its commit, and another waits: nobody sees an
    entry of either, in whichever process. So no position that can be seen has one below it that
    cannot, and who reads up to the newest misses nothing.
    """
    paused, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        paused.set()
        assert go_on.wait(WAIT_SECONDS)

    before_commit(one, pause)
    with SqlLedger(url) as reader, ThreadPoolExecutor(2) as pool:
        first = pool.submit(append, one, arrivals(range(10)), NOW)
        assert paused.wait(WAIT_SECONDS)
        second = pool.submit(append, two, arrivals(range(5, 15)), NOW)
        threading.Event().wait(0.3)
        assert not second.done()
        assert (reader.head(ALL), numbers(reader)) == (0, [])
        assert seen_by_another_process(url) == (0, [])
        go_on.set()
        assert {v.status for v in first.result(WAIT_SECONDS)} == {"accepted"}
        verdicts = second.result(WAIT_SECONDS)
        assert [v.status for v in verdicts] == ["duplicate"] * 5 + ["accepted"] * 5
        assert [v.seq for v in verdicts[:5]] == [6, 7, 8, 9, 10]
        assert (reader.head(ALL), numbers(reader)) == (15, list(range(1, 16)))
    assert seen_by_another_process(url) == (15, list(range(1, 16)))


_READER = """
import json, sys
from tallybook.model.scope import operator
from tallybook.stores.ledger import SqlLedger
from tallybook.stores.postgresql import address
from tests.stores.ledger.test_shared import numbers

ledger = SqlLedger(address(sys.argv[1]))
print(json.dumps([ledger.head(operator()), numbers(ledger)]))
ledger.close()
"""


def seen_by_another_process(url: URL) -> tuple[int, list[int]]:
    """Return the newest entry and all entries that a process of its own sees."""
    program = [sys.executable, "-c", _READER, url.render_as_string(hide_password=False)]
    done = subprocess.run(program, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    head, seen = json.loads(done.stdout)
    return head, seen


def test_batches_with_the_same_ids_in_opposite_order_never_wait_for_each_other(
    url: URL, one: SqlLedger, two: SqlLedger
) -> None:
    """Two writers that locked ids one by one, each in its own order, would wait for each other
    until the server ended one of them.
    """
    rounds, size = 20, 200
    meet = threading.Barrier(2)

    def write(ledger: SqlLedger, step: int) -> Counter[str]:
        total: Counter[str] = Counter()
        for number in range(rounds):
            batch = arrivals(range(number * size, (number + 1) * size))[::step]
            meet.wait(WAIT_SECONDS)
            total.update(v.status for v in append(ledger, batch, NOW))
        return total

    with ThreadPoolExecutor(2) as pool:
        total = sum(pool.map(write, (one, two), (1, -1)), Counter[str]())
    assert total == {"accepted": rounds * size, "duplicate": rounds * size}
    with create_engine(url, poolclass=NullPool).connect() as connection:
        ended = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert connection.scalar(text(ended)) == 0


def test_what_another_process_stored_is_a_duplicate_or_a_conflict(
    one: SqlLedger, two: SqlLedger
) -> None:
    append(one, arrivals(range(3)), NOW)
    batch = [arrival(0), arrival(1, data=2), arrival(2, data=1.0), arrival("new")]
    assert [(v.status, v.seq) for v in append(two, batch, NOW)] == [
        ("duplicate", 1),
        ("conflict", 2),
        ("duplicate", 3),
        ("accepted", None),
    ]
    assert one.head(ALL) == two.head(ALL) == 4
    assert one.fetch(ALL, [4])[4].wire == arrival("new").wire


def test_a_reader_never_sees_a_hole_while_others_write(url: URL) -> None:
    done = threading.Event()
    seen = []

    def watch() -> None:
        with SqlLedger(url) as ledger:
            while not done.is_set():
                found = numbers(ledger)
                assert found == list(range(1, len(found) + 1))
                seen.append(len(found))

    def write(part: int) -> Counter[str]:
        total: Counter[str] = Counter()
        with SqlLedger(url) as ledger:
            for i in range(0, 200, 10):  # each id comes from two writers
                start = i + 100 * part
                verdicts = append(ledger, arrivals(range(start, start + 10)), NOW)
                total.update(v.status for v in verdicts)
        return total

    with ThreadPoolExecutor(4) as pool:
        watching = pool.submit(watch)
        try:
            total = sum(pool.map(write, range(3)), Counter[str]())
        finally:
            done.set()
        watching.result(WAIT_SECONDS)
    assert total == {"accepted": 400, "duplicate": 200}
    assert seen == sorted(seen)


@pytest.mark.parametrize("times", [1, 2])
def test_a_connection_lost_before_the_commit_stores_nothing_and_is_opened_again(
    url: URL, one: SqlLedger, times: int
) -> None:
    append(one, arrivals(range(3)), NOW)
    others = create_engine(url)

    def cut_off() -> None:
        with others.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    store = one._home.store
    before_commit(one, cut_off)
    for _ in range(times):
        with pytest.raises(Unavailable) as refusal:
            append(one, arrivals(range(3, 6)), NOW)
        assert refusal.value.code == "ledger_unwritable"
    one._home.store = store  # type: ignore[method-assign] # the moment between two steps
    others.dispose()
    assert one.head(ALL) == 3
    assert [v.status for v in append(one, arrivals(range(2, 6)), NOW)] == [
        "duplicate",
        *["accepted"] * 3,
    ]
    assert one.head(ALL) == 6


def test_a_commit_that_was_stored_and_not_acknowledged_counts_once(one: SqlLedger) -> None:
    stored = one._home.stored

    def lost(*_: object) -> None:
        raise OSError("the answer to the commit was lost")

    one._home.stored = lost  # type: ignore[method-assign,assignment] # the moment between two steps
    with pytest.raises(Unavailable):
        append(one, arrivals(range(3)), NOW)
    one._home.stored = stored  # type: ignore[method-assign] # the moment between two steps
    verdicts = append(one, arrivals(range(4)), NOW)
    assert [v.seq for v in verdicts] == [1, 2, 3, None]
    assert (one.head(ALL), numbers(one)) == (4, [1, 2, 3, 4])


def test_processes_that_start_together_agree_on_one_ledger() -> None:
    url = address(postgres.empty_database("ledgers_started_together"))
    with ThreadPoolExecutor(4) as pool:
        ledgers = list(pool.map(lambda _: SqlLedger(url), range(4)))
    verdicts = [append(ledger, [arrival("same")], NOW)[0].status for ledger in ledgers]
    assert verdicts == ["accepted", *["duplicate"] * 3]
    for ledger in ledgers:
        ledger.close()


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(Unavailable) as refusal:
        SqlLedger(address("postgresql://u:secret@127.0.0.1:1/d"))
    assert refusal.value.code == "ledger_unreadable"
    assert "secret" not in refusal.value.detail


_WRITER = """
import random, sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from tallybook.stores.ledger import SqlLedger
from tallybook.stores.postgresql import address
from tests.stores.ledger.events import append, NOW, arrival

names = [*range(2000)]
random.Random(int(sys.argv[2])).shuffle(names)
total = Counter()
with SqlLedger(address(sys.argv[1])) as ledger, ThreadPoolExecutor(4) as pool:
    batches = [[arrival(n) for n in names[i : i + 25]] for i in range(0, len(names), 25)]
    for verdicts in pool.map(lambda b: append(ledger, b, NOW), batches):
        total.update(v.status for v in verdicts)
print(total["accepted"], total["duplicate"], total["conflict"])
"""


@pytest.mark.process
def test_processes_with_the_same_ids_in_other_orders_count_each_once(url: URL) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, url.render_as_string(), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        for seed in range(3)
    ]
    counts = [list(map(int, one.communicate(timeout=100)[0].split())) for one in running]
    assert [one.returncode for one in running] == [0, 0, 0]
    assert [sum(column) for column in zip(*counts, strict=True)] == [2000, 4000, 0]
    with SqlLedger(url) as ledger:
        assert ledger.head(ALL) == 2000
        facts = ledger.fetch(ALL, range(1, 2001))
        assert {f.wire for f in facts.values()} == {arrival(n).wire for n in range(2000)}


def test_an_entry_that_cannot_be_read_yet_refuses_the_batch(one: SqlLedger, tmp_path: Path) -> None:
    """As where it is read from a server that lags behind."""
    append(one, [arrival("e")], NOW)
    with SqlLedger(place("postgresql", tmp_path / "behind")) as behind:
        one._reader = behind._reader
        with pytest.raises(Overloaded) as refused:
            append(one, [arrival("e", data=2), arrival("new")], NOW)
    assert refused.value.code == "ledger_behind"
    assert refused.value.facts["retry_after"]
