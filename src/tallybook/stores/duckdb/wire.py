"""Reading events off the wire into columns. Python decides what a time and a number are, once;
the engine only ever sees microseconds and texts.

A property is kept as a text that tells its JSON type, so that numbers stay exact and one
expression reads it (docs/decisions/0010):

    "abc" → abc        12.50 → #12.5      true → #true       null → null
    "#5"  → #"#5       1E+5  → #100000    [1, 2] → #[1,2]    objects stay objects
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import msgspec

from tallybook.model.quantity import exact_text
from tallybook.model.time import EPOCH, parse_micros, usual_micros
from tallybook.model.wire import is_json

#: A text that begins so could be taken for something else, and is marked as a text.
_MARKED: Final = frozenset("#{")
#: Beyond any double; an exponent this large is kept as written, since it is no quantity anyway.
_EXPONENT_MAX: Final = 400
_MICROSECOND: Final = timedelta(microseconds=1)


class _Event(msgspec.Struct, gc=False):
    source: str
    id: str
    type: str
    subject: str
    time: str | None = None
    data: Any = None
    data_base64: str | None = None
    datacontenttype: str | None = None


class Columns(NamedTuple):
    """Events as columns: `time` in microseconds, `data` as a line of JSON each, null where an
    event has no properties.
    """

    source: list[str]
    id: list[str]
    type: list[str]
    subject: list[str]
    time: list[int]
    data: str


def read(wires: Sequence[bytes], received: int) -> Columns:
    """Read events; one without a time happened when it was received (microseconds)."""
    events = _decode(wires)
    return Columns(
        [e.source for e in events],
        [e.id for e in events],
        [e.type for e in events],
        [e.subject for e in events],
        _times(events, received),
        _encoder.encode_lines([_properties(e) for e in events]).decode().removesuffix("\n"),
    )


def typed_text(value: object) -> str | None:
    """Write a JSON value as the text it is kept as; None for null."""
    if value is None:
        return None
    if isinstance(value, str):
        return '#"' + value if value[:1] in _MARKED else value
    if isinstance(value, bool):
        return "#true" if value else "#false"
    if isinstance(value, (int, Decimal)):
        return "#" + _number_text(value)
    return "#" + json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _decode(wires: Sequence[bytes]) -> list[_Event]:
    try:
        return _events.decode(b"[" + b",".join(wires) + b"]")
    except (msgspec.DecodeError, ValueError):
        return [_decode_slowly(wire) for wire in wires]


def _decode_slowly(wire: bytes) -> _Event:
    """Read what the fast reader refuses (lone surrogates, huge integers): it was accepted once."""
    try:
        return _event.decode(wire)
    except (msgspec.DecodeError, ValueError):
        document = json.loads(wire.decode(errors="replace"), parse_float=_number, parse_int=_number)
        known = {name: _sound(document.get(name)) for name in _Event.__struct_fields__}
        return msgspec.convert(known, _Event)


def _number(text: str) -> object:
    """Read a number of any size; one beyond all measure is kept as a text that is no number."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return value if value.is_finite() else text


def _sound(value: Any) -> Any:
    """Replace lone surrogates, which no engine stores."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sound(name): _sound(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_sound(inner) for inner in value]
    return value


def _times(events: Sequence[_Event], received: int) -> list[int]:
    """Read times, at once where they are alike. All were accepted by the model's rule, so that the
    library's reader, which takes more, differs where it refuses only: at second 60.
    """
    texts = [e.time for e in events if e.time is not None]
    if texts and len(texts) == len(events) and (alike := usual_micros(texts)) is not None:
        return alike
    try:
        return [
            received if e.time is None else (datetime.fromisoformat(e.time) - EPOCH) // _MICROSECOND
            for e in events
        ]
    except ValueError:
        return [received if e.time is None else parse_micros(e.time) for e in events]


def _properties(event: _Event) -> dict[str, Any] | None:
    data = event.data
    if event.data_base64 is not None and is_json(event.datacontenttype):
        data = _decoded(event.data_base64)
    if type(data) is not dict or not data:
        return None
    _mark(data)
    return data


def _decoded(text: str) -> object:
    try:
        return _anything.decode(base64.b64decode(text, validate=True))
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None


def _mark(data: dict[str, Any]) -> None:
    """Turn every leaf into its typed text, in place: this runs for each event."""
    for name, value in data.items():
        kind = type(value)
        if kind is str:
            if value[:1] in _MARKED:
                data[name] = '#"' + value
        elif kind is int:
            data[name] = f"#{value}"
        elif kind is dict:
            _mark(value)
        else:
            data[name] = typed_text(value)


def _number_text(value: int | Decimal) -> str:
    if isinstance(value, Decimal):
        near = not value or abs(value.adjusted()) <= _EXPONENT_MAX
        return exact_text(value) if near else f"{value:E}"
    return str(value)


def _plain(value: object) -> object:
    return _number_text(value) if isinstance(value, Decimal) else str(value)


def _hook(text: str) -> object:
    return _number(text)


_events: Final = msgspec.json.Decoder(list[_Event], float_hook=_hook)
_event: Final = msgspec.json.Decoder(_Event, float_hook=_hook)
_anything: Final = msgspec.json.Decoder(float_hook=_hook)
_encoder: Final = msgspec.json.Encoder()
