"""Whose the database is that a ledger moves into, and how far the move has come.

While a move goes on, a trait of the ledger there says so, and no server opens it. The trait holds
what is done, written in the same transaction as what it tells of.
"""

from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, delete, insert, inspect, literal, select, update

from tallybook.model.errors import Conflict
from tallybook.stores.ledger.schema import MOVE, batches, counter, traits
from tallybook.stores.move.books import TABLES, Digest

#: What a database is to a ledger: `begun` is the goal of its move, `moved` the ledger in service,
#: `taken` somebody else's.
State = Literal["empty", "begun", "moved", "taken"]

_PROGRESS: Final = traits.c.name == MOVE


class Progress(msgspec.Struct):
    """What is in place: tables of Books that were copied, and the ledger compared up to `seq`,
    whose entries up to there have the hash `sha256`.
    """

    tables: dict[str, Digest] = {}
    seq: int = 0
    sha256: str = ""


def look(connection: Connection, epoch: str) -> State:
    """Tell what a database is to the ledger with this mark; writes nothing."""
    there = frozenset(inspect(connection).get_table_names())
    known: dict[str, str] = {}
    if traits.name in there:
        known = {row.name: row.value for row in connection.execute(select(traits))}
    if known.get("epoch") == epoch:
        return "begun" if MOVE in known else "moved"
    rows = (
        select(literal(1)).select_from(table).limit(1)
        for table in (*TABLES, batches)
        if table.name in there
    )
    return "taken" if MOVE in known or any(map(connection.scalar, rows)) else "empty"


def claim(connection: Connection, epoch: str) -> None:
    """Give an empty database the mark of this ledger, or go on with one that has it.

    The tables are there, and nobody else claims at the same time.

    Raises:
        Conflict: `target_not_empty`.
    """
    state = look(connection, epoch)
    if state == "empty":
        connection.execute(delete(traits))
        connection.execute(insert(traits), {"name": "epoch", "value": epoch})
        write(connection, Progress())
    elif state == "taken":
        raise not_empty("it holds other data than this folder's")


def not_empty(why: str) -> Conflict:
    """Return the refusal of a database that a folder cannot move into."""
    return Conflict(
        "target_not_empty",
        f"The database of --to is not empty: {why}. Give an empty one, or the one that a move of "
        "this folder was begun with.",
    )


def read(connection: Connection) -> Progress:
    """Return what is done."""
    value = connection.scalars(select(traits.c.value).where(_PROGRESS)).one()
    return msgspec.json.decode(value, type=Progress)


def write(connection: Connection, progress: Progress) -> None:
    """Note what is done; from then on, and until `finish`, no server opens the database, and one
    that is open writes nothing.
    """
    value = msgspec.json.encode(progress).decode()
    if not connection.execute(update(traits).where(_PROGRESS).values(value=value)).rowcount:
        connection.execute(insert(traits), {"name": MOVE, "value": value})
        connection.execute(update(counter).values(closed=True))


def finish(connection: Connection) -> None:
    """Let servers open the database."""
    connection.execute(delete(traits).where(_PROGRESS))
    connection.execute(update(counter).values(closed=False))


def counted(connection: Connection) -> int:
    """Return the number of the newest entry by the row that counts them."""
    head: int = connection.scalars(select(counter.c.head).where(counter.c.id == 1)).one()
    return head
