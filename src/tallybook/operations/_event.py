"""One event as JSON, checked by the rules of CloudEvents 1.0 and our limits.

`check` is the rule. `check_all` gives the same answers for many events, faster where nothing is
unusual: a quick look accepts, and whatever it does not accept is left to the rule.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from tallybook.model import correction
from tallybook.model.columns import NO_DATA, arrival, times
from tallybook.model.errors import Invalid
from tallybook.model.fact import Arrival, Columns, Wire, columns_of
from tallybook.model.limits import (
    EVENT_AHEAD_MAX,
    EVENT_BYTES_MAX,
    EVENT_ID_CHARS_MAX,
    JSON_DEPTH_MAX,
    NAME_CHARS_MAX,
)
from tallybook.model.time import micros, parse_micros
from tallybook.model.wire import data_of, is_json
from tallybook.operations._object import check_depth, check_text, name_of, read_object, required

_RESERVED: Final = {"source": correction.SOURCE, "type": correction.TYPE}
_ATTRIBUTES: Final = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype")
#: A URI reference, or one that still has the letters of its language in it (RFC 3987).
_REFERENCE = re.compile(
    r"""(?:[^\x00-\x20\x7f%#<>"{}|\\^`]|%[0-9A-Fa-f]{2})*(?:\#(?:[^\x00-\x20\x7f%#<>"{}|\\^`]"""
    r"""|%[0-9A-Fa-f]{2})*)?"""
)


class Refusal(NamedTuple):
    """An event that is not taken, and why."""

    id: str | None
    code: str
    detail: str


_Named = Annotated[str, msgspec.Meta(min_length=1)]


class _Usual(msgspec.Struct, gc=False):
    """An event without surprises; its data stay what they are."""

    specversion: Literal["1.0"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=EVENT_ID_CHARS_MAX)]
    source: _Named
    type: _Named
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARS_MAX)]
    time: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = NO_DATA
    data_base64: msgspec.Raw = msgspec.Raw()


_usual = msgspec.json.Decoder(_Usual).decode
_fields = msgspec.structs.astuple


class Checked(NamedTuple):
    """The events that are right, in their order, and by its place why another is not taken."""

    arrivals: Columns
    refusals: Mapping[int, Refusal]


def check_all(wires: Sequence[Wire], now: datetime) -> Checked:
    """Check each event as `check` does; a refused one takes nothing from its neighbours."""
    latest = _latest(now)
    arrivals = _all_usual(wires, latest)
    if arrivals is not None:
        return Checked(arrivals, {})
    checked = [_quick(wire, latest) or _slow(wire, latest) for wire in map(bytes, wires)]
    return Checked(
        columns_of(item for item in checked if isinstance(item, Arrival)),
        {i: item for i, item in enumerate(checked) if isinstance(item, Refusal)},
    )


def _all_usual(wires: Sequence[Wire], latest: int) -> Columns | None:
    """Accept all events at once where `_quick` would accept each; None where it may not."""
    body = b"".join(wires)
    # Only an escape brings control characters in, and only a high byte what is no Unicode: mostly
    # the whole body has neither.
    if not wires or b"\\" in body or not body.isascii():
        return None
    try:
        events = list(map(_usual, wires))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    _, ids, sources, types, subjects, texts, _, data, coded = zip(
        *map(_fields, events), strict=True
    )
    is_large = max(map(len, wires)) > EVENT_BYTES_MAX
    if is_large or any(coded) or (not _is_flat(body, data) and _nests(wires, body)):
        return None
    try:
        at = times(texts)
    except Invalid:
        return None
    late = max((time for time in at if time is not None), default=latest) > latest
    senders = set(sources)
    is_ours = correction.SOURCE in senders or correction.TYPE in set(types)
    if late or is_ours or not all(map(_is_reference, senders)):
        return None
    return Columns(sources, ids, types, subjects, at, data, wires)


def _latest(now: datetime) -> int:
    """Count the latest time an event may have; added as a number, a clock at its end may ask."""
    return micros(now) + EVENT_AHEAD_MAX // timedelta(microseconds=1)


def _is_flat(body: bytes, data: Sequence[Wire]) -> bool:
    """Tell whether each event holds one object, its data, and no object or array besides."""
    joined = b",".join(data)
    objects = len(data)
    return (
        b"[" not in body
        and body.count(b"{") == 2 * objects
        and joined.count(b"{") == objects
        # Without arrays an object within another follows a colon.
        and joined.startswith(b"{")
        and joined.count(b"},{") == objects - 1
    )


def _nests(wires: Sequence[Wire], body: bytes) -> bool:
    """Tell whether so many brackets open in an event that it might nest too deeply."""
    # In ASCII, [ and { differ in one bit, which nothing else that matters shares.
    opening = np.flatnonzero((np.frombuffer(body, np.uint8) | 0x20) == ord("{"))
    ends = np.cumsum(np.fromiter(map(len, wires), np.int64, len(wires)))
    counts = np.diff(np.searchsorted(opening, ends), prepend=0)
    return bool(counts.max() > JSON_DEPTH_MAX)


def check(wire: bytes, now: datetime) -> Arrival:
    """Read one event.

    Raises:
        Invalid: the code says which rule it breaks; `json_invalid` where it is no JSON at all.
    """
    return _check(wire, _latest(now))


def _quick(wire: bytes, latest: int) -> Arrival | None:
    """Accept what is plainly right; None leaves it to the rule."""
    if len(wire) > EVENT_BYTES_MAX or wire.count(b"{") + wire.count(b"[") > JSON_DEPTH_MAX:
        return None
    try:
        event = _usual(wire)
        time = None if event.time is None else parse_micros(event.time)
        wire.decode()  # the decoder asks for Unicode only in what it reads
    except (msgspec.MsgspecError, ValueError, RecursionError, Invalid):
        return None
    named = f"{event.id}{event.type}{event.subject}{event.datacontenttype}"
    if (
        not named.isprintable()
        or event.type == correction.TYPE
        or event.source == correction.SOURCE
        or not _is_reference(event.source)
        or event.data_base64
        or (time is not None and time > latest)
    ):
        return None
    return Arrival(event.source, event.id, event.type, event.subject, time, event.data, wire)


def _slow(wire: bytes, latest: int) -> Arrival | Refusal:
    try:
        return _check(wire, latest)
    except Invalid as e:
        return Refusal(name_of(wire, EVENT_BYTES_MAX), e.code, e.detail)


def _check(wire: bytes, latest: int) -> Arrival:
    event = read_object(wire, "event", EVENT_BYTES_MAX)
    for name in _ATTRIBUTES:
        check_text(event, name)
    if event.get("specversion") != "1.0":
        raise Invalid("specversion_unsupported", 'specversion must be "1.0".', field="specversion")
    required(event, "id", EVENT_ID_CHARS_MAX)
    required(event, "subject", NAME_CHARS_MAX)
    if not _is_reference(required(event, "source")):
        raise Invalid("source_invalid", "source must be a URI reference.", field="source")
    for name, kept in _RESERVED.items():
        if required(event, name) == kept:
            raise Invalid(
                f"{name}_reserved",
                f"The {name} {kept} is that of corrections, which are made by "
                "/events/void, /events/replace and /events/revert.",
                field=name,
            )
    time = event.get("time")
    at = None if time is None else parse_micros(time)
    if at is not None and at > latest:
        raise Invalid(
            "time_ahead",
            f"time is more than {EVENT_AHEAD_MAX.seconds // 60} minutes ahead of this server's "
            f"clock; it is {time}. Send the event when it has happened.",
            field="time",
            limit=int(EVENT_AHEAD_MAX.total_seconds()),
            asked=time,
        )
    _check_data(event)
    return arrival(wire)


def _check_data(event: dict[str, Any]) -> None:
    coded = event.get("data_base64")
    if coded is None:
        return
    if event.get("data") is not None:
        raise Invalid("data_twice", "An event has data or data_base64, not both.", field="data")
    if isinstance(coded, str):
        # Raises where it is no base64. JSON in it must stand within the same depth.
        plain = data_of({"data_base64": coded, "datacontenttype": "application/octet-stream"})
        if is_json(event.get("datacontenttype")):
            check_depth(plain)
    data_of(event)


@lru_cache(maxsize=1024)
def _is_reference(source: str) -> bool:
    """Tell whether this is a URI reference; installations send from few sources."""
    return _REFERENCE.fullmatch(source) is not None
