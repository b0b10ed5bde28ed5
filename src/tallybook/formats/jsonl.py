"""NDJSON, also called JSON Lines: an object a line, in UTF-8."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from tallybook.formats._numbers import exact
from tallybook.model.table import ROW_BYTES_MAX, BadRow, Row, Table

_decoder = msgspec.json.Decoder(float_hook=exact)


def read(stream: BinaryIO) -> Table:
    """Read a file of objects; a row's number is its line, and blank lines are no rows."""
    return Table(None, _rows(stream))


def _rows(stream: BinaryIO) -> Iterator[Row | BadRow]:
    number = 0
    while line := stream.readline(ROW_BYTES_MAX + 1):
        number += 1
        if len(line) > ROW_BYTES_MAX:
            while line and not line.endswith(b"\n"):
                line = stream.readline(ROW_BYTES_MAX)
            yield BadRow(number, f"the line has more than {ROW_BYTES_MAX} bytes")
        elif line.strip():
            yield _row(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


def _row(number: int, line: bytes) -> Row | BadRow:
    try:
        value: Any = _decoder.decode(line)
    except (ValueError, msgspec.MsgspecError, RecursionError) as e:
        return BadRow(number, f"not JSON: {e}")
    if not isinstance(value, dict):
        return BadRow(number, "not a JSON object")
    return Row(number, value)
