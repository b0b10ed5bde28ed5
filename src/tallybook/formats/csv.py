"""CSV and its cousins with another delimiter: a header line, then a line a row, in UTF-8. What we
write may begin with lines `# name: value` about the table.
"""

import codecs
import csv
import shutil
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tallybook.formats._cells import as_text
from tallybook.model.errors import Invalid, Unreadable
from tallybook.model.sheet import Sheet
from tallybook.model.table import ROW_BYTES_MAX, BadRow, Row, Table

#: What parts cells or lines for some reader, or begins a comment.
_SPECIAL: Final = frozenset('",;#\t\r\n')


def read(stream: BinaryIO, *, delimiter: str = ",") -> Table:
    """Read a table; every field is text as written, and a row's number is its first line.

    Raises:
        Invalid: `file_empty`, `columns_repeated`, `delimiter_invalid`.
        Unreadable: `file_not_utf8`, `line_too_long`, also while rows are taken.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise Invalid("delimiter_invalid", "The delimiter must be one character, such as ';'.")
    reader = csv.reader(_Lines(stream), delimiter=delimiter, strict=True)
    header = next((item for item in _records(reader) if isinstance(item, Row)), None)
    if header is None:
        raise Invalid("file_empty", "The file has no header line that names its columns.")
    columns: tuple[str, ...] = header.fields["cells"]
    if len(set(columns)) < len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        raise Invalid("columns_repeated", f"Two columns have the same name: {', '.join(twice)}.")
    return Table(columns, _rows(reader, columns), is_text=True)


class _Reader(Protocol):
    """What `csv.reader` makes; `line_num` is the last line it has read."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


class _Lines:
    """The lines of a file as text; says where it is not UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._stream.readline(ROW_BYTES_MAX)
        if not line:
            raise StopIteration
        self._number += 1
        if len(line) == ROW_BYTES_MAX:
            raise Unreadable(
                "line_too_long",
                f"Line {self._number} has more than {ROW_BYTES_MAX} bytes; is it a CSV file?",
                limit=ROW_BYTES_MAX,
            )
        try:
            return line.decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError as e:
            raise Unreadable(
                "file_not_utf8",
                f"Line {self._number} is not UTF-8 text: {e.reason}. {_hint(line)}",
            ) from e


def _hint(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "It looks like UTF-16; convert it with `iconv -f UTF-16 -t UTF-8`."
    return "Convert it, for example with `iconv -f LATIN1 -t UTF-8`."


def _records(reader: _Reader) -> Iterator[Row | BadRow]:
    """Yield each record's cells under one name, with its first line; blank lines are no records."""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as e:
            yield BadRow(number, f"not readable as CSV: {e}")
            continue
        if cells:
            yield Row(number, {"cells": tuple(cells)})


def _rows(reader: _Reader, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    for record in _records(reader):
        if isinstance(record, BadRow):
            yield record
            continue
        cells = record.fields["cells"]
        if len(cells) != len(columns):
            yield BadRow(record.number, f"{len(cells)} fields where the header has {len(columns)}")
        else:
            yield Row(record.number, dict(zip(columns, cells, strict=True)))


def write_sheet(sheet: Sheet, path: Path, *, header: bool = True) -> None:
    """Write a table: lines `# name: value`, unless `header` is False, the names, a line a row.

    Cells are as `_cells.as_text` says; what could be taken for a comment is in quotes. In the lines
    about the table what could end a cell or a line is percent-encoded.
    """
    zone = ZoneInfo(sheet.zone)
    kinds = [column.kind for column in sheet.columns]
    with TemporaryFile() as body, path.open("wb") as file:
        body.write(_line(column.name for column in sheet.columns))
        for row in sheet.rows:
            body.write(_line(map(as_text, row, kinds, repeat(zone))))
        for name, value in sheet.about() if header else ():
            said = "".join(quote(c) if c in _SPECIAL or not c.isprintable() else c for c in value)
            file.write(f"# {name}: {said}\r\n".encode())
        body.seek(0)
        shutil.copyfileobj(body, file)


def _line(cells: Iterable[str]) -> bytes:
    return (",".join(map(_quoted, cells)) + "\r\n").encode("utf-8", "replace")


def _quoted(text: str) -> str:
    is_plain = _SPECIAL.isdisjoint(text) and text == text.strip()
    return text if is_plain else '"' + text.replace('"', '""') + '"'
