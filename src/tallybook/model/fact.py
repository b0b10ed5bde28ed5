"""Facts: events as they arrive, as the ledger keeps them, and what became of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

Status = Literal["accepted", "duplicate", "conflict", "rejected"]

#: JSON, byte for byte; `Raw` is a part of a body that was read, not copied out of it.
Wire = bytes | msgspec.Raw


class Arrival(NamedTuple):
    """One readable event.

    `time` counts microseconds since 1970, or is None when the event has none and the arrival
    time counts. `data` is the JSON text of its data, `null` where it has none that is JSON.
    `wire` is the event as a structured CloudEvent in JSON, byte for byte as it came where it came
    so.
    """

    source: str
    id: str
    type: str
    subject: str
    time: int | None
    data: Wire
    wire: Wire


class Columns(NamedTuple):
    """Events as columns of one length, each as in `Arrival`.

    What is done to each event by itself is most of what it costs to take in a batch, so a batch
    is read into columns once and stays so until it is stored.
    """

    source: Sequence[str]
    id: Sequence[str]
    type: Sequence[str]
    subject: Sequence[str]
    time: Sequence[int | None]
    data: Sequence[Wire]
    wire: Sequence[Wire]

    @property
    def events(self) -> int:
        """Return how many events there are."""
        return len(self.id)

    def pick(self, places: Iterable[int]) -> "Columns":
        """Return the events at some places, in that order."""
        chosen = list(places)
        return Columns._make([column[i] for i in chosen] for column in self)


def columns_of(arrivals: Iterable[Arrival]) -> Columns:
    """Turn rows into columns."""
    rows = list(arrivals)
    return Columns._make(zip(*rows, strict=True)) if rows else NONE


#: No event at all.
NONE: Final = Columns((), (), (), (), (), (), ())


class Verdict(NamedTuple):
    """What the ledger decided about one arrival; `seq` is the entry that stands in its way."""

    status: Status
    seq: int | None = None
    code: str | None = None
    detail: str | None = None


#: The verdict on nearly every arrival.
ACCEPTED: Final = Verdict("accepted")


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of the ledger."""

    seq: int
    received_at: datetime
    wire: bytes
