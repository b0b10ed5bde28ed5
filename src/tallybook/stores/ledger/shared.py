"""A ledger on PostgreSQL, for many processes: a unique key decides, and one row gives numbers.

The row is locked before anything is decided and until the commit. So writers take turns, nobody
waits for somebody who waits, and an entry that can be seen has none before it that cannot.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    any_,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from tallybook.model.errors import Unavailable
from tallybook.stores import postgresql
from tallybook.stores.ledger.closed import unfinished
from tallybook.stores.ledger.reader import Reader
from tallybook.stores.ledger.run import Stand
from tallybook.stores.ledger.schema import HISTORY, counter, ids

#: Processes that start together migrate one after the other.
_MAKING: Final = "SELECT pg_advisory_xact_lock(7811881672420750194)"
#: A writer only looks ids up by their key; no plan made for a small table may stay.
_BY_KEY: Final = "SET enable_seqscan = off"
_COUNTER: Final = select(counter.c.head, counter.c.closed).where(counter.c.id == 1)
#: Shared by all who serve the database, alone for who moves into it. Held by the connection, and so
#: given back when its process dies.
_SERVED: Final = 7237123447936479844
_READ_ONLY: Final = text(
    "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
)
_ID_BYTES: Final = 16
DIGEST_BYTES: Final = 8


class Shared:
    """See `stores.ledger.home.Home`. What is committed counts, by whichever process."""

    #: The connection whose turn it is, once `begin` was called.
    _turn: Connection
    advice = postgresql.ADVICE

    def __init__(self, url: URL, *, moving: bool = False) -> None:
        """Use the database at an address of `stores.postgresql`; a move may, where it is closed."""
        self._moving = moving
        self._presence: Connection | None = None
        self._entrance = postgresql.writer(url)  # a standby has locks of its own
        self.writer = postgresql.writer(url)
        self.readers = postgresql.readers(url)

    def enter(self) -> None:
        """Take the lock that keeps moves out; a move itself keeps servers and other moves out.

        Should its connection be lost, nobody is kept out, and `begin` still refuses.
        """
        take = func.pg_try_advisory_lock if self._moving else func.pg_try_advisory_lock_shared
        self._presence = self._entrance.connect()
        if not self._presence.scalar(select(take(_SERVED))):
            raise in_use() if self._moving else unfinished()
        self._presence.commit()

    def leave(self) -> None:
        """Give the lock back."""
        if self._presence is not None:
            with suppress(DBAPIError):
                self._presence.close()
        self._entrance.dispose()

    def prepare(self, connection: Connection) -> None:
        """Make or migrate the tables; make the counter's row where it is missing."""
        connection.exec_driver_sql(_MAKING)
        HISTORY.upgrade(connection)
        if connection.execute(_COUNTER).first() is None:
            connection.execute(insert(counter), {"id": 1, "head": 0})
        connection.exec_driver_sql(_BY_KEY)

    def start(self, epoch: bytes, reader: Reader) -> None:
        """Nothing is to be learnt: the database knows the ids."""

    def resume(self, reader: Reader) -> None:
        """Nothing is to be learnt, as above."""

    def check(self, connection: Connection) -> None:
        """Refuse a server that lets nobody write: a standby, or one that was set so."""
        if connection.scalar(_READ_ONLY):
            raise Unavailable(
                "ledger_unwritable", f"The ledger's server takes no writes; {self.advice}."
            )

    def head(self, reader: Reader) -> int:
        """Ask for the newest entry that is committed."""
        return reader.head()

    def begin(self, connection: Connection) -> int:
        """Wait for the counter's row and hold it."""
        self._turn = connection
        row = connection.execute(_COUNTER.with_for_update()).one()
        if row.closed and not self._moving:
            raise unfinished()
        return int(row.head)

    def find(self, keys: Sequence[bytes]) -> dict[int, Stand]:
        """Look ids up in the table."""
        return _found(self._turn, keys)

    def known(self, keys: Sequence[bytes], reader: Reader) -> dict[int, Stand]:
        """Look ids up in the table as everybody sees it."""
        with reader.connect() as connection:
            return _found(connection, keys)

    def store(self, first: int, keys: Sequence[bytes], digests: Sequence[int]) -> None:
        """Insert ids in their own order, in which their index is written best."""
        place = _places(len(keys))
        key = _cut(keys, _ID_BYTES, place).label("id")
        digest = _cut([d.to_bytes(DIGEST_BYTES, "big") for d in digests], DIGEST_BYTES, place)
        rows = select(key, literal(first, BigInteger) + place, digest).order_by(key)
        self._turn.execute(insert(ids).from_select(["id", "seq", "digest"], rows))
        head = first + len(keys) - 1
        self._turn.execute(update(counter).where(counter.c.id == 1).values(head=head))

    def stored(self, keys: Sequence[bytes], digests: Sequence[int]) -> None:
        """Nothing is to be noted: the commit was all."""

    def close(self) -> None:
        """Nothing is at work in the background."""


def in_use() -> Unavailable:
    """Return the refusal of a move into a database that is served, or the goal of another."""
    return Unavailable(
        "target_in_use",
        "A server runs on the database, or another move goes into it; stop it, or let it end.",
    )


def _found(connection: Connection, keys: Sequence[bytes]) -> dict[int, Stand]:
    place = _places(len(keys))
    wanted = func.array(select(_cut(keys, _ID_BYTES, place)).scalar_subquery())
    question = select(ids.c.id, ids.c.seq, ids.c.digest).where(ids.c.id == any_(wanted))
    found = {id_: Stand(seq, _number(d)) for id_, seq, d in connection.execute(question)}
    return {i: found[key] for i, key in enumerate(keys) if key in found} if found else {}


def _places(count: int) -> ColumnElement[int]:
    """Return the numbers from 0 on, as rows."""
    return func.generate_series(0, count - 1, type_=Integer).column_valued("place")


def _cut(values: Sequence[bytes], size: int, place: ColumnElement[int]) -> ColumnElement[bytes]:
    """Return the value at a place. They are sent end to end: an array takes longer to write."""
    joined = literal(b"".join(values), LargeBinary)
    return func.substring(joined, place * size + 1, size, type_=LargeBinary)


def _number(digest: bytes) -> int:
    return int.from_bytes(digest, "big")
