"""A JSON object that came in, read within the limits of size and depth, and the texts in it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tallybook.model.errors import Invalid
from tallybook.model.limits import EVENT_ID_CHARS_MAX, JSON_DEPTH_MAX
from tallybook.model.wire import NotFinite, Number, read_json

_CONTROL = re.compile(r"[\x00-\x1f]")
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)
_OPEN, _CLOSE = frozenset(b"{["), frozenset(b"}]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_object(
    wire: bytes, what: str, bytes_max: int, levels_max: int = JSON_DEPTH_MAX
) -> dict[str, Any]:
    """Read an object whose numbers stay texts; `what` names it in a refusal.

    Raises:
        Invalid: `json_invalid`, `json_too_deep`, `text_invalid`, `number_not_finite`, or
            `event_too_large` and `event_not_object` where that is what it is.
    """
    if len(wire) > bytes_max:
        raise Invalid(
            f"{what}_too_large",
            f"One {what} holds at most {bytes_max} bytes; this has {len(wire)}.",
            limit=bytes_max,
            asked=len(wire),
        )
    check_depth(wire, levels_max)
    try:
        text = wire.decode()
        found = read_json(text)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except NotFinite as e:
        raise Invalid("number_not_finite", f"{e} is no number in JSON; leave it out.") from e
    except UnicodeError as e:
        raise Invalid("text_invalid", f"This {what} holds text that is no Unicode: {e}.") from e
    except (ValueError, RecursionError) as e:
        raise Invalid("json_invalid", f"This {what} is not JSON: {e}.") from e
    if not isinstance(found, dict):
        raise Invalid(f"{what}_not_object", f"One {what} must be a JSON object.")
    return found


def check_depth(wire: bytes, levels_max: int = JSON_DEPTH_MAX) -> None:
    """Refuse JSON nested too deeply, before any parser recurses into it.

    Raises:
        Invalid: `json_too_deep`.
    """
    if wire.count(b"{") + wire.count(b"[") <= levels_max:
        return
    depth = 0
    for token in _NESTING.finditer(wire):
        first = token[0][0]
        if first in _OPEN:
            depth += 1
            if depth > levels_max:
                raise Invalid(
                    "json_too_deep",
                    f"JSON may nest {levels_max} levels; this goes deeper.",
                    limit=levels_max,
                    asked=depth,
                )
        elif first in _CLOSE:
            depth -= 1


def check_text(members: Mapping[str, Any], name: str) -> None:
    """Refuse a member that is no text, or has control characters; it may be missing or null.

    Raises:
        Invalid: `attribute_invalid`.
    """
    value = members.get(name)
    if value is None:
        return
    if not isinstance(value, str) or isinstance(value, Number) or _CONTROL.search(value):
        raise Invalid(
            "attribute_invalid", f"{name} must be a string without control characters.", field=name
        )


def required(members: Mapping[str, Any], name: str, chars_max: int | None = None) -> str:
    """Return a text that must be there and not be empty.

    Raises:
        Invalid: `id_missing`, `id_too_long` and the like, by the name.
    """
    value: str = members.get(name) or ""
    if not value:
        raise Invalid(f"{name}_missing", f"{name} is needed, and must not be empty.", field=name)
    if chars_max is not None and len(value) > chars_max:
        raise Invalid(
            f"{name}_too_long",
            f"{name} has at most {chars_max} characters; this has {len(value)}.",
            field=name,
            limit=chars_max,
            asked=len(value),
        )
    return value


def name_of(wire: bytes, bytes_max: int) -> str | None:
    """Return the id of what was refused where it can be made out, cut to its limit."""
    if len(wire) > bytes_max:
        return None
    try:
        check_depth(wire)
        event = read_json(wire.decode("utf-8", "replace"))
    except (Invalid, ValueError, RecursionError):
        return None
    name = event.get("id") if isinstance(event, dict) else None
    if not isinstance(name, str):
        return None
    return name[:EVENT_ID_CHARS_MAX].encode("utf-8", "replace").decode()
