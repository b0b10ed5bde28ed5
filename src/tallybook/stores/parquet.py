"""Parquet files, read and written by the engine's own reader and writer. Holds nothing."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import duckdb
import msgspec

from tallybook.model.errors import Invalid, Unreadable
from tallybook.model.quantity import exact_text
from tallybook.model.sheet import Kind, Sheet
from tallybook.model.table import Row, Table
from tallybook.model.time import format_instant, from_micros

_ROWS: Final = 2_000
_WHOLE: Final = {
    "tinyint", "smallint", "integer", "bigint", "hugeint",
    "utinyint", "usmallint", "uinteger", "ubigint", "uhugeint",
}  # fmt: skip
_FRACTION: Final = {"decimal", "float", "double"}
_NESTED: Final = {"list", "array", "map", "union"}
_DECIMAL: Final = "DECIMAL(38, 12)"
_KINDS: Final[dict[Kind, str]] = {
    "text": "VARCHAR",
    "flag": "BOOLEAN",
    "whole": "BIGINT",
    "quantity": _DECIMAL,
    "money": _DECIMAL,
    "percent": _DECIMAL,
    "date": "DATE",
    "instant": "TIMESTAMPTZ",
}
_encode: Final = msgspec.json.Encoder().encode


def read_parquet(path: Path) -> Table:
    """Read a file; numbers are exact, times with a zone are RFC 3339 in UTC, structs are opened.

    Fields of a struct are columns with dotted names. A row's number is its place, from 1.

    Raises:
        Unreadable: `file_not_parquet`, also while rows are taken.
    """
    connection = duckdb.connect()
    try:
        relation = connection.read_parquet(_literal(path))
        columns = [
            leaf
            for name, kind in zip(relation.columns, relation.types, strict=True)
            for leaf in _leaves(name, _quoted(name), kind)
        ]
        chosen = ", ".join(_wire(place, kind) for _, place, kind in columns)
        connection.execute(f"SELECT {chosen} FROM read_parquet(?)", [_literal(path)])
    except duckdb.Error as e:
        connection.close()
        raise _unreadable(e) from e
    names = tuple(name for name, _, _ in columns)
    return Table(names, _rows(connection, names, [_reader(kind) for _, _, kind in columns]))


def write_parquet(sheet: Sheet, path: Path) -> None:
    """Write a table with its header as the file's key-value metadata; instants are in UTC.

    Rows wait in a file of texts until the header is known; the engine reads it with one thread, so
    that the same rows give the same bytes.

    Raises:
        Invalid: `number_too_long`, where a number does not fit DECIMAL(38, 12).
    """
    with NamedTemporaryFile("wb", suffix=".ndjson") as texts:
        names = [column.name for column in sheet.columns]
        for row in sheet.rows:
            texts.write(_encode(dict(zip(names, map(_as_text, row), strict=True))) + b"\n")
        texts.flush()
        chosen = ", ".join(
            f"{_quoted(c.name)}::{_KINDS[c.kind]} AS {_quoted(c.name)}" for c in sheet.columns
        )
        wires = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
        about = ", ".join(f"{_quoted(name)}: {_text(value)}" for name, value in sheet.about())
        with duckdb.connect(config={"threads": 1}) as connection:
            try:
                connection.execute(
                    f"COPY (SELECT {chosen} FROM read_json({_text(_literal(Path(texts.name)))}, "
                    f"format = 'newline_delimited', columns = {{{wires}}})) "
                    f"TO {_text(str(path))} (FORMAT parquet, KV_METADATA {{{about}}})"
                )
            except duckdb.ConversionException as e:
                raise Invalid(
                    "number_too_long",
                    "A number has more than 26 digits before its point; ask for csv.",
                ) from e


def _as_text(cell: object) -> object:
    """Return a cell as JSON may say it without losing a digit."""
    return exact_text(cell) if isinstance(cell, Decimal) else cell


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _rows(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], readers: list[Any]
) -> Iterator[Row]:
    number = 0
    try:
        while rows := connection.fetchmany(_ROWS):
            for row in rows:
                number += 1
                yield Row(number, {
                    name: None if cell is None else read(cell)
                    for name, read, cell in zip(names, readers, row, strict=True)
                })  # fmt: skip
    except duckdb.Error as e:
        raise _unreadable(e) from e
    finally:
        connection.close()


def _unreadable(error: duckdb.Error) -> Unreadable:
    sentence = str(error).splitlines()[0]
    return Unreadable("file_not_parquet", f"The file cannot be read as Parquet: {sentence}.")


def _literal(path: Path) -> str:
    """Keep the engine from reading a file's name as a pattern for several files."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _leaves(name: str, place: str, kind: Any) -> Iterator[tuple[str, str, Any]]:
    if kind.id != "struct":
        yield name, place, kind
        return
    for child, child_kind in kind.children:
        yield from _leaves(f"{name}.{child}", f"{place}.{_quoted(child)}", child_kind)


def _wire(place: str, kind: Any) -> str:
    """Say how a column leaves the engine: as text, so that no number passes through a double."""
    if kind.id == "timestamp with time zone":
        return f"epoch_us({place})"
    if kind.id in _NESTED:
        return f"to_json({place})::VARCHAR"
    return place if kind.id == "boolean" else f"{place}::VARCHAR"


def _reader(kind: Any) -> Any:
    """Return what makes a value of what the engine handed over."""
    if kind.id in _WHOLE:
        return int
    if kind.id in _FRACTION:
        return _fraction
    if kind.id == "timestamp with time zone":
        return _instant
    return _nested if kind.id in _NESTED else _same


def _fraction(text: str) -> Decimal | str:
    number = Decimal(text)
    return number if number.is_finite() else text


def _instant(count: int) -> str:
    return format_instant(from_micros(count))


def _nested(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _same(value: Any) -> Any:
    return value
