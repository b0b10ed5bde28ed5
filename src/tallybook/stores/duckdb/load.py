"""Adding entries of the ledger to the arrival table, with the position reached, in one commit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import duckdb
import nanoarrow
import numpy as np
import numpy.typing as npt
from nanoarrow.c_array import CArray

from tallybook.model.errors import Unavailable
from tallybook.model.fact import Batch, Columns
from tallybook.model.limits import LOAD_EVENTS_MAX
from tallybook.model.ports import Touched
from tallybook.model.time import micros
from tallybook.stores.duckdb.schema import commit
from tallybook.stores.duckdb.wire import lines

_INSERT = "INSERT INTO tail BY NAME SELECT * REPLACE (nullif(data, 'null') AS data) FROM arrived"


Instants = npt.NDArray[np.int64]


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
    touched: dict[str, set[str]] = {}
    for group in _groups(_unseen(batches, seq)):
        seq = group[-1].last_seq
        for batch in group:
            _note(batch.columns, touched)
        times = _times(group)
        db.register("arrived", _rows(group, times))
        coming(int(times.min()), int(times.max()))
        with commit(db):
            db.execute(_INSERT)
            db.execute("UPDATE position SET seq = $seq", {"seq": seq})
        db.unregister("arrived")
    return seq, touched


def _note(columns: Columns, touched: dict[str, set[str]]) -> None:
    """Note whom events touch; those of a batch are mostly of one type."""
    types = set(columns.type)
    if len(types) == 1:
        touched.setdefault(types.pop(), set()).update(columns.subject)
        return
    for event_type, subject in zip(columns.type, columns.subject, strict=True):
        touched.setdefault(event_type, set()).add(subject)


def _unseen(batches: Sequence[Batch], seq: int) -> Iterator[Batch]:
    """Yield what lies beyond the position, in order; a batch half seen is cut."""
    for batch in sorted(batches, key=lambda b: b.first_seq):
        new = batch.columns.since(max(0, seq + 1 - batch.first_seq))
        if not new.events:
            continue
        first = batch.last_seq + 1 - new.events
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
        if group and size + batch.columns.events > LOAD_EVENTS_MAX:
            yield group
            group, size = [], 0
        group.append(batch)
        size += batch.columns.events
    if group:
        yield group


def _times(group: Iterable[Batch]) -> Instants:
    """Return the times of events; one without a time happened when it was received."""
    return np.concatenate([_batch_times(batch) for batch in group])


def _batch_times(batch: Batch) -> Instants:
    times, received = batch.columns.time, micros(batch.received_at)
    if None in times:
        times = [received if time is None else time for time in times]
    return np.array(times, np.int64)


def _rows(group: Sequence[Batch], times: Instants) -> CArray:
    """Put events into one Arrow table, which the engine reads where it lies."""
    sizes = [batch.columns.events for batch in group]
    received = [micros(batch.received_at) for batch in group]

    def texts(name: str) -> CArray:
        return _texts(list(chain.from_iterable(getattr(batch.columns, name) for batch in group)))

    columns = {
        "seq": _numbers(np.arange(group[0].first_seq, group[-1].last_seq + 1)),
        "source": texts("source"),
        "id": texts("id"),
        "type": texts("type"),
        "subject": texts("subject"),
        "time": _numbers(times),
        "received": _numbers(np.repeat(np.array(received, np.int64), sizes)),
        "data": _texts(list(chain.from_iterable(lines(batch.columns.data) for batch in group))),
    }
    table = nanoarrow.struct({name: column.schema for name, column in columns.items()})
    parts = list(columns.values())
    return nanoarrow.c_array_from_buffers(table, sum(sizes), [None], children=parts)


def _numbers(values: Instants) -> CArray:
    return nanoarrow.c_array_from_buffers(nanoarrow.int64(), len(values), [None, values])


def _texts(values: Sequence[str]) -> CArray:
    """Lay texts end to end, with where each begins; a commit of them may have over 2 GiB."""
    joined = "".join(values)
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    if not joined.isascii():
        lengths = np.fromiter((len(value.encode()) for value in values), np.int64, len(values))
    edges = np.concatenate(([0], np.cumsum(lengths)))
    return nanoarrow.c_array_from_buffers(
        nanoarrow.large_string(), len(values), [None, edges, joined.encode()]
    )
