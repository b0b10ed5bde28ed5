"""What lies before a load: which entries of the ledger are new, how many go into one commit, and
what they bring as Arrow tables. How an engine takes them in is its store's own affair.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import nanoarrow
import numpy as np
from nanoarrow.c_array import CArray

from tallybook.model.correction import TYPE, Stand
from tallybook.model.errors import Unavailable
from tallybook.model.limits import LOAD_EVENTS_MAX
from tallybook.model.packed import (
    NO_TIME,
    Batch,
    Numbers,
    Packed,
    Texts,
    Touched,
    all_touched,
    join_texts,
    pack_texts,
)
from tallybook.model.time import micros
from tallybook.stores.events.corrected import corrected


class Rows(NamedTuple):
    """The events that a batch adds and their numbers; `stands` say how rows stand from then on."""

    seqs: Numbers
    received: int
    events: Packed
    stands: Sequence[Stand]


@dataclass(frozen=True)
class Commit:
    """What is loaded at once: the entries up to `seq`, which are events and corrections."""

    seq: int
    batches: Sequence[Rows]

    @cached_property
    def seqs(self) -> Numbers:
        """The numbers of its events; a correction that brings none leaves a hole."""
        return np.concatenate([rows.seqs for rows in self.batches])

    @cached_property
    def times(self) -> Numbers:
        """The times of its events; one without a time happened when it was received."""
        parts = ((rows.events.time, rows.received) for rows in self.batches)
        return np.concatenate([np.where(time == NO_TIME, at, time) for time, at in parts])

    @cached_property
    def stands(self) -> Sequence[Stand]:
        """How rows stand from its corrections on."""
        return [stand for rows in self.batches for stand in rows.stands]

    @property
    def stand_times(self) -> Numbers:
        """The times of the rows of which `stands` says something."""
        return np.array([row.time for row, _, _ in self.stands], np.int64)

    @property
    def touched(self) -> Touched:
        """By event type, the accounts that it gives something to, or takes something from."""
        moved: list[Touched] = [{row.type: {row.subject}} for row, _, _ in self.stands]
        return all_touched([*(rows.events.touched for rows in self.batches), *moved])


def commits(batches: Sequence[Batch], seq: int) -> Iterator[Commit]:
    """Yield what lies beyond position `seq`, in order, gathered into commits: small ones cost
    more, large ones hold others up.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    group: list[Batch] = []
    size = 0
    for batch in _unseen(batches, seq):
        if group and size + batch.events.size > LOAD_EVENTS_MAX:
            yield _commit(group)
            group, size = [], 0
        group.append(batch)
        size += batch.events.size
    if group:
        yield _commit(group)


def _commit(group: Sequence[Batch]) -> Commit:
    return Commit(group[-1].last_seq, [_rows(batch) for batch in group])


def _rows(batch: Batch) -> Rows:
    at = micros(batch.received_at)
    if TYPE in batch.events.touched:
        seqs, events, stands = corrected(batch)
        return Rows(seqs, at, events, stands)
    return Rows(np.arange(batch.first_seq, batch.last_seq + 1), at, batch.events, ())


def _unseen(batches: Sequence[Batch], seq: int) -> Iterator[Batch]:
    """Yield what lies beyond the position, in order; a batch half seen is cut."""
    for batch in sorted(batches, key=lambda b: b.first_seq):
        new = batch.events.since(max(0, seq + 1 - batch.first_seq))
        if not new.size:
            continue
        first = batch.last_seq + 1 - new.size
        if first != seq + 1:
            raise Unavailable(
                "events_gap",
                f"Entry {seq + 1} of the ledger is missing before {first}; "
                "`tallybook rebuild` loads all of it again.",
            )
        seq = batch.last_seq
        yield Batch(first, batch.received_at, new)


def table(
    commit: Commit, lines: Callable[[bytes], list[str]], data: str = "data", **alike: int
) -> CArray:
    """Put events into one Arrow table; `lines` writes the data of a batch, a text an event, for
    the column that is named `data`. Columns of `alike` are the same in each row.
    """
    events = [rows.events for rows in commit.batches if rows.events.size]
    received = [np.full(rows.events.size, rows.received) for rows in commit.batches]
    return _table(
        {
            "seq": _numbers(commit.seqs),
            "source": _texts(join_texts([part.source for part in events])),
            "id": _texts(join_texts([part.id for part in events])),
            "type": _texts(join_texts([part.type for part in events])),
            "subject": _texts(join_texts([part.subject for part in events])),
            "time": _numbers(commit.times),
            "received": _numbers(np.concatenate(received)),
            data: _texts(pack_texts([*chain.from_iterable(lines(p.data) for p in events)])),
            **_same(alike, commit.seqs.size),
        }
    )


def standings(commit: Commit, **alike: int) -> CArray:
    """Put how rows stand into an Arrow table; `alike` is as in `table`."""
    rows, since, standings = zip(*commit.stands, strict=True)
    return _table(
        {
            "seq": _numbers(np.array([row.seq for row in rows])),
            "since": _numbers(np.array(since)),
            "standing": _texts(pack_texts(standings)),
            "type": _texts(pack_texts([row.type for row in rows])),
            "subject": _texts(pack_texts([row.subject for row in rows])),
            "time": _numbers(commit.stand_times),
            **_same(alike, len(rows)),
        }
    )


def _same(values: Mapping[str, int], size: int) -> dict[str, CArray]:
    return {name: _numbers(np.full(size, value, np.int64)) for name, value in values.items()}


def _table(columns: Mapping[str, CArray]) -> CArray:
    kind = nanoarrow.struct({name: column.schema for name, column in columns.items()})
    parts = list(columns.values())
    return nanoarrow.c_array_from_buffers(kind, len(parts[0]), [None], children=parts)


def _numbers(values: Numbers) -> CArray:
    return nanoarrow.c_array_from_buffers(nanoarrow.int64(), len(values), [None, values])


def _texts(texts: Texts) -> CArray:
    """Say where each text begins; a commit of them may have over 2 GiB."""
    edges = np.concatenate(([0], np.cumsum(texts.lengths)))
    return nanoarrow.c_array_from_buffers(
        nanoarrow.large_string(), len(texts.lengths), [None, edges, texts.joined]
    )
