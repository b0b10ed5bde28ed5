"""What lies before a load: which entries of the ledger are new, how many go into one commit, and
their columns as one Arrow table. How an engine takes them in is its store's own affair.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

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
    join_texts,
    pack_texts,
)
from tallybook.model.time import micros


def commits(batches: Sequence[Batch], seq: int) -> Iterator[list[Batch]]:
    """Yield what lies beyond position `seq`, in order, gathered into commits: small ones cost
    more, large ones hold others up.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    group: list[Batch] = []
    size = 0
    for batch in _unseen(batches, seq):
        if group and size + batch.events.size > LOAD_EVENTS_MAX:
            yield group
            group, size = [], 0
        group.append(batch)
        size += batch.events.size
    if group:
        yield group


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


def times(group: Iterable[Batch]) -> Numbers:
    """Return the times of events; one without a time happened when it was received."""
    times = [batch.events.time for batch in group]
    received = [micros(batch.received_at) for batch in group]
    return np.concatenate(
        [np.where(time == NO_TIME, at, time) for time, at in zip(times, received, strict=True)]
    )


def table(
    group: Sequence[Batch], times: Numbers, lines: Callable[[bytes], list[str]], data: str = "data"
) -> CArray:
    """Put events into one Arrow table; `lines` writes the data of a batch, a text an event, for
    the column that is named `data`.
    """
    events = [batch.events for batch in group]
    received = np.array([micros(batch.received_at) for batch in group], np.int64)
    texts = pack_texts(list(chain.from_iterable(lines(part.data) for part in events)))
    columns = {
        "seq": _numbers(np.arange(group[0].first_seq, group[-1].last_seq + 1)),
        "source": _texts(join_texts([part.source for part in events])),
        "id": _texts(join_texts([part.id for part in events])),
        "type": _texts(join_texts([part.type for part in events])),
        "subject": _texts(join_texts([part.subject for part in events])),
        "time": _numbers(times),
        "received": _numbers(np.repeat(received, [part.size for part in events])),
        data: _texts(texts),
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
