"""What a ledger needs of its database: connections, a turn to store, and what it knows of ids.

`embedded` is a folder with one owner, `shared` a PostgreSQL that many processes use.
"""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, Engine

from tallybook.stores.ledger.reader import Reader
from tallybook.stores.ledger.run import Stand


class Home(Protocol):
    """Where a ledger lives. Used by one thread at a time, but for `head` and `known`."""

    writer: Engine
    readers: Engine
    #: What to do when the database cannot be used; the end of a sentence.
    advice: str

    def enter(self) -> None:
        """Keep moves out until `leave`; called once, before anything is read.

        Raises:
            Unavailable: `move_unfinished`, where a move is at work.
        """

    def leave(self) -> None:
        """Let moves in."""

    def prepare(self, connection: Connection) -> None:
        """Make or migrate the tables, in the transaction that is open."""

    def start(self, epoch: bytes, reader: Reader) -> None:
        """Get to know the ids of the ledger with this mark; called once, before all below."""

    def resume(self, reader: Reader) -> None:
        """Get to know what a commit whose outcome was unknown has left, on a new connection."""

    def check(self, connection: Connection) -> None:
        """Raise what a commit would, where that can be told without one."""

    def head(self, reader: Reader) -> int:
        """Return the number of the newest entry that counts, 0 when there is none."""

    def begin(self, connection: Connection) -> int:
        """Take the turn to store until the transaction ends; return the newest entry's number.

        Raises:
            Unavailable: `move_unfinished`, where a move has closed the ledger since it was opened.
        """

    def find(self, keys: Sequence[bytes]) -> dict[int, Stand]:
        """Return the entry of each id that is known, by its place in `keys`; in one's turn."""

    def known(self, keys: Sequence[bytes], reader: Reader) -> dict[int, Stand]:
        """Return the entry of each id that counts, by its place in `keys`; without a turn."""

    def store(self, first: int, keys: Sequence[bytes], digests: Sequence[int]) -> None:
        """Store the ids of new entries from number `first` on, in one's turn."""

    def stored(self, keys: Sequence[bytes], digests: Sequence[int]) -> None:
        """Note that the commit of these ids is durable."""

    def close(self) -> None:
        """Finish what is at work in the background."""
