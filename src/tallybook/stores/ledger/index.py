"""Which ids the ledger holds, for ever: at most four runs on disk and the newest ids in memory.

It is a copy of the ledger. It never decides by itself what is stored: the writer tells it what
was committed, and at start it says up to which number it knows, so that the rest is replayed.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from tallybook.stores.ledger.run import (
    PREFIX,
    Damaged,
    Run,
    Stand,
    merged,
    sorted_slice,
    write_run,
)

#: So many ids wait in memory before they become a run.
TAIL_IDS_MAX: Final = 65_536
RUNS_MAX: Final = 4
#: A run stays until what comes after it is a third of its size; then an id moves some five times
#: on its way through ten million, and ten times on its way through a hundred million.
_RATIO: Final = 3
#: So many tails may wait for the disk before appends wait as well.
_FROZEN_MAX: Final = 4


class Tail:
    """Ids of consecutive entries from `first` on, in memory."""

    def __init__(self, first: int) -> None:
        """Begin without any."""
        self.first = first
        self.seqs: dict[bytes, int] = {}
        self.digests: list[int] = []

    def add(self, ids: Sequence[bytes], digests: Sequence[int]) -> None:
        """Take the ids of the next entries, all of them new."""
        begin = self.first + len(self.digests)
        self.digests += digests  # first, as others may look an id up meanwhile
        self.seqs.update(zip(ids, range(begin, begin + len(ids)), strict=True))

    def find(self, ids: Sequence[bytes]) -> dict[int, Stand]:
        """Return the entry of each id that is here, by its place in `ids`."""
        if self.seqs.keys().isdisjoint(ids):
            return {}
        seqs = ((i, self.seqs.get(key)) for i, key in enumerate(ids))
        return {i: Stand(s, self.digests[s - self.first]) for i, s in seqs if s is not None}


class IdIndex:
    """The ids of the entries 1 to `position`. One writer tells it of new ones, any thread may look
    for some; runs settle in the background.
    """

    def __init__(self, folder: Path, epoch: bytes, head: int, *, tail: int = TAIL_IDS_MAX) -> None:
        """Open the runs of a ledger whose newest entry is `head`, and drop what is no use."""
        self._folder, self._epoch, self._tail_max = folder, epoch, tail
        folder.mkdir(exist_ok=True)
        self._runs: tuple[Run, ...] = _open_chain(folder, epoch, head)
        self._frozen: tuple[Tail, ...] = ()
        self._worker: threading.Thread | None = None
        self._working = False
        self._swap = threading.Lock()
        self._tail = Tail(self._runs[-1].last + 1 if self._runs else 1)

    @property
    def position(self) -> int:
        """The newest entry whose id is known."""
        return self._tail.first + len(self._tail.digests) - 1

    def find(self, ids: Sequence[bytes]) -> dict[int, Stand]:
        """Return the entry of each id that is known, by its place in `ids`."""
        with self._swap:
            tails, runs = (*self._frozen, self._tail), self._runs
        found: dict[int, Stand] = {}
        for tail in tails:
            found |= tail.find(ids)
        if runs:
            halves = np.frombuffer(b"".join(ids), PREFIX).reshape(-1, 2)
            prefixes = np.ascontiguousarray(halves[:, 0])
            for run in runs:
                found.update(run.find(prefixes, halves[:, 1]))
        return found

    def add(self, ids: Sequence[bytes], digests: Sequence[int]) -> None:
        """Learn the ids of the entries that follow `position`, once they are committed."""
        self._tail.add(ids, digests)
        if len(self._tail.digests) >= self._tail_max:
            self._freeze()

    def _freeze(self) -> None:
        """Hand the tail to the worker; wait only when it is far behind and still at work."""
        if len(self._frozen) >= _FROZEN_MAX and self._worker is not None:
            self._worker.join()
        with self._swap:
            self._frozen, self._tail = (*self._frozen, self._tail), Tail(self.position + 1)
            start, self._working = not self._working, True
        if start:
            self._worker = threading.Thread(target=self._settle, name="id-index", daemon=True)
            self._worker.start()

    def _settle(self) -> None:
        """Write frozen tails as runs and merge. A full disk stops it until the next tail."""
        try:
            while self._more():
                self._keep(self._frozen[0])
                while (count := _mergeable([run.count for run in self._runs])) > 0:
                    self._merge(count)
        except OSError:
            with self._swap:
                self._working = False

    def _more(self) -> bool:
        """Tell whether a tail waits; the worker that sees none is done, whatever comes next."""
        with self._swap:
            self._working = bool(self._frozen)
            return self._working

    def _keep(self, tail: Tail) -> None:
        part = sorted_slice(list(tail.seqs), tail.digests, tail.first)
        path = write_run(
            self._folder,
            self._epoch,
            tail.first,
            tail.first + len(tail.digests) - 1,
            [part],
            len(tail.digests),
        )
        run = Run(path, self._epoch, known_good=True)
        with self._swap:
            self._runs, self._frozen = (*self._runs, run), self._frozen[1:]

    def _merge(self, count: int) -> None:
        old = self._runs[-count:]
        total = sum(run.count for run in old)
        path = write_run(self._folder, self._epoch, old[0].first, old[-1].last, merged(old), total)
        run = Run(path, self._epoch, known_good=True)
        with self._swap:
            self._runs = (*self._runs[:-count], run)
        for stale in old:
            stale.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Wait for the background to finish what it does."""
        if self._worker is not None:
            self._worker.join()
        self._runs = ()


def _mergeable(counts: Sequence[int]) -> int:
    """Return how many of the newest runs to merge now, 0 for none.

    Sizes stay geometric, and a merge takes at once all it would cascade into.
    """
    taken, total = 1, counts[-1] if counts else 0
    for size in reversed(counts[:-1]):
        if size >= _RATIO * total and len(counts) - taken + 1 <= RUNS_MAX:
            break
        taken, total = taken + 1, total + size
    return taken if taken > 1 else 0


def _open_chain(folder: Path, epoch: bytes, head: int) -> tuple[Run, ...]:
    """Open the runs that cover the entries from 1 on without a gap; delete all others.

    Where several begin at one number, the longest is the merge of the shorter.
    """
    for draft in folder.glob("*.tmp"):
        draft.unlink()
    chain: list[Run] = []
    for path in sorted(folder.glob("*.run"), key=_span):
        with suppress(Damaged, OSError):
            run = Run(path, epoch)
            if run.first == (chain[-1].last + 1 if chain else 1) and run.last <= head:
                chain.append(run)
                continue
        with suppress(OSError):
            path.unlink()
    return tuple(chain)


def _span(path: Path) -> tuple[str, int]:
    """Order runs by where they begin, the longest first."""
    first, _, last = path.stem.partition("-")
    try:
        return first, -int(last, 16)
    except ValueError:
        return first, 0
