"""The tables of Books from one database into another as they are stored, and their hashes.

Values pass unread: an instant as its number, a document as its text.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    TypeDecorator,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.types import TypeEngine

from tallybook.stores.books.schema import metadata

_PAGE_ROWS: Final = 1_000
#: All that move, each after those it refers to.
TABLES: Final = tuple(table for table in metadata.sorted_tables if not table.info.get("stays"))

_encode = msgspec.json.Encoder().encode


class Digest(msgspec.Struct, frozen=True):
    """How many rows a table has, and the SHA-256 of all of them in the order of their key."""

    rows: int
    sha256: str


def count(connection: Connection, table: Table) -> int:
    """Count the rows of a table."""
    return connection.scalars(select(func.count()).select_from(table)).one()


def digest(connection: Connection, table: Table) -> Digest:
    """Hash a table: each row as a line of JSON, in the order of its key."""
    seal = hashlib.sha256()
    rows = 0
    for page in _pages(connection, table):
        for row in page:
            seal.update(_encode(row) + b"\n")
        rows += len(page)
    return Digest(rows, seal.hexdigest())


def copy(source: Connection, target: Connection, table: Table) -> Iterator[int]:
    """Copy the rows of a table, saying how many after each step; it is empty at the target."""
    statement = insert(_stored(table))
    names = table.columns.keys()
    done = 0
    for page in _pages(source, table):
        target.execute(statement, [dict(zip(names, row, strict=True)) for row in page])
        done += len(page)
        yield done
    number = table.autoincrement_column
    if done and number is not None:
        newest = select(func.max(number)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, number.name)
        target.execute(select(func.setval(sequence, newest)))


def empty(connection: Connection, tables: Sequence[Table]) -> None:
    """Delete the rows of tables that are in the order of `TABLES`."""
    for table in reversed(tables):
        connection.execute(delete(table))


def with_those_that_refer(tables: Sequence[Table]) -> list[Table]:
    """Return tables and all that refer to one of them, in the order of `TABLES`."""
    found: list[Table] = []
    for table in TABLES:
        named = {key.column.table for key in table.foreign_keys}
        if table in tables or named.intersection(found):
            found.append(table)
    return found


def _pages(connection: Connection, table: Table) -> Iterator[list[list[Any]]]:
    stored = _stored(table)
    question = select(stored).order_by(*stored.primary_key.columns)
    with connection.execute(question.execution_options(yield_per=_PAGE_ROWS)) as rows:
        for page in rows.partitions():
            yield [[_kept(value) for value in row] for row in page]


def _kept(value: Any) -> Any:
    """Return a value as every database keeps it: PostgreSQL takes no NUL (`schema.Word`)."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def _stored(table: Table) -> Table:
    """Return a table with the columns as the database has them, below what our types make of it."""
    columns = (
        Column(c.name, _kind(c.type), primary_key=c.primary_key, autoincrement=False)
        for c in table.columns
    )
    return Table(table.name, MetaData(), *columns)


def _kind(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind
