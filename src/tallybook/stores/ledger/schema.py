"""The tables of the ledger: those of every SQL database, and two of PostgreSQL alone. Changes to
them are files of `migrations`.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    false,
)

from tallybook.stores.migrate import Schema

#: The migration this code was written for; a test compares it with the newest file there is.
HISTORY: Final = Schema("ledger", head="v0002", table="ledger_version")

metadata: Final = MetaData()

#: One row a commit; the event at index i has the number first_seq + i.
batches: Final = Table(
    "batches",
    metadata,
    # SQLite orders a table by its key only where the type is spelt INTEGER.
    Column(
        "first_seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("events", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("checksum", LargeBinary, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # last, so that a scan need not read it
)

#: `epoch` says which ledger this is, so that the id index of another one is never believed.
traits: Final = Table(
    "traits",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

#: Traits of a ledger that is closed to servers (`stores.ledger.closed`): another one is being moved
#: into it, which holds how far that is; or it was moved away, which says where to.
MOVE: Final = "move"
MOVED: Final = "moved"

#: On PostgreSQL, in place of the embedded index: the entry of each id, and the digest of its wire.
ids: Final = Table(
    "ids",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

#: On PostgreSQL: one row, the number of the newest entry. Who stores holds its lock until the
#: commit, so that no entry is ever seen before all that come before it.
counter: Final = Table(
    "counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("head", BigInteger, nullable=False),
    # Whether the ledger has the trait `move`: read with the row, by whoever stores.
    Column("closed", Boolean, nullable=False, server_default=false()),
)
