"""Compressed bodies, expanded no further than the limit: a bomb costs what an honest body costs."""

import io
import zlib
from typing import Final

import zstandard

from tallybook.model.errors import TooLarge, Unreadable
from tallybook.model.limits import BODY_BYTES_MAX

_GZIP: Final = 16 + zlib.MAX_WBITS
#: A frame may ask for a window no larger than a body may be.
_WINDOW_BYTES_MAX: Final = BODY_BYTES_MAX
_PLAIN: Final = frozenset({"", "identity"})


def expand(body: bytes, encoding: str) -> bytes:
    """Undo the `Content-Encoding` of a body; members and frames may follow each other.

    Raises:
        Unreadable: `encoding_unsupported`, or `encoding_invalid` where it is cut or damaged.
        TooLarge: `body_too_large`, counted in expanded bytes.
    """
    name = encoding.strip().lower()
    if len(body) > BODY_BYTES_MAX:
        raise too_large(len(body))
    if name in _PLAIN:
        return body
    try:
        if name in {"gzip", "x-gzip"}:
            return _gzip(body)
        if name == "zstd":
            return _zstd(body)
    except (zlib.error, zstandard.ZstdError, EOFError) as e:
        raise Unreadable(
            "encoding_invalid", f"The body is not complete {name}: {e}. Send it again."
        ) from e
    raise Unreadable(
        "encoding_unsupported",
        f"Content-Encoding {name[:40]!r} is not read here; use gzip, zstd or none.",
    )


def too_large(asked: int) -> TooLarge:
    """Refuse a body over the limit; `asked` is at least how long it is."""
    return TooLarge(
        "body_too_large",
        f"A body holds at most {BODY_BYTES_MAX} bytes, expanded; send it in parts.",
        limit=BODY_BYTES_MAX,
        asked=asked,
    )


def _gzip(body: bytes) -> bytes:
    parts: list[bytes] = []
    room = BODY_BYTES_MAX
    while True:
        member = zlib.decompressobj(_GZIP)
        parts.append(member.decompress(body, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise too_large(BODY_BYTES_MAX + 1)
        if not member.eof:
            raise EOFError("it ends in the middle")
        body = member.unused_data.lstrip(b"\0")  # padding may follow a member
        if not body:
            return b"".join(parts)


def _zstd(body: bytes) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES_MAX).stream_reader(
        io.BytesIO(body), read_across_frames=True
    )
    size = 0
    while chunk := reader.read(1 << 16):
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise too_large(size)
    # The stream does not tell a cut frame from a whole one; this does, now that the size is known.
    parts: list[bytes] = []
    while body:
        frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES_MAX).decompressobj()
        parts.append(frame.decompress(body))
        if not frame.eof:
            raise EOFError("it ends in the middle")
        body = frame.unused_data
    return b"".join(parts)
