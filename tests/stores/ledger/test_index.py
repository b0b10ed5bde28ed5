# ruff: noqa: SLF001 - runs settle in the background, and the tests wait for that
"""The id index is a dict that fits on disk: any tail size, merges, restarts, damage."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.scope import operator
from tallybook.stores.ledger import SqlLedger
from tallybook.stores.ledger.index import RUNS_MAX, IdIndex, _mergeable
from tallybook.stores.ledger.run import Stand
from tests.stores.ledger.events import NOW, append, arrival, arrivals

ALL = operator()
EPOCH = b"e" * 16


def _ids(rng: random.Random, count: int) -> list[bytes]:
    """Ids of which some share their first 64 bits, as happens once in a very large ledger."""
    heads = [rng.randbytes(8) for _ in range(max(1, count // 2))]
    heads += [b"\0" * 8, b"\xff" * 8]
    return list({rng.choice(heads) + rng.randbytes(8) for _ in range(count)})


@given(st.integers(0, 10**6), st.integers(1, 40), st.lists(st.integers(1, 60), max_size=12))
def test_it_is_a_dict(
    tmp_path_factory: pytest.TempPathFactory, seed: int, tail: int, sizes: list[int]
) -> None:
    rng = random.Random(seed)
    folder = tmp_path_factory.mktemp("runs")
    index = IdIndex(folder, EPOCH, 0, tail=tail)
    known: dict[bytes, Stand] = {}
    for size in sizes:
        fresh = [key for key in _ids(rng, size) if key not in known]
        digests = [rng.getrandbits(63) for _ in fresh]
        first = index.position + 1
        index.add(fresh, digests)
        known |= {
            k: Stand(first + i, d) for i, (k, d) in enumerate(zip(fresh, digests, strict=True))
        }
        _same(index, known, rng)
        if rng.random() < 0.3:  # a restart forgets the tail, which is replayed from the ledger
            index.close()
            index = IdIndex(folder, EPOCH, len(known), tail=tail)
            left = list(known.items())[index.position :]
            index.add([k for k, _ in left], [s.digest for _, s in left])
            _same(index, known, rng)
    if index._worker is not None:
        index._worker.join()
    assert len(index._runs) <= RUNS_MAX
    assert len(list(folder.iterdir())) == len(index._runs)
    index.close()


def _same(index: IdIndex, known: dict[bytes, Stand], rng: random.Random) -> None:
    asked = [*known, *_ids(rng, 20), *[key[:8] + rng.randbytes(8) for key in known]]
    rng.shuffle(asked)
    expected = {i: known[key] for i, key in enumerate(asked) if key in known}
    assert index.find(asked) == expected
    assert index.find([]) == {}
    assert index.position == len(known)


@given(st.lists(st.integers(100, 120), max_size=300))
def test_merging_keeps_few_runs_of_geometric_size(tails: list[int]) -> None:
    counts: list[int] = []
    for tail in tails:
        counts.append(tail)
        while (count := _mergeable(counts)) > 0:
            assert count > 1
            counts[-count:] = [sum(counts[-count:])]
        assert len(counts) <= RUNS_MAX
        assert all(a >= 3 * b for a, b in pairwise(counts))


def _filled(folder: Path, count: int = 1000, tail: int = 150) -> None:
    with SqlLedger(folder) as ledger:
        ledger._home.index._tail_max = tail  # type: ignore[attr-defined]  # the embedded one
        for i in range(0, count, 50):
            append(ledger, arrivals(range(i, i + 50)), NOW)


def _check(folder: Path, count: int = 1000) -> None:
    with SqlLedger(folder) as ledger:
        verdicts = append(ledger, [*arrivals(range(count)), arrival("new")], NOW)
        assert [v.seq for v in verdicts] == [*range(1, count + 1), None]
        assert {v.status for v in verdicts[:-1]} == {"duplicate"}
        assert verdicts[-1].status == "accepted"


@pytest.mark.parametrize("harm", ["delete", "first", "flip", "cut", "grow", "foreign", "draft"])
@pytest.mark.parametrize("seed", range(4))
def test_lost_and_damaged_runs_are_made_again(tmp_path: Path, harm: str, seed: int) -> None:
    rng = random.Random(seed)
    _filled(tmp_path)
    runs = sorted((tmp_path / "runs").glob("*.run"))
    assert runs
    path = runs[0] if harm == "first" else rng.choice(runs)
    content = bytearray(path.read_bytes())
    if harm in {"delete", "first"}:
        path.unlink()
    elif harm == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
    elif harm == "cut":
        path.write_bytes(content[: rng.randrange(len(content))])
    elif harm == "grow":
        path.write_bytes(content + b"x")
    elif harm == "foreign":
        other = tmp_path / "other"
        other.mkdir()
        _filled(other)
        for run in sorted((other / "runs").glob("*.run")):
            run.rename(tmp_path / "runs" / run.name)
    else:
        (tmp_path / "runs" / "x.tmp").write_bytes(b"half")
        (tmp_path / "runs" / "odd.run").write_bytes(b"")
    _check(tmp_path)


def test_a_run_beyond_the_ledger_is_not_believed(tmp_path: Path) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    short.mkdir()
    _filled(short, count=100, tail=1000)
    long.mkdir()
    (long / "ledger.db").write_bytes((short / "ledger.db").read_bytes())
    _filled(long, count=1000)
    for run in (long / "runs").glob("*.run"):  # as when a backup of the ledger alone is restored
        (short / "runs" / run.name).write_bytes(run.read_bytes())
    _check(short, count=100)


def test_a_full_disk_keeps_ids_in_memory(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    index = IdIndex(folder, EPOCH, 0, tail=10)
    folder.rmdir()
    rng = random.Random(5)
    known: dict[bytes, Stand] = {}
    for _ in range(8):
        fresh = _ids(rng, 12)
        known |= {k: Stand(len(known) + i, 7) for i, k in enumerate(fresh, 1)}
        index.add(fresh, [7] * len(fresh))
    assert index._worker is not None
    index._worker.join()
    assert sum(len(tail.digests) for tail in index._frozen) == index.position
    _same(index, known, rng)
    folder.mkdir()
    fresh = _ids(rng, 12)
    known |= {k: Stand(len(known) + i, 7) for i, k in enumerate(fresh, 1)}
    index.add(fresh, [7] * len(fresh))
    index._worker.join()
    assert not index._frozen
    _same(index, known, rng)
    index.close()


def test_an_id_takes_at_most_forty_bytes_on_disk(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    index = IdIndex(tmp_path / "runs", EPOCH, 0, tail=5000)
    for _ in range(10):
        index.add([row.tobytes() for row in rng.integers(0, 2**63, (5000, 2))], [1] * 5000)
    assert index._worker is not None
    index._worker.join()
    size = sum(path.stat().st_size for path in (tmp_path / "runs").iterdir())
    assert 32 <= size / 50_000 <= 33
    index.close()
