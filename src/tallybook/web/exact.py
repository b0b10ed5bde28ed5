"""JSON in and out without floats: numbers are read by their text, decimals written as strings."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.errors import TooLarge, Unreadable
from tallybook.model.plain import plain
from tallybook.model.quantity import check_exponent
from tallybook.operations._page import Page

#: No version of a document and no place in a list has more digits, and no length of a body has.
_NUMBER_DIGITS_MAX: Final = 9
_LENGTH_DIGITS_MAX: Final = 15

T = TypeVar("T")

_decoder = msgspec.json.Decoder(float_hook=Decimal)


def decode(body: bytes) -> Any:
    """Read a JSON document; numbers with a point or an exponent become Decimal.

    Raises:
        Unreadable: `body_invalid`.
        Invalid: `number_out_of_range`.
    """
    try:
        document = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Unreadable("body_invalid", f"The body is not JSON: {e}.") from e
    _check(document, 0)
    return document


def _check(value: Any, depth: int) -> None:
    """Refuse what would be costly or impossible to carry further."""
    if depth > limits.JSON_DEPTH_MAX:
        raise Unreadable(
            "body_too_deep",
            "The body is nested too deeply; write it flatter.",
            limit=limits.JSON_DEPTH_MAX,
        )
    if isinstance(value, Decimal):
        check_exponent(value)
    elif isinstance(value, dict):
        for item in value.values():
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def verbatim(wire: bytes) -> msgspec.Raw:
    """Put JSON into an answer byte for byte."""
    return msgspec.Raw(wire)


def encode(value: Any) -> bytes:
    """Write JSON with decimals as strings and instants in UTC."""
    return msgspec.json.encode(plain(value))


def answer(value: Any, status: int = 200) -> Response:
    """Answer with JSON. Routes return this: the framework's own encoder makes decimals floats."""
    return Response(encode(value), status, media_type="application/json")


def whole(text: str, digits_max: int = _NUMBER_DIGITS_MAX) -> int | None:
    """Read a whole number that a header or a cursor holds; None where it is none, or is absurd."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= digits_max
    return int(text) if is_number else None


def answer_page(page: Page[T], shape: Callable[[T], Any]) -> Response:
    """Answer with a page of a list, each item in its shape."""
    items = [shape(item) for item in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor, "totals": page.totals})


async def read_body(request: Request, limit: int = limits.BODY_BYTES_MAX) -> bytes:
    """Read a request's body. One over the limit is not kept, but read on for a while: most clients
    send all of it before they look for an answer, and a closed connection would tell them nothing.

    Raises:
        TooLarge: `body_too_large`.
        Unreadable: `body_cut`.
    """
    declared = request.headers.get("content-length", "")
    asked = whole(declared, _LENGTH_DIGITS_MAX) or 0
    last = limit if "expect" in request.headers else limits.BODY_BYTES_READ_MAX
    chunks: list[bytes] = []
    size = 0
    if asked <= last:
        async for chunk in _stream(request):
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            elif size > last:
                break
    asked = max(asked, size)
    if asked > limit:
        raise TooLarge(
            "body_too_large",
            f"The body has more than {limit} bytes; send it in several requests.",
            limit=limit,
            asked=asked,
        )
    return b"".join(chunks)


async def _stream(request: Request) -> AsyncIterator[bytes]:
    """Read on; a client that hangs up half-way is nobody's fault, and gets no answer anyway."""
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as e:
        raise Unreadable("body_cut", "The body ended before its time; send it again.") from e


async def document(request: Request) -> Any:
    """Read a request's JSON body exactly; a dependency of every route that takes a document.

    The framework's own decoder reads numbers as floats, so no route declares a body to it.

    Raises:
        TooLarge: `body_too_large`.
        Unreadable: `body_invalid`.
    """
    return decode(await read_body(request))
