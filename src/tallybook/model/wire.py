"""A kept event read back exactly: its attributes, and its data with every number by its text.

It decides what "the same content" means. It does not decide whether an event may come in. Where
an object repeats a key the last one holds, as in every reader of JSON that is used here.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from tallybook.model.errors import Invalid
from tallybook.model.time import micros, parse_instant

#: More digits than this in an exponent are compared as text: no two such numbers need be equal.
_EXPONENT_DIGITS: Final = 18
_JSON_TYPE = re.compile(r"[^;]*[/+]json\s*(;.*)?", re.IGNORECASE | re.DOTALL)


class NotFinite(ValueError):
    """NaN or Infinity, which JSON does not have."""


class Number(str):
    """A JSON number by its text; equal to another of the same text, see `by_value`."""

    __slots__ = ()


def read_json(text: str) -> Any:
    """Read JSON whose numbers stay texts (`Number`).

    Raises:
        ValueError: no JSON; `NotFinite` for NaN and Infinity.
        RecursionError: nested far deeper than `limits.JSON_DEPTH_MAX`.
    """
    return _DECODER.decode(text)


def _constant(word: str) -> Any:
    raise NotFinite(word)


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_constant)


def is_json(content_type: str | None) -> bool:
    """Tell whether data of this content type is JSON; none means JSON, as CloudEvents has it."""
    return content_type is None or _JSON_TYPE.fullmatch(content_type) is not None


def data_of(event: dict[str, Any]) -> Any:
    """Return the data of an event read by `read_json`: JSON, `bytes`, or None where there is none.

    JSON in `data_base64` is decoded; text that is declared not to be JSON is its bytes, so that
    an event is the same however it was carried.

    Raises:
        Invalid: `data_base64_invalid`.
    """
    kind, coded = event.get("datacontenttype"), event.get("data_base64")
    if coded is None:
        data = event.get("data")
        return data if is_json(kind) or not isinstance(data, str) else data.encode()
    try:
        plain = base64.b64decode(coded, validate=True)
    except (TypeError, ValueError, binascii.Error) as e:
        raise Invalid(
            "data_base64_invalid", "data_base64 must be a string in base64.", field="data_base64"
        ) from e
    if not is_json(kind):
        return plain
    try:
        return read_json(plain.decode())
    except (ValueError, RecursionError):
        return plain


@dataclass(frozen=True, slots=True)
class Content:
    """What counts for sameness; `time` counts microseconds, None where the event has none."""

    type: str
    subject: str
    time: int | None
    data: Any


def content(wire: bytes) -> Content:
    """Read what counts for sameness from an event that was accepted."""
    event = read_json(wire.decode())
    time = event.get("time")
    return Content(
        event["type"],
        event["subject"],
        None if time is None else micros(parse_instant(time)),
        by_value(data_of(event)),
    )


def same(kept: bytes, kept_at: int, other: bytes) -> bool:
    """Tell whether `other` says what `kept` says, which arrived at `kept_at` (microseconds).

    Extensions, key order and how numbers are written do not count. Without `time` the arrival
    time counts, and a repetition without one is compared without it.
    """
    first, second = content(kept), content(other)
    if second.time is not None and second.time != (kept_at if first.time is None else first.time):
        return False
    return (first.type, first.subject, first.data) == (second.type, second.subject, second.data)


def by_value(value: Any) -> Any:
    """Replace every `Number` by a value equal for equal numbers, without expanding exponents."""
    if isinstance(value, Number):
        return _canonical(value)
    if isinstance(value, list):
        return [by_value(v) for v in value]
    if isinstance(value, dict):
        return {k: by_value(v) for k, v in value.items()}
    return value


def _canonical(text: str) -> tuple[str, str, int | str]:
    """Return sign, digits without zeros at either end, and the exponent of the last digit, of a
    number of JSON.
    """
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return ("", "", 0)
    if len(exponent) > _EXPONENT_DIGITS:
        return (sign, text, "")
    bare = digits.rstrip("0")
    return (sign, bare, int(exponent or 0) - len(fraction) + len(digits) - len(bare))
