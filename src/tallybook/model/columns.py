"""Events that were accepted, read from their wires into columns. It does not decide whether an
event may come in, nor what its data mean.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from tallybook.model.fact import Arrival, Columns, Wire, columns_of
from tallybook.model.time import parse_micros, usual_micros
from tallybook.model.wire import is_json

#: The data of an event that has none.
NO_DATA: Final = msgspec.Raw(b"null")


class _Kept(msgspec.Struct, gc=False):
    source: str
    id: str
    type: str
    subject: str
    time: str | None = None
    data: msgspec.Raw = NO_DATA
    data_base64: msgspec.Raw = msgspec.Raw()


def columns(wires: Sequence[Wire]) -> Columns:
    """Read accepted events into columns."""
    try:
        kept = list(map(_kept, wires))
    except msgspec.MsgspecError:
        return columns_of(map(arrival, wires))
    if any(event.data_base64 for event in kept):
        return columns_of(map(arrival, wires))
    texts = [event.time for event in kept]
    return Columns(
        [event.source for event in kept],
        [event.id for event in kept],
        [event.type for event in kept],
        [event.subject for event in kept],
        times(texts),
        [event.data for event in kept],
        wires,
    )


def arrival(wire: Wire) -> Arrival:
    """Read one accepted event; of a member that it repeats the last one holds."""
    members = _members(wire)
    source, id_, type_, subject, time, coded, kind = (
        _value(members.get(name, NO_DATA))
        for name in ("source", "id", "type", "subject", "time", "data_base64", "datacontenttype")
    )
    data: Wire = members.get("data", NO_DATA)
    if coded is not None and is_json(kind):
        data = _decoded(coded)
    return Arrival(source, id_, type_, subject, times([time])[0], data, wire)


def times(texts: Sequence[str | None]) -> list[int | None]:
    """Count the microseconds of times, all at once where they are alike; None where is none.

    Raises:
        Invalid: `time_invalid`, where one is no RFC 3339 instant.
    """
    if texts and None not in texts:
        alike = usual_micros(cast("Sequence[str]", texts))
        if alike is not None:
            return cast("list[int | None]", alike)
    return [None if text is None else parse_micros(text) for text in texts]


def _decoded(coded: str) -> Wire:
    """Return the JSON in a base64 text; null where there is none."""
    try:
        plain = base64.b64decode(coded, validate=True)
        plain.decode()  # the decoder asks for Unicode only in what it reads
        return _whole(plain)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError):
        return NO_DATA


_kept: Final = msgspec.json.Decoder(_Kept).decode
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_value: Final = msgspec.json.Decoder[Any]().decode
_whole: Final = msgspec.json.Decoder(msgspec.Raw).decode
