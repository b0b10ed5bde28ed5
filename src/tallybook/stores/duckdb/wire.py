"""An event's data as the engine is given them. Python decides what a number is, once; the engine
only ever sees texts.

A property is kept as a text that tells its JSON type, so that numbers stay exact and one
expression reads it (docs/decisions/0010):

    "abc" → abc        12.50 → #12.5      true → #true       null → null
    "#5"  → #"#5       1E+5  → #100000    [1, 2] → #[1,2]    objects stay objects
"""

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from tallybook.model.fact import Wire
from tallybook.model.quantity import exact_text

#: A text that begins so could be taken for something else, and is marked as a text.
_MARKED: Final = frozenset("#{")
#: Beyond any double; an exponent this large is kept as written, since it is no quantity anyway.
_EXPONENT_MAX: Final = 400


def lines(data: Sequence[Wire]) -> list[bytes]:
    """Write data as they are kept: one line of JSON each, `null` where there are no properties."""
    properties = [_properties(value) for value in _decoded(data)]
    return _encoder.encode_lines(properties).removesuffix(b"\n").split(b"\n")


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


def _decoded(data: Sequence[Wire]) -> list[Any]:
    try:
        return _all_values(b"[" + b",".join(data) + b"]")
    except (msgspec.DecodeError, ValueError):
        return [_value_of(bytes(text)) for text in data]


def _value_of(text: bytes) -> Any:
    """Read what the fast reader may refuse: an integer of thousands of digits."""
    try:
        return _value(text)
    except (msgspec.DecodeError, ValueError):
        return json.loads(text, parse_float=_number, parse_int=_number)


def _number(text: str) -> object:
    """Read a number of any size; one beyond all measure is kept as a text that is no number."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return value if value.is_finite() else text


def _properties(value: Any) -> dict[str, Any] | None:
    if type(value) is not dict or not value:
        return None
    _mark(value)
    return value


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


_all_values: Final = msgspec.json.Decoder(list[Any], float_hook=_number).decode
_value: Final = msgspec.json.Decoder[Any](float_hook=_number).decode
_encoder: Final = msgspec.json.Encoder()
