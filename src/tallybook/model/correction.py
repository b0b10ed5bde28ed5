"""Corrections: entries of the ledger that say what became of an earlier one (docs/decisions/0016).

It owns how a correction is written and read. It does not decide whether one may be made.
"""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from tallybook.model.columns import NO_DATA
from tallybook.model.fact import Arrival
from tallybook.model.time import format_instant, from_micros

Op = Literal["void", "replace", "revert"]
Standing = Literal["counted", "voided", "replaced"]

#: Nobody else's events have this source or this type.
SOURCE: Final = "tallybook:corrections"
TYPE: Final = "tallybook.correction"


class Row(msgspec.Struct, frozen=True):
    """An event as it is counted: the entry it comes from, and where questions find it.

    `time` counts microseconds since 1970.
    """

    seq: int
    type: str
    subject: str
    time: int


class Stand(NamedTuple):
    """From entry `since` on, a row stands so; it holds until the next one of the same row."""

    row: Row
    since: int
    standing: Standing


class Correction(msgspec.Struct, frozen=True):
    """What was done to entry `of`, and all that follows for what is counted.

    `hides` is a row that counts no more, `shows` an older one that counts again, `event` the
    CloudEvent that counts instead, with the original's source and id; `null` where none does.
    """

    op: Op
    of: int
    reason: str
    author: str
    hides: Row | None
    shows: Row | None
    event: msgspec.Raw = NO_DATA

    @property
    def replacement(self) -> bytes | None:
        """The event that counts instead."""
        return None if self.event == NO_DATA else bytes(self.event)

    def stands(self, seq: int) -> Iterator[Stand]:
        """Yield how rows stand from this correction on, which is entry `seq`."""
        if self.hides is not None:
            yield Stand(self.hides, seq, "replaced" if self.op == "replace" else "voided")
        if self.shows is not None:
            yield Stand(self.shows, seq, "counted")


def name(of: int, number: int) -> str:
    """Return the id of the `number`th correction of an entry, from 1: no two can be the same."""
    return f"{of}.{number}"


def written(correction: Correction, number: int, original: Row) -> Arrival:
    """Write a correction as the ledger takes it in, beside the original by subject and time."""
    id_, data = name(correction.of, number), msgspec.json.encode(correction)
    wire = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": id_,
            "source": SOURCE,
            "type": TYPE,
            "subject": original.subject,
            "time": format_instant(from_micros(original.time)),
            "data": msgspec.Raw(data),
        }
    )
    return Arrival(SOURCE, id_, TYPE, original.subject, original.time, data, wire)


def correction_in(wire: bytes) -> Correction | None:
    """Read the correction that an entry of the ledger is, None where it is an event."""
    try:
        entry = _entry(wire)
    except msgspec.MsgspecError:  # an event may repeat a member; we do not
        return None
    return read_correction(entry.data) if entry.source == SOURCE else None


class _Entry(msgspec.Struct):
    source: str
    data: msgspec.Raw = msgspec.Raw()


_entry: Final = msgspec.json.Decoder(_Entry).decode
#: Read a correction from the data of its entry.
read_correction: Final = msgspec.json.Decoder(Correction).decode
