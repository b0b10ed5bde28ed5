"""Which ledgers are closed to servers: the goal of a move that has not ended, and one that was
moved away. Without it two would take events, and neither would know the other's.
"""

from sqlalchemy import Connection, select

from tallybook.model.errors import Unavailable
from tallybook.stores.ledger.schema import MOVE, MOVED, traits


def refuse_closed(connection: Connection) -> None:
    """Refuse to serve a ledger that is closed, or the Books beside it.

    Raises:
        Unavailable: `move_unfinished`; `folder_moved`, with `to`.
    """
    marks = select(traits.c.name, traits.c.value).where(traits.c.name.in_([MOVE, MOVED]))
    found = {row.name: row.value for row in connection.execute(marks)}
    if MOVED in found:
        raise folder_moved(found[MOVED])
    if MOVE in found:
        raise unfinished()


def unfinished() -> Unavailable:
    """Return the refusal of a database that a move has closed."""
    return Unavailable(
        "move_unfinished",
        "The database of TALLYBOOK_DATABASE_URL is the goal of a move that has not ended, or that "
        "was undone; run `move` again, or serve the folder.",
    )


def folder_moved(to: str) -> Unavailable:
    """Return the refusal of a folder whose Books and ledger were moved away."""
    return Unavailable(
        "folder_moved",
        f"Books and the ledger of this folder were moved to {to}; set TALLYBOOK_DATABASE_URL to "
        "it, or go back with `move --undo`.",
        to=to,
    )
