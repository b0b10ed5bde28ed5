"""Where one event ends and the next begins: a request's body cut into events, byte for byte.

What an event must be is decided elsewhere; here a body is only refused when it cannot be cut.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final, cast
from urllib.parse import unquote_to_bytes

import msgspec

from tallybook.model.errors import TooLarge, Unreadable
from tallybook.model.fact import Wire
from tallybook.model.limits import BATCH_EVENTS_MAX, EVENT_BYTES_MAX
from tallybook.model.wire import is_json
from tallybook.operations._event import Refusal

#: An event of a body, or why it cannot be read.
Piece = Wire | Refusal

_SPACE: Final = b" \t\r\n"
#: More commas than this and the body is no batch of real events; it is cut the careful way, which
#: stops at the limit instead of making millions of objects first.
_COMMAS_MAX: Final = 100 * BATCH_EVENTS_MAX
#: More brackets and texts than the densest batch of 8 MiB has are not looked at one by one.
_TOKENS_MAX: Final = 300 * BATCH_EVENTS_MAX
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{},]', re.DOTALL)
#: What nests more deeply than an event has bytes is no batch of events.
_DEPTH_MAX: Final = EVENT_BYTES_MAX
_HEADER_NAME = re.compile(r"[a-z0-9]+", re.ASCII)
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_whole = msgspec.json.Decoder(msgspec.Raw).decode


def split(body: bytes, headers: Mapping[str, str]) -> list[Piece]:
    """Cut a body into events by its content type; header names are in lower case.

    Raises:
        Unreadable: `content_type_unknown`, `charset_unsupported` or `json_invalid`.
        TooLarge: `too_many_events`.
    """
    declared = headers.get("content-type", "")
    kind, _, options = declared.partition(";")
    reader = _READERS.get(kind.strip().lower())
    if "ce-specversion" in headers and not kind.strip().lower().startswith("application/cloud"):
        return [_binary(body, headers)]
    if reader is None:
        raise Unreadable(
            "content_type_unknown",
            f"Content-Type {declared[:80]!r} is not read here; use {', '.join(_READERS)}, "
            "or ce- headers.",
        )
    if not _is_utf8(options):
        raise Unreadable("charset_unsupported", "JSON is sent in UTF-8; leave the charset out.")
    return reader(body)


def _is_utf8(options: str) -> bool:
    found = re.search(r"charset\s*=\s*\"?([^\s\";]*)", options, re.IGNORECASE)
    return found is None or found[1].lower() in {"utf-8", "utf8", "us-ascii", "ascii"}


def _document(body: bytes) -> list[Piece]:
    """Cut one JSON document: an event, or an array of events."""
    body = body.strip(_SPACE)
    if not body.startswith(b"["):
        return [_sole(body)]
    if body.count(b",") <= _COMMAS_MAX:
        try:
            events = _elements(body)
        except (msgspec.MsgspecError, RecursionError):
            pass  # perhaps one event only: cut with care
        else:
            _check_count(len(events))
            return cast("list[Piece]", events)
    return _careful(body)


def _sole(body: bytes) -> bytes:
    """Return a body that is one event, unless it is no JSON from end to end."""
    try:
        _whole(body)
    except RecursionError:
        return body
    except msgspec.MsgspecError as e:
        # Lone surrogates and NaN are what JSON writers of this world produce: a bad event.
        _check_lenient(body, e)
    if not body.startswith(b"{"):
        raise Unreadable("json_invalid", "The body must be an event or an array of events.")
    return body


def _check_lenient(piece: bytes, error: Exception) -> None:
    try:
        json.loads(piece.decode("utf-8", "replace"), parse_int=str, parse_float=str)
    except RecursionError:
        return
    except ValueError:
        raise Unreadable(
            "json_invalid", f"The body is not JSON: {str(error)[:200]}. Nothing was stored."
        ) from error


def _careful(body: bytes) -> list[Piece]:
    """Cut an array by its brackets and strings alone, so that one bad event harms no other."""
    tokens = sum(map(body.count, (b"{", b"}", b"[", b"]"))) + body.count(b'"') // 2
    if tokens > _TOKENS_MAX:
        raise Unreadable(
            "json_invalid",
            f"The body is not JSON, or has more than {_TOKENS_MAX} brackets and texts; "
            "send it in parts. Nothing was stored.",
            limit=_TOKENS_MAX,
            asked=tokens,
        )
    events: list[Piece] = []
    depth, begin, end = 0, 1, 0
    for token in _TOKEN.finditer(body):
        end = token.end()
        mark = token[0]
        if mark in b"[{":
            depth += 1
            if depth > _DEPTH_MAX:
                break
        elif mark in b"]}":
            depth -= 1
        if (mark == b"," and depth == 1) or depth == 0:
            _add(events, body[begin : end - 1].strip(_SPACE))
            begin = end
        if depth == 0:
            break
    if depth != 0 or body[end:].strip(_SPACE) or body[end - 1 : end] != b"]":
        raise Unreadable(
            "json_invalid", "The body is not JSON: its brackets do not close. Nothing was stored."
        )
    return events


def _add(events: list[Piece], event: bytes) -> None:
    _check_count(len(events) + 1)
    try:
        _whole(event)
    except RecursionError:
        pass
    except msgspec.MsgspecError as e:
        _check_lenient(event, e)
    events.append(event)


def _lines(body: bytes) -> list[Piece]:
    """Cut NDJSON; blank lines are no events."""
    events: list[Piece] = []
    count = 0
    for line in map(bytes.strip, BytesIO(body)):
        count += bool(line)
        if line and count <= BATCH_EVENTS_MAX:
            events.append(line)
    _check_count(count)
    return events


def _check_count(count: int) -> None:
    if count > BATCH_EVENTS_MAX:
        raise TooLarge(
            "too_many_events",
            f"A request holds at most {BATCH_EVENTS_MAX} events; send it in parts.",
            limit=BATCH_EVENTS_MAX,
            asked=count,
        )


def _binary(body: bytes, headers: Mapping[str, str]) -> Piece:
    """Write an event in binary mode as the structured one it is (CloudEvents HTTP binding 3.1)."""
    event: dict[str, str | msgspec.Raw] = {}
    for header, value in headers.items():
        if not header.startswith("ce-"):
            continue
        name = header[3:]
        if not _HEADER_NAME.fullmatch(name) or name in {"data", "datacontenttype"}:
            return Refusal(None, "attribute_invalid", f"{header[:80]} is no name of an attribute.")
        try:
            event[name] = _header_text(value)
        except ValueError:
            return Refusal(None, "attribute_invalid", f"{header[:80]} must be UTF-8, in percents.")
    kind = headers.get("content-type")
    if kind is not None:
        event["datacontenttype"] = kind
    if body:
        name, data = _binary_data(body, kind)
        event[name] = data
    return msgspec.json.encode(event)


def _header_text(value: str) -> str:
    """Decode a header value; some senders put it in double quotes."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
    return unquote_to_bytes(value.encode("latin-1")).decode()


def _binary_data(body: bytes, kind: str | None) -> tuple[str, str | msgspec.Raw]:
    """Choose the member that carries the body: JSON as it is, text as a string, else base64."""
    try:
        text = body.decode()
        if is_json(kind):
            _whole(body)
            return "data", msgspec.Raw(body)
        if kind is not None and kind.lower().startswith("text/"):
            return "data", text
    except (ValueError, msgspec.MsgspecError, RecursionError):
        pass
    return "data_base64", base64.b64encode(body).decode()


_READERS: Final[Mapping[str, Callable[[bytes], list[Piece]]]] = {
    "application/cloudevents+json": _document,
    "application/cloudevents-batch+json": _document,
    "application/json": _document,
    "application/x-ndjson": _lines,
}
