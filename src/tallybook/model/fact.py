"""Facts: events as they arrive, as the ledger keeps them, and what became of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

Status = Literal["accepted", "duplicate", "conflict", "rejected"]


class Arrival(NamedTuple):
    """One readable event on its way into the ledger.

    `time` counts microseconds since 1970, or is None when the event has none and the arrival
    time counts. `wire` is the event as a structured CloudEvent in JSON, byte for byte as it came
    where it came so.
    """

    source: str
    id: str
    type: str
    subject: str
    time: int | None
    wire: bytes


class Verdict(NamedTuple):
    """What the ledger decided about one arrival; `seq` is the entry that stands."""

    status: Status
    seq: int | None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of the ledger with consecutive numbers, accepted in one commit.

    The event at index i has the number `first_seq + i`.
    """

    first_seq: int
    received_at: datetime
    wires: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of the ledger."""

    seq: int
    received_at: datetime
    wire: bytes
