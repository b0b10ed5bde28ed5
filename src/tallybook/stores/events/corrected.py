"""A batch with corrections in it, as what they come to: events, and how rows stand since."""

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Final

import msgspec
import numpy as np

from tallybook.model.columns import arrival
from tallybook.model.correction import SOURCE, Stand, read_correction
from tallybook.model.fact import Arrival, columns_of
from tallybook.model.packed import NO_TIME, Batch, Numbers, Packed, Texts, pack


def corrected(batch: Batch) -> tuple[Numbers, Packed, list[Stand]]:
    """Return the numbers of the events to be counted, the events, and how rows stand.

    A replacement is an event with the number of its correction; a void or a revert is none.
    """
    seqs: list[int] = []
    events: list[Arrival] = []
    stands: list[Stand] = []
    for seq, event in enumerate(_arrivals(batch.events), batch.first_seq):
        if event.source != SOURCE:
            seqs.append(seq)
            events.append(event)
            continue
        correction = read_correction(event.data)
        stands += correction.stands(seq)
        if correction.replacement is not None:
            seqs.append(seq)
            events.append(arrival(correction.replacement))
    return np.array(seqs, np.int64), pack(columns_of(events)), stands


def _arrivals(events: Packed) -> Iterator[Arrival]:
    """Take a packed batch apart; the wires are not in it."""
    texts = (_texts(part) for part in (events.source, events.id, events.type, events.subject))
    times = (None if time == NO_TIME else time for time in events.time.tolist())
    for *named, time, data in zip(*texts, times, _parts(events.data), strict=True):
        source, id_, type_, subject = named
        yield Arrival(source, id_, type_, subject, time, data, b"")


def _texts(packed: Texts) -> Iterator[str]:
    edges = accumulate(packed.lengths.tolist(), initial=0)
    return (packed.joined[low:high].decode() for low, high in pairwise(edges))


_parts: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
