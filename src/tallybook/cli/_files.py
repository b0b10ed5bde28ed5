"""Opens files to import: format by name, gzip and zstd by content; says how far reading is."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import zstandard

from tallybook import formats
from tallybook.cli._app import app
from tallybook.model import kinds
from tallybook.model.errors import Invalid, NotFound, Unreadable
from tallybook.model.table import Table

_BY_SUFFIX: Final = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".json": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".yaml": "yaml", ".yml": "yaml",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_PACKED: Final = {".gz", ".zst", ".zstd"}
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_CHUNK_BYTES: Final = 256 * 1024


class Opened:
    """A file being read: its table, and how many of its bytes were taken."""

    def __init__(self, path: Path, table: Table, raw: BinaryIO | None) -> None:
        """Keep what is read."""
        self.path = path
        self.table = table
        self.bytes = path.stat().st_size
        self._raw = raw
        self._digest: str | None = None

    def taken(self) -> int | None:
        """Return how many bytes were read so far; None where nobody knows."""
        return None if self._raw is None else self._raw.tell()

    def digest(self) -> str:
        """Return the SHA-256 of the file as it lies on the disk, in hexadecimal."""
        if self._digest is None:
            with self.path.open("rb") as file:
                self._digest = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digest


@contextmanager
def opened(path: Path, kind: str | None = None, delimiter: str | None = None) -> Iterator[Opened]:
    """Open a file as a table; its format is guessed by its name when none is given.

    Raises:
        NotFound: `file_missing`.
        Invalid: `format_unknown`, `unknown_kind`, and what the format refuses.
        Unreadable: `file_unreadable`, `file_damaged`, and what the format refuses.
    """
    kind = {"ndjson": "jsonl", "tsv": "csv"}.get(kind or "", kind) or _guess(path)
    if not path.is_file():
        raise NotFound("file_missing", f"There is no file {path}; check the path.")
    if kind == "parquet":
        yield Opened(path, app.parquet_table(path), None)
        return
    options: dict[str, Any] = {}
    if kind == "csv":
        options["delimiter"] = delimiter or ("\t" if ".tsv" in path.suffixes else ",")
    try:
        with path.open("rb") as raw:
            table = kinds.load(formats, kind).read(_unpacked(raw), **options)
            yield Opened(path, table, raw)
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError, EOFError) as e:
        raise Unreadable(
            "file_damaged", f"{path.name} is damaged or cut off where it is compressed: {e}."
        ) from e
    except PermissionError as e:
        raise Unreadable("file_unreadable", f"{path} may not be read: {e.strerror}.") from e


def _guess(path: Path) -> str:
    for suffix in reversed(path.suffixes):
        if suffix.lower() not in _PACKED and suffix.lower() in _BY_SUFFIX:
            return _BY_SUFFIX[suffix.lower()]
    raise Invalid(
        "format_unknown",
        f"The name {path.name} does not tell its format; add --format csv, json, ndjson, yaml "
        "or parquet.",
        field="format",
    )


def _unpacked(raw: BinaryIO) -> BinaryIO:
    head = raw.read(len(_ZSTD))
    raw.seek(0)
    if head.startswith(_GZIP):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _CHUNK_BYTES)
    return io.BufferedReader(_Zstd(raw), _CHUNK_BYTES) if head == _ZSTD else raw


class _Zstd(io.RawIOBase):
    """All frames of a zstd file; a frame that is cut off is an error, not an end."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._in_frame = False
        self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._plain:
            packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._in_frame = False
            packed = packed or self._raw.read(_CHUNK_BYTES)
            if not packed:
                if self._in_frame:
                    raise EOFError("the last frame does not end")
                return 0
            self._in_frame = True
            self._plain = self._frame.decompress(packed)
        size = min(len(into), len(self._plain))
        into[:size], self._plain = self._plain[:size], self._plain[size:]
        return size
