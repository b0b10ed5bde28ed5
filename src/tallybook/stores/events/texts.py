"""An event's data as the engine is given them. Python decides what a number is, once; the engine
only ever sees texts.

A property is kept as a text that tells its JSON type, so that numbers stay exact and one
expression reads it (docs/decisions/0010):

    "abc" → abc        12.50 → #12.5      true → #true       null → null
    "#5"  → #"#5       1E+5  → #100000    [1, 2] → #[1,2]    objects stay objects

Where an engine keeps properties by their path, objects are laid flat: `{"a": {"b": 1}}` is written
`{"a": "{", "a.b": "#1"}`, so that an object can be told from nothing, and from a text.
"""

import json
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from types import GenericAlias
from typing import Any, Final

import msgspec

from tallybook.model.limits import EVENT_BYTES_MAX, NAME_CHARS_MAX
from tallybook.model.quantity import exact_text

#: A text that begins so could be taken for something else, and is marked as a text.
_MARKED: Final = frozenset("#{")
#: What an object leaves at its own path, where its members are laid beside it.
_AN_OBJECT: Final = "{"
#: A reader of more names than this costs more to make, and to keep, than it will save.
_NAMES_MAX: Final = 64
#: Beyond any double; an exponent this large is kept as written, since it is no quantity anyway.
_EXPONENT_MAX: Final = 400


#: Writes a name of a property.
Naming = Callable[[str], str]


def lines(data: bytes) -> list[str]:
    """Write a JSON array of data as they are kept: one line of JSON each, `null` where there are
    no properties.
    """
    return _alike_lines(data, str) or _lines(_properties(value) for value in _decoded(data))


def flat_lines(data: bytes, naming: Naming) -> list[str]:
    """Write the same with objects laid flat, and names as `naming` writes them, without dots;
    `{}` where there are no properties.
    """
    return _alike_lines(data, naming) or _lines(_flat(value, naming) for value in _decoded(data))


def _lines(properties: Iterable[dict[str, Any] | None]) -> list[str]:
    return _encoder.encode_lines(properties).decode().removesuffix("\n").split("\n")


def _alike_lines(data: bytes, naming: Naming) -> list[str] | None:
    """Write data that all hold the same names with a text or an integer each, as the events of
    one sender mostly do; None where they do not, or where a text needs a mark or an escape.
    """
    if b"\\" in data or b'"#' in data or b'"{' in data:
        return None
    try:
        first, _ = _first.raw_decode(data[1 : EVENT_BYTES_MAX + 1].decode(errors="ignore"))
        kinds = tuple((n, type(v)) for n, v in first.items()) if isinstance(first, dict) else ()
        if not 0 < len(kinds) <= _NAMES_MAX or not {kind for _, kind in kinds} <= {str, int}:
            return None
        if any(len(name) > NAME_CHARS_MAX for name, _ in kinds):
            return None
        decode, template = _shape(kinds, naming)
        return [template % fields for fields in map(_fields, decode(data))]
    except (msgspec.MsgspecError, ValueError):  # also an integer of thousands of digits
        return None


@lru_cache(maxsize=256)
def _shape(
    kinds: tuple[tuple[str, type], ...], naming: Naming
) -> tuple[Callable[[bytes], list[Any]], str]:
    """Make a reader of such data, which refuses all other, and what they are written by."""
    struct = msgspec.defstruct(
        "Data",
        [(f"p{i}", kind) for i, (_, kind) in enumerate(kinds)],
        rename={f"p{i}": name for i, (name, _) in enumerate(kinds)},
        forbid_unknown_fields=True,
        gc=False,
    )
    written = (
        (_encoder.encode(naming(name)).decode().replace("%", "%%"), "" if kind is str else "#")
        for name, kind in kinds
    )
    members = (f'{name}:"{mark}%s"' for name, mark in written)
    decoder = msgspec.json.Decoder(GenericAlias(list, (struct,)))
    return decoder.decode, f"{{{','.join(members)}}}"


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


def _decoded(data: bytes) -> list[Any]:
    try:
        return _values(data)
    except (msgspec.DecodeError, ValueError):  # an integer of thousands of digits
        values: list[Any] = json.loads(data, parse_float=_number, parse_int=_number)
        return values


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


def _flat(value: Any, naming: Naming) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if type(value) is dict:
        _lay(value, "", NAME_CHARS_MAX, naming, found)
    return found


def _lay(
    data: dict[str, Any], before: str, chars_left: int, naming: Naming, found: dict[str, Any]
) -> None:
    """Lay members beside each other. What lies beyond a path of so many characters no meter can
    ask for: it is left out, or a long name with many members would be written for each of them.
    """
    for name, value in data.items():
        left = chars_left - len(name)
        if left < 0 or value is None:
            continue
        path = before + naming(name)
        if type(value) is dict:
            found[path] = _AN_OBJECT
            _lay(value, f"{path}.", left - 1, naming, found)
        else:
            found[path] = typed_text(value)


def _number_text(value: int | Decimal) -> str:
    if isinstance(value, Decimal):
        near = not value or abs(value.adjusted()) <= _EXPONENT_MAX
        return exact_text(value) if near else f"{value:E}"
    return str(value)


def _plain(value: object) -> object:
    return _number_text(value) if isinstance(value, Decimal) else str(value)


_first: Final = json.JSONDecoder()
_values: Final = msgspec.json.Decoder(list[Any], float_hook=_number).decode
_encoder: Final = msgspec.json.Encoder()
_fields: Final = msgspec.structs.astuple
