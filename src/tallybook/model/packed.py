"""Events that wait to be loaded, each column end to end: a few bytes objects for a whole batch.

Thousands of small objects that wait are out of the processor's cache when their turn comes; they
cost more to touch then than all that is done to them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from tallybook.model.fact import Columns

Numbers = npt.NDArray[np.int64]
#: Accounts by the type of their events.
Touched = Mapping[str, Collection[str]]

#: The time of an event that has none: it happened when it was received.
NO_TIME: Final = -(1 << 63)


class Texts(NamedTuple):
    """Texts end to end in UTF-8, and how many bytes each has."""

    joined: bytes
    lengths: Numbers

    def since(self, place: int) -> "Texts":
        """Return the texts from a place on."""
        return Texts(self.joined[int(self.lengths[:place].sum()) :], self.lengths[place:])


class Packed(NamedTuple):
    """Events as in `fact.Columns`, without their wires.

    `time` counts microseconds, `data` is a JSON array of the data of all events, and `touched`
    says whose events they are.
    """

    source: Texts
    id: Texts
    type: Texts
    subject: Texts
    time: Numbers
    data: bytes
    touched: Touched

    @property
    def size(self) -> int:
        """Return how many events there are."""
        return len(self.time)

    @property
    def byte_count(self) -> int:
        """Return how many bytes their texts and data have."""
        texts = (self.source, self.id, self.type, self.subject)
        return sum(len(part.joined) for part in texts) + len(self.data)

    def since(self, place: int) -> "Packed":
        """Return the events from a place on; what the others touched stays named."""
        if not place:
            return self
        return self._replace(
            source=self.source.since(place),
            id=self.id.since(place),
            type=self.type.since(place),
            subject=self.subject.since(place),
            time=self.time[place:],
            data=msgspec.json.encode(_parts(self.data)[place:]),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of the ledger with consecutive numbers, accepted in one commit.

    The event at place i has the number `first_seq + i`.
    """

    first_seq: int
    received_at: datetime
    events: Packed

    @property
    def last_seq(self) -> int:
        """Return the number of the newest entry."""
        return self.first_seq + self.events.size - 1


def pack(columns: Columns) -> Packed:
    """Lay columns end to end."""
    times = columns.time
    if None in times:
        times = [NO_TIME if time is None else time for time in times]
    return Packed(
        pack_texts(columns.source),
        pack_texts(columns.id),
        pack_texts(columns.type),
        pack_texts(columns.subject),
        np.array(times, np.int64),
        b"[%b]" % b",".join(columns.data),
        _touched(columns),
    )


def together(parts: Sequence[Packed]) -> Packed:
    """Put batches behind each other; there is at least one."""
    if len(parts) == 1:
        return parts[0]
    source, id_, type_, subject, time, data, touched = zip(*parts, strict=True)
    return Packed(
        join_texts(source),
        join_texts(id_),
        join_texts(type_),
        join_texts(subject),
        np.concatenate(time),
        b"[%b]" % b",".join(part[1:-1] for part in data),
        all_touched(touched),
    )


def all_touched(parts: Iterable[Touched]) -> Touched:
    """Say whose events all of them are."""
    found: dict[str, set[str]] = {}
    for part in parts:
        for event_type, accounts in part.items():
            found.setdefault(event_type, set()).update(accounts)
    return found


def join_texts(parts: Sequence[Texts]) -> Texts:
    """Put columns of texts behind each other."""
    return Texts(
        b"".join([part.joined for part in parts]), np.concatenate([part.lengths for part in parts])
    )


def pack_texts(values: Sequence[str]) -> Texts:
    """Lay texts end to end."""
    joined = "".join(values)
    lengths: Sequence[str] | list[bytes] = values
    if not joined.isascii():
        lengths = [value.encode() for value in values]
    return Texts(joined.encode(), np.fromiter(map(len, lengths), np.int64, len(values)))


def _touched(columns: Columns) -> Touched:
    types = set(columns.type)
    if len(types) == 1:
        return {types.pop(): set(columns.subject)}
    touched: dict[str, set[str]] = {event_type: set() for event_type in types}
    for event_type, subject in zip(columns.type, columns.subject, strict=True):
        touched[event_type].add(subject)
    return touched


_parts: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
