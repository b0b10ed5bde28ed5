"""Adding entries of the ledger to the arrival table, with the position reached, in one commit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import duckdb
import nanoarrow
import numpy as np
from nanoarrow.c_array import CArray

from tallybook.model.errors import Unavailable
from tallybook.model.limits import LOAD_EVENTS_MAX
from tallybook.model.packed import (
    NO_TIME,
    Batch,
    Numbers,
    Texts,
    Touched,
    all_touched,
    join_texts,
    pack_texts,
)
from tallybook.model.time import micros
from tallybook.stores.duckdb.schema import commit
from tallybook.stores.duckdb.wire import lines

_INSERT = "INSERT INTO tail BY NAME SELECT * REPLACE (nullif(data, 'null') AS data) FROM arrived"


def position(db: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the newest entry that is loaded, 0 when there is none."""
    rows = db.execute("SELECT seq FROM position").fetchall()
    return int(rows[0][0]) if rows else 0


def load(
    db: duckdb.DuckDBPyConnection,
    batches: Sequence[Batch],
    coming: Callable[[int, int], None],
) -> tuple[int, Touched]:
    """Add what is new; return the position reached and, by event type, the accounts touched.

    `coming` is told the first and last time of rows before anyone can see them.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    seq = position(db)
    touched: list[Touched] = []
    for group in _groups(_unseen(batches, seq)):
        seq = group[-1].last_seq
        touched += [batch.events.touched for batch in group]
        times = _times(group)
        db.register("arrived", _rows(group, times))
        coming(int(times.min()), int(times.max()))
        with commit(db):
            db.execute(_INSERT)
            db.execute("UPDATE position SET seq = $seq", {"seq": seq})
        db.unregister("arrived")
    return seq, all_touched(touched)


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


def _groups(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Gather batches into commits: small ones cost more, large ones hold others up."""
    group: list[Batch] = []
    size = 0
    for batch in batches:
        if group and size + batch.events.size > LOAD_EVENTS_MAX:
            yield group
            group, size = [], 0
        group.append(batch)
        size += batch.events.size
    if group:
        yield group


def _times(group: Iterable[Batch]) -> Numbers:
    """Return the times of events; one without a time happened when it was received."""
    times = [batch.events.time for batch in group]
    received = [micros(batch.received_at) for batch in group]
    return np.concatenate(
        [np.where(time == NO_TIME, at, time) for time, at in zip(times, received, strict=True)]
    )


def _rows(group: Sequence[Batch], times: Numbers) -> CArray:
    """Put events into one Arrow table, which the engine reads where it lies."""
    events = [batch.events for batch in group]
    received = np.array([micros(batch.received_at) for batch in group], np.int64)
    data = pack_texts(list(chain.from_iterable(lines(part.data) for part in events)))
    columns = {
        "seq": _numbers(np.arange(group[0].first_seq, group[-1].last_seq + 1)),
        "source": _texts(join_texts([part.source for part in events])),
        "id": _texts(join_texts([part.id for part in events])),
        "type": _texts(join_texts([part.type for part in events])),
        "subject": _texts(join_texts([part.subject for part in events])),
        "time": _numbers(times),
        "received": _numbers(np.repeat(received, [part.size for part in events])),
        "data": _texts(data),
    }
    table = nanoarrow.struct({name: column.schema for name, column in columns.items()})
    parts = list(columns.values())
    return nanoarrow.c_array_from_buffers(table, len(times), [None], children=parts)


def _numbers(values: Numbers) -> CArray:
    return nanoarrow.c_array_from_buffers(nanoarrow.int64(), len(values), [None, values])


def _texts(texts: Texts) -> CArray:
    """Say where each text begins; a commit of them may have over 2 GiB."""
    edges = np.concatenate(([0], np.cumsum(texts.lengths)))
    return nanoarrow.c_array_from_buffers(
        nanoarrow.large_string(), len(texts.lengths), [None, edges, texts.joined]
    )
