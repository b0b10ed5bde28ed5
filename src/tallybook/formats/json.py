"""JSON: an array of objects, or objects one after another, in UTF-8."""

import codecs
import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final

import msgspec

from tallybook.formats._numbers import exact
from tallybook.model.errors import Unreadable
from tallybook.model.table import ROW_BYTES_MAX, BadRow, Row, Table

_CHUNK_BYTES: Final = 128 * 1024
_BETWEEN: Final = " \t\r\n,"
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def read(stream: BinaryIO) -> Table:
    """Read objects one by one; a row's number is its place, from 1.

    Raises:
        Unreadable: `file_not_json`, `file_not_utf8`, while rows are taken.
    """
    return Table(None, _rows(_Text(stream)))


def write(documents: Sequence[Any]) -> bytes:
    """Write one document, or an array of several, so that `read` gives equal ones."""
    packed = _ENCODER.encode(documents[0] if len(documents) == 1 else documents)
    return msgspec.json.format(packed, indent=2) + b"\n"


class _Text:
    """A window on the file's text, which grows at its end and is cut at its start."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.text = ""
        self.at = 0
        self.ended = False

    def more(self) -> None:
        """Take in another piece and forget what was passed."""
        chunk = self._stream.read(_CHUNK_BYTES)
        self.ended = not chunk
        try:
            piece = self._decoder.decode(chunk, final=self.ended)
        except UnicodeDecodeError as e:
            raise Unreadable("file_not_utf8", f"The file is not UTF-8 text: {e.reason}.") from e
        self.text, self.at = self.text[self.at :] + piece, 0

    def peek(self, passing: str) -> str:
        """Pass over some characters and return the next one; empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in passing:
                self.at += 1
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.more()


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")


_DECODER: Final = json.JSONDecoder(parse_float=exact, parse_constant=_no_constant)


def _rows(text: _Text) -> Iterator[Row | BadRow]:
    is_array = text.peek(_BETWEEN) == "["
    if is_array:
        text.at += 1
    number = 0
    while (found := text.peek(_BETWEEN)) and not (is_array and found == "]"):
        number += 1
        value = _value(text, number)
        if isinstance(value, dict):
            yield Row(number, value)
        else:
            yield BadRow(number, "not a JSON object")
    if is_array and not found:
        raise Unreadable("file_not_json", f"The array does not end after its item {number}.")


def _value(text: _Text, number: int) -> Any:
    """Read the value that starts here, taking in as much text as it needs."""
    while True:
        try:
            value, end = _DECODER.raw_decode(text.text, text.at)
        except (ValueError, RecursionError) as e:
            if text.ended or len(text.text) - text.at > ROW_BYTES_MAX:
                raise Unreadable(
                    "file_not_json", f"Item {number} of the file is not JSON: {e}."
                ) from e
            text.more()
            continue
        if end == len(text.text) and not text.ended:
            text.more()  # a number may go on in the next piece
            continue
        text.at = end
        return value
