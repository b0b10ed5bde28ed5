# ruff: noqa: SLF001 - a full disk, a failed sync and a small tail are made inside the ledger
"""The ledger keeps what it acknowledged, once, whatever happens to its files or its disk."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import Connection, Insert, text
from sqlalchemy.engine import URL

from tallybook.model.errors import Forbidden, TallybookError, Unavailable
from tallybook.model.fact import ACCEPTED, Fact, Verdict, columns_of
from tallybook.model.packed import Batch
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.stores.ledger import SqlLedger
from tests.stores.ledger.events import NOW, PLACES, append, arrival, arrivals, place

ALL = operator()


@pytest.fixture(params=PLACES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path | URL:
    return place(request.param, tmp_path)


@pytest.fixture
def ledger(home: Path | URL) -> Iterator[SqlLedger]:
    with SqlLedger(home) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqlLedger]:
    with SqlLedger(tmp_path) as opened:
        yield opened


def statuses(verdicts: list[Verdict]) -> list[str]:
    return [verdict.status for verdict in verdicts]


def wires(ledger: SqlLedger) -> list[bytes]:
    facts = ledger.fetch(ALL, range(1, ledger.head(ALL) + 1))
    return [facts[seq].wire for seq in sorted(facts)]


def test_entries_are_numbered_in_order_and_read_back(ledger: SqlLedger) -> None:
    assert ledger.head(ALL) == 0
    assert append(ledger, [], NOW) == []
    assert ledger.read(ALL, 0, 10) == []
    events = arrivals(range(25))
    for i in range(0, 25, 10):
        verdicts = append(ledger, events[i : i + 10], NOW + timedelta(seconds=i))
        assert verdicts == [ACCEPTED] * len(verdicts)
        assert ledger.head(ALL) == i + len(verdicts)
    assert ledger.head(ALL) == 25
    assert wires(ledger) == [a.wire for a in events]
    assert [(b.first_seq, b.last_seq) for b in ledger.read(ALL, 0, 11)] == [(1, 10), (11, 20)]
    assert [b.first_seq for b in ledger.read(ALL, 10, 1)] == [11]
    assert [b.first_seq for b in ledger.read(ALL, 15, 1)] == [11]
    assert ledger.read(ALL, 25, 10) == []
    facts = ledger.fetch(ALL, [25, 3, 11, 3, 99])
    assert {s: f.wire for s, f in facts.items()} == {s: events[s - 1].wire for s in (25, 3, 11)}
    assert facts[11].received_at == NOW + timedelta(seconds=10)


@pytest.mark.parametrize("limit", ["EVENTS", "BYTES", "BATCHES"])
@pytest.mark.parametrize("kept", [1, 15, 1000])
def test_the_newest_are_read_from_memory_as_they_are_stored(
    home: Path | URL, monkeypatch: pytest.MonkeyPatch, limit: str, kept: int
) -> None:
    monkeypatch.setattr(f"tallybook.stores.ledger.reader._RECENT_{limit}_MAX", kept)
    with SqlLedger(home) as ledger:
        for i in range(5):  # half of each batch is known
            append(ledger, arrivals(range(i * 5, i * 5 + 10)), NOW + timedelta(seconds=i))
        at_once = [_plain(batch) for batch in ledger.read(ALL, 0, 1000)]
        steps, after = [], 0
        while found := ledger.read(ALL, after, 1):
            steps += [_plain(batch) for batch in found]
            after = found[-1].last_seq
    with SqlLedger(home) as again:
        stored = [_plain(batch) for batch in again.read(ALL, 0, 1000)]
    assert stored == at_once == steps
    assert [first for first, _, _ in stored] == [1, 11, 16, 21, 26]


def test_large_events_that_wait_are_read_from_disk_again(ledger: SqlLedger) -> None:
    large = [arrival(n, data="x" * 60_000) for n in range(64)]
    for i in range(20):
        append(ledger, [a._replace(id=f"{i}-{a.id}") for a in large], NOW)
    kept = ledger._reader._recent
    assert 10 < len(kept) < 20
    assert sum(batch.events.byte_count for batch in kept) <= 64 * 1024 * 1024
    # The oldest are on disk alone, and as many large ones as there are make more than one step.
    first = ledger.read(ALL, 0, 10_000)
    assert [batch.first_seq for batch in first] == [1 + 64 * i for i in range(len(first))]
    assert 10 < len(first) < 20
    assert ledger.read(ALL, first[-1].last_seq, 10_000)[-1].last_seq == 20 * 64


def test_entries_are_found_by_source_and_id(home: Path | URL) -> None:
    with SqlLedger(home) as ledger:
        append(ledger, [*arrivals(range(5)), arrival(1, source="x")], NOW)
        wanted = [("/s", "3"), ("/s", "9"), ("x", "1"), ("/s", "1"), ("/", "s3"), ("/s", "3")]
        found = [4, None, 6, 2, None, 4]
        assert ledger.find(ALL, wanted) == found
        assert ledger.find(ALL, []) == []
        nobody = Scope("b", "csm", accounts=(Member("b", FIRST_INSTANT, LAST_INSTANT),))
        somebody = Scope("a", "csm", accounts=(Member("a", FIRST_INSTANT, LAST_INSTANT),))
        assert ledger.find(nobody, wanted) == [None] * 6
        assert ledger.find(somebody, wanted) == found
    with SqlLedger(home) as again:
        assert again.find(ALL, wanted) == found


def test_what_is_found_counts_also_while_others_write(
    home: Path | URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.stores.ledger.index.TAIL_IDS_MAX", 100)
    done = threading.Event()

    with SqlLedger(home) as ledger, ThreadPoolExecutor(1) as pool:

        def look() -> None:
            wanted = [("/s", str(name)) for name in range(2000)]
            while not done.is_set():
                found = [seq for seq in ledger.find(ALL, wanted) if seq]
                assert found == list(range(1, len(found) + 1))
                assert len(ledger.fetch(ALL, found[-3:])) == len(found[-3:])

        looking = pool.submit(look)
        for i in range(0, 2000, 50):
            append(ledger, arrivals(range(i, i + 50)), NOW)
        done.set()
        looking.result(60)


def _plain(batch: Batch) -> tuple[int, datetime, list[object]]:
    """Copy a batch as what can be compared."""
    source, id_, type_, subject, time, data, touched = batch.events
    texts = [(part.joined, part.lengths.tolist()) for part in (source, id_, type_, subject)]
    return batch.first_seq, batch.received_at, [*texts, time.tolist(), data, touched]


def test_the_newest_entry_received_by_an_instant(ledger: SqlLedger) -> None:
    for i, seconds in enumerate((0, 10, 5)):  # a clock may be set back
        append(ledger, [arrival(i)], NOW + timedelta(seconds=seconds))
    asked = [-1, 0, 4, 5, 9, 10, 99]
    assert [ledger.seq_at(ALL, NOW + timedelta(seconds=s)) for s in asked] == [0, 1, 1, 1, 1, 3, 3]


def test_duplicates_within_and_between_batches(ledger: SqlLedger) -> None:
    batch = [
        arrival(1),
        arrival(1),
        arrival(1, data=2),
        arrival(1, data=1.0),
        arrival(1, source="x"),
    ]
    assert statuses(append(ledger, batch, NOW)) == [
        "accepted",
        "duplicate",
        "conflict",
        "duplicate",
        "accepted",
    ]
    again = append(ledger, [arrival(1, data=3), arrival(2), arrival(1, source="x")], NOW)
    assert [(v.status, v.seq) for v in again] == [
        ("conflict", 1),
        ("accepted", None),
        ("duplicate", 2),
    ]
    assert all(v.code and v.detail for v in again if v.status != "accepted")
    # (source, id) is a pair: where one ends counts.
    pair = [arrival("bc", source="a"), arrival("c", source="ab"), arrival("c", source="a b")]
    assert statuses(append(ledger, pair, NOW)) == ["accepted"] * 3


def test_what_was_known_at_an_instant_stays_so_whatever_a_clock_says_later(
    ledger: SqlLedger,
) -> None:
    append(ledger, [arrival("a")], NOW + timedelta(seconds=10))
    asked = NOW + timedelta(seconds=7)
    assert ledger.seq_at(ALL, asked) == 0
    append(ledger, [arrival("b")], NOW + timedelta(seconds=5))  # of a server that lags
    assert ledger.seq_at(ALL, asked) == 0
    assert ledger.seq_at(ALL, NOW + timedelta(seconds=10)) == 2


def test_comparing_with_what_is_stored_holds_nobody_up(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(ledger, arrivals(range(50)), NOW)
    rows: list[int] = []
    each = ledger._reader.each

    def slowly(seqs: Iterable[int]) -> Iterator[Fact]:
        facts = list(each(seqs))
        if facts:
            # Another caller gets its answer while this one compares.
            rows.append(len(facts))
            assert statuses(append(ledger, [arrival(100 + len(rows))], NOW)) == ["accepted"]
        return iter(facts)

    monkeypatch.setattr(ledger._reader, "each", slowly)
    changed = [arrival(n, data=1.0 if n % 2 else 2) for n in range(50)]
    repeated = [arrival("new"), arrival("new", data=1.0), arrival("new", data=3)]
    verdicts = append(ledger, [*changed, *repeated], NOW)
    assert statuses(verdicts) == ["conflict", "duplicate"] * 25 + [
        "accepted",
        "duplicate",
        "conflict",
    ]
    assert [v.seq for v in verdicts] == [*range(1, 51), None, 52, 52]
    assert rows == [50]


def test_a_closed_ledger_takes_nothing(ledger: SqlLedger) -> None:
    ledger.close()
    with pytest.raises(Unavailable, match="stopping"):
        append(ledger, [arrival(1)], NOW)


def test_scopes(ledger: SqlLedger) -> None:
    append(ledger, [arrival(1)], NOW)
    mine = Scope("c", "customer_viewer", accounts=(Member("a", FIRST_INSTANT, LAST_INSTANT),))
    other = Scope("c", "customer_viewer", accounts=(Member("b", FIRST_INSTANT, LAST_INSTANT),))
    assert set(ledger.fetch(mine, [1])) == {1}
    assert ledger.fetch(other, [1]) == {}
    with pytest.raises(Forbidden):
        ledger.read(mine, 0, 1)
    with pytest.raises(Forbidden):
        ledger.append(mine, columns_of([arrival(2)]), NOW)


def test_many_deliveries_of_few_ids_give_exact_totals(home: Path | URL) -> None:
    rng = random.Random(7)
    deliveries = [name for name in range(2000) for _ in range(rng.randint(1, 9))]
    rng.shuffle(deliveries)
    deliveries = deliveries[:10_000]
    total: Counter[str] = Counter()
    for part in range(4):
        mine = deliveries[part::4]
        with SqlLedger(home) as ledger, ThreadPoolExecutor(8) as pool:
            batches = [[arrival(n) for n in mine[i : i + 25]] for i in range(0, len(mine), 25)]
            for verdicts in pool.map(lambda b: append(ledger, b, NOW), batches):
                total.update(statuses(verdicts))
    distinct = len(set(deliveries))
    assert total == {"accepted": distinct, "duplicate": len(deliveries) - distinct}
    with SqlLedger(home) as ledger:
        assert ledger.head(ALL) == distinct
        assert set(wires(ledger)) == {arrival(n).wire for n in deliveries}


def test_concurrent_appends_share_commits(ledger: SqlLedger) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: append(ledger, [arrival(n)], NOW), range(400)))
    batches = ledger.read(ALL, 0, 10**9)
    assert sum(b.events.size for b in batches) == 400
    assert len(batches) < 400
    assert [b.first_seq for b in batches] == sorted(b.first_seq for b in batches)


def test_a_copy_taken_at_any_moment_opens_with_all_that_was_acknowledged(tmp_path: Path) -> None:
    """A power cut stops the files where they are: the log may end in the middle of a commit."""
    rng = random.Random(3)
    live = tmp_path / "live"
    live.mkdir()
    with SqlLedger(live) as ledger:
        ledger._home.index._tail_max = 200  # type: ignore[attr-defined]  # the embedded one
        assert ledger._writer is not None
        # The log only grows now, so that two files can be copied one after the other.
        ledger._writer.exec_driver_sql("PRAGMA wal_autocheckpoint = 0")
        ledger._writer.commit()
        for cut in range(12):
            stop = threading.Event()
            writing = threading.Thread(target=_write, args=(ledger, cut, stop))
            writing.start()
            stop.wait(rng.random() * 0.02)
            acknowledged = ledger.head(ALL)
            copy = tmp_path / str(cut)
            shutil.copytree(live / "runs", copy / "runs", copy_function=_copy_if_there)
            for name in ("ledger.db", "ledger.db-wal"):
                shutil.copy(live / name, copy / name)
            stop.set()
            writing.join()
            with SqlLedger(copy) as restored:
                kept = wires(restored)
                assert len(kept) == restored.head(ALL) >= acknowledged
                assert kept == wires(ledger)[: len(kept)]
                names = [json.loads(wire)["id"] for wire in kept]
                again = append(restored, [arrival(name) for name in names], NOW)
                assert [v.seq for v in again] == list(range(1, len(kept) + 1))


def _write(ledger: SqlLedger, cut: int, stop: threading.Event) -> None:
    for i in range(50):
        if not stop.is_set():
            start = (cut * 50 + i) * 20
            append(ledger, arrivals(range(start, start + 20)), NOW)


@pytest.mark.parametrize("lost", [1, 100, 4096, 5000])
def test_a_torn_end_of_the_log_loses_only_what_was_not_acknowledged(
    tmp_path: Path, lost: int
) -> None:
    (tmp_path / "live").mkdir()
    with SqlLedger(tmp_path / "live") as ledger:
        for i in range(5):
            append(ledger, [arrival(i)], NOW)
        shutil.copytree(tmp_path / "live", tmp_path / "copy")
    log = tmp_path / "copy" / "ledger.db-wal"
    log.write_bytes(log.read_bytes()[:-lost])
    with SqlLedger(tmp_path / "copy") as restored:
        assert wires(restored) == [arrival(i).wire for i in range(restored.head(ALL))]
        assert 3 <= restored.head(ALL) <= 4
        known = restored.head(ALL)
        verdicts = append(restored, [arrival(i) for i in range(5)], NOW)
        assert [v.seq for v in verdicts] == [*range(1, known + 1), *[None] * (5 - known)]
        assert restored.head(ALL) == 5


def _copy_if_there(source: str, target: str) -> None:
    with suppress(FileNotFoundError):  # a run merged meanwhile
        shutil.copy(source, target)


def test_a_full_disk_acknowledges_nothing_and_heals_by_itself(file: SqlLedger) -> None:
    append(file, [arrival(0)], NOW)
    assert file._writer is not None
    pages = file._writer.scalar(text("PRAGMA page_count"))
    file._writer.commit()
    file._writer.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    file._writer.commit()
    rng = random.Random(1)
    big = [arrival(i, data=rng.getrandbits(8000)) for i in range(1, 60)]
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(append, file, big, NOW) for _ in range(4)]
        errors = [future.exception() for future in waiting]
    refused = [e for e in errors if e is not None]
    assert refused
    assert all(isinstance(e, Unavailable) and e.code == "ledger_unwritable" for e in refused)
    assert "full" in str(refused[0])
    # Reads go on, and the next append opens the file anew, without the artificial limit.
    verdicts = append(file, [arrival(0), *big], NOW)
    assert set(statuses(verdicts[1:])) <= {"accepted", "duplicate"}
    assert verdicts[0].status == "duplicate"
    assert file.head(ALL) == 60
    assert len(wires(file)) == 60


_FULL = """
import resource, signal, sys
from pathlib import Path
from tallybook.model.errors import Unavailable
from tallybook.model.scope import operator
from tallybook.stores.ledger import SqlLedger
from tests.stores.ledger.events import append, NOW, arrival

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
stored, cycles = 0, 0
with SqlLedger(Path(sys.argv[1])) as ledger:
    for limit in (200_000, 100_000, 300_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        for step in range(200):
            batch = [arrival(f"{stored}.{i}", data=str(hash((stored, i))) * 30) for i in range(20)]
            try:
                append(ledger, batch, NOW)
            except Unavailable as error:
                assert error.code == "ledger_unwritable", error.code
                cycles += 1
                break
            stored += 1
        assert len(ledger.fetch(operator(), range(1, 21))) == 20
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        append(ledger, batch, NOW)
        stored += 1
    assert ledger.head(operator()) == stored * 20, (ledger.head(operator()), stored)
print(stored, cycles)
"""


@pytest.mark.process
def test_writes_that_fail_in_the_middle_acknowledge_nothing(tmp_path: Path) -> None:
    """A limit on the size of files cuts writes of SQLite wherever they happen to be."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{root / 'src'}:{root}"},
    )
    assert done.returncode == 0, done.stderr
    stored, cycles = map(int, done.stdout.split())
    assert cycles == 3
    with SqlLedger(tmp_path) as ledger:
        assert ledger.head(ALL) == stored * 20 == len(set(wires(ledger)))


class _Broken:
    """A connection whose commit reaches the disk, and which fails all the same."""

    def __init__(self, writer: Connection) -> None:
        self._writer = writer

    def begin(self) -> Self:
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        raise OSError("the disk went away")

    def execute(self, statement: Insert, row: dict[str, object]) -> None:
        self._writer.execute(statement, row)
        self._writer.commit()

    def close(self) -> None:
        self._writer.close()


def test_a_commit_that_failed_after_it_was_stored_counts_once(file: SqlLedger) -> None:
    """The worst failed sync: the caller is refused, yet the entry is there when it is read anew."""
    append(file, [arrival(0)], NOW)
    assert file._writer is not None
    file._writer = _Broken(file._writer)  # type: ignore[assignment] # it breaks on purpose
    with pytest.raises(Unavailable, match="Nothing was acknowledged"):
        append(file, arrivals(range(1, 4)), NOW)
    assert file.head(ALL) == 1
    assert len(wires(file)) == 1
    assert statuses(append(file, arrivals(range(1, 5)), NOW)) == [
        "duplicate",
        "duplicate",
        "duplicate",
        "accepted",
    ]
    assert wires(file) == [arrival(n).wire for n in range(5)]


def test_a_refused_commit_refuses_every_caller_and_no_one_waits(
    file: SqlLedger, tmp_path: Path
) -> None:
    append(file, [arrival(1)], NOW)
    _damage(tmp_path, 1)
    with pytest.raises(TallybookError) as refused:  # the original is needed to compare
        append(file, [arrival(1, data=2)], NOW)
    assert refused.value.code == "ledger_damaged"


@pytest.mark.parametrize("column", ["payload", "events", "received_at", "checksum"])
def test_a_flipped_bit_is_found_when_read(tmp_path: Path, column: str) -> None:
    with SqlLedger(tmp_path) as ledger:
        append(ledger, arrivals(range(50)), NOW)
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        value = raw.execute(f"SELECT {column} FROM batches").fetchone()[0]
        flipped = bytes([value[0] ^ 4]) + value[1:] if isinstance(value, bytes) else value ^ 4
        raw.execute(f"UPDATE batches SET {column} = ?", [flipped])
    raw.close()
    with pytest.raises(Unavailable) as refused:
        SqlLedger(tmp_path)
    assert refused.value.code == "ledger_damaged"


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"hello" * 1000)
    with pytest.raises(Unavailable) as refused:
        SqlLedger(tmp_path)
    assert refused.value.code == "ledger_unreadable"


def _damage(folder: Path, seq: int) -> None:
    raw = sqlite3.connect(folder / "ledger.db")
    raw.execute("UPDATE batches SET payload = x'00' WHERE first_seq = ?", [seq])
    raw.commit()
    raw.close()
