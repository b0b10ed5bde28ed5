"""Rows of a file somebody hands us, whatever its format. Does not say what the columns mean."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

#: A row larger than this is refused alone, so that no file can fill the memory.
ROW_BYTES_MAX: Final = 1024 * 1024


class Row(NamedTuple):
    """A row by the names of its columns; `number` is its line, or its place where none are."""

    number: int
    fields: Mapping[str, Any]


class BadRow(NamedTuple):
    """A row that cannot be read, and why; its neighbours can."""

    number: int
    reason: str


class Table(NamedTuple):
    """A file being read: rows are made as they are taken, the file is never whole in memory.

    `columns` is None where each row brings its own. `is_text` says that every field is text as
    written, numbers too. Numbers otherwise arrive as int or Decimal, exact.
    """

    columns: tuple[str, ...] | None
    rows: Iterator[Row | BadRow]
    is_text: bool = False
