"""What is DuckDB's own: transactions, threads and limits. Its answers are in laws."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.nouns import Meter
from tallybook.model.scope import Member, operator
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.stores.duckdb import months
from tallybook.stores.duckdb.dialect import Parameters
from tallybook.stores.duckdb.store import DuckEvents
from tests.facts import Happened, batches

ALL = operator()
START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)
COUNT = Meter(key="c", event_type="use", aggregation="count")
SUM = Meter(key="s", event_type="use", aggregation="sum", property="q")
ONES = [Happened("a", START + timedelta(hours=i), '{"q": 1}') for i in range(48)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.duckdb"


@pytest.fixture
def store(path: Path) -> Iterator[DuckEvents]:
    store = DuckEvents(path)
    yield store
    store.close()


def total(store: DuckEvents) -> Any:
    cells = store.usage(ALL, UsageQuery(SUM, (START, END), 10**9))
    return cells[0].value if cells else None


class TestLoading:
    def test_a_failed_load_leaves_all_as_it_was(
        self, store: DuckEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.load(ALL, batches(ONES[:10]))
        sent = batches(ONES, [10])[1:]
        with monkeypatch.context() as patched:
            patched.setattr(
                "tallybook.stores.duckdb.load._INSERT", "SELECT $pages, $lines, no_column"
            )
            with pytest.raises(Unavailable):
                store.load(ALL, sent)
        assert (store.position(ALL), total(store)) == (10, 10)
        store.load(ALL, sent)
        assert (store.position(ALL), total(store)) == (48, 48)

    def test_large_loads_are_several_commits(
        self, store: DuckEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tallybook.stores.events.gather.LOAD_EVENTS_MAX", 7)
        loaded = store.load(ALL, batches(ONES, [5, 9, 1, 1, 20]))
        assert loaded.seq == 48
        assert loaded.touched == {"use": {"a"}}
        assert total(store) == 48

    def test_what_was_loaded_is_there_when_the_file_is_opened_again(self, path: Path) -> None:
        first = DuckEvents(path)
        first.load(ALL, batches(ONES))
        first.compact(ALL, date(2026, 3, 2))
        first.close()
        again = DuckEvents(path)
        assert (again.position(ALL), total(again)) == (48, 48)
        again.clear(ALL)
        assert (again.position(ALL), total(again), again.types(ALL)) == (0, None, {})
        again.close()

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "broken").write_bytes(b"not a database" * 1000)
        with pytest.raises(Unavailable) as refused:
            DuckEvents(tmp_path / "broken")
        assert refused.value.code == "events_unavailable"


class TestCompaction:
    def test_closed_days_move_to_their_months(self, store: DuckEvents) -> None:
        early = Happened("a", datetime(1, 1, 1, tzinfo=UTC), '{"q": 1}')
        store.load(ALL, batches([early, early, *ONES]))
        assert store.compact(ALL, date(2026, 3, 2)) == 26
        assert store.compact(ALL, date(2026, 3, 2)) == 0
        assert store.compact(ALL, date(2026, 3, 3)) == 24
        with store._cursor() as db:  # noqa: SLF001 - how rows lie is this store's own affair
            found = months.months(db)
            assert [(m.relation[:13], m.events) for m in found] == [
                (found[0].relation[:13], 2),
                ("month_2026_03", 48),
            ]
            rows = db.execute(f"SELECT subject, time, seq FROM {found[1].relation}").fetchall()
            assert rows == sorted(rows)
            assert db.execute("SELECT count(*) FROM tail").fetchone() == (0,)

    def test_a_late_row_waits_until_rewriting_is_worth_it(self, store: DuckEvents) -> None:
        many = [Happened("a", START, '{"q": 1}')] * 201
        store.load(ALL, batches([*many, *ONES[:2]], [201, 1]))
        store.compact(ALL, date(2026, 3, 1))
        store.clear(ALL)
        store.load(ALL, batches(many))
        assert store.compact(ALL, date(2026, 4, 1)) == 201
        store.load(ALL, batches([*many, *ONES[:1]]))
        assert store.compact(ALL, date(2026, 4, 1)) == 0
        store.load(ALL, batches([*many, *ONES[:3]]))
        assert store.compact(ALL, date(2026, 4, 1)) == 3
        assert total(store) == 204

    def test_a_failed_compaction_moves_nothing(
        self, store: DuckEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.load(ALL, batches(ONES))
        with monkeypatch.context() as patched:
            patched.setattr("tallybook.stores.duckdb.months._COLUMNS", "seq, no_column")
            with pytest.raises(Unavailable):
                store.compact(ALL, date(2026, 4, 1))
        assert total(store) == 48
        assert store.compact(ALL, date(2026, 4, 1)) == 48
        assert total(store) == 48


class TestTogether:
    def test_readers_see_whole_loads_while_rows_arrive_and_move(self, store: DuckEvents) -> None:
        """Each load adds ten to every reader's sum; nobody may see a part, or a row twice."""
        stop, wrong = threading.Event(), []

        def read() -> None:
            last = Decimal(0)
            while not stop.is_set():
                found = total(store) or Decimal(0)
                if found % 10 or found < last:
                    wrong.append((last, found))
                last = found

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        rows = [Happened("a", START + timedelta(hours=i), '{"q": 1}') for i in range(400)]
        for batch in batches(rows, [10] * 40):
            store.load(ALL, [batch])
            if batch.first_seq % 100 == 1:
                mover = threading.Thread(
                    target=store.compact, args=(ALL, date(2026, 3, 1 + batch.first_seq // 24))
                )
                mover.start()
        mover.join()
        stop.set()
        for reader in readers:
            reader.join()
        assert not wrong
        assert total(store) == 400


class TestLimits:
    def test_a_question_that_takes_too_long_is_stopped(self, path: Path) -> None:
        store = DuckEvents(path, query_seconds=0)
        endless = "SELECT sum(a.range + b.range) FROM range(1000000000) a, range(1000000000) b"
        with pytest.raises(Invalid) as refused:
            store._ask((START, END), 9, lambda _: (endless, Parameters()))  # noqa: SLF001 - a question of our own
        assert refused.value.code == "query_too_long"
        assert refused.value.facts["limit"] == 0
        store.close()

    def test_a_sum_that_overflows_is_refused(self, store: DuckEvents) -> None:
        """26 integer digits hold 10^8 of the largest quantity, so the engine adds them here."""
        largest = "SELECT sum(CAST(repeat('9', 26) AS DECIMAL(38,12))) FROM range(2)"
        with pytest.raises(Invalid) as refused:
            store._ask((START, END), 9, lambda _: (largest, Parameters()))  # noqa: SLF001 - a question of our own
        assert refused.value.code == "quantity_overflow"

    def test_other_files_and_settings_are_locked(self, store: DuckEvents, tmp_path: Path) -> None:
        for sql in (
            f"SELECT * FROM read_csv('{tmp_path}/x.csv')",
            f"ATTACH '{tmp_path}/other.db'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(Unavailable):
                store._ask((START, END), 9, lambda _, sql=sql: (sql, Parameters()))  # type: ignore[misc]  # noqa: SLF001 - a question of our own; sql is bound here

    def test_a_closed_store_says_so(self, path: Path) -> None:
        store = DuckEvents(path)
        store.close()
        with pytest.raises(Unavailable):
            store.position(ALL)


def test_a_batch_half_seen_is_cut(store: DuckEvents) -> None:
    (whole,) = batches(ONES)
    store.load(ALL, batches(ONES[:5]))
    loaded = store.load(ALL, [whole])
    assert loaded.seq == 48
    assert total(store) == 48
    assert {c.value for c in store.usage(ALL, UsageQuery(COUNT, (START, END), 5))} == {5}
    assert store.usage(ALL, UsageQuery(COUNT, (START, END), 99, ())) == []
    cells = store.usage(ALL, UsageQuery(COUNT, (START, END), 99, (Member("a", START, END, 3),)))
    assert cells == [UsageCell(3, 0, None, (), Decimal(48))]


def test_after_a_full_disk_the_file_is_opened_anew(store: DuckEvents) -> None:
    store.load(ALL, batches([Happened("a", START)] * 3))
    with full_disk(), pytest.raises(Unavailable), store._cursor() as db:  # noqa: SLF001 - the engine does it when it likes
        db.execute("CHECKPOINT")
    assert store.types(ALL) == {"use": 3}
    assert store.load(ALL, batches([Happened("a", START)] * 4)).seq == 4


def test_a_call_that_began_before_the_fault_fails_alone(store: DuckEvents) -> None:
    store.load(ALL, batches([Happened("a", START)]))
    with store._cursor() as old:  # noqa: SLF001 - as above
        with full_disk(), pytest.raises(Unavailable), store._cursor() as db:  # noqa: SLF001 - as above
            db.execute("CHECKPOINT")
        assert store.types(ALL) == {"use": 1}
        with pytest.raises(duckdb.Error):
            old.execute("SELECT count(*) FROM tail")
    assert store.types(ALL) == {"use": 1}


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
