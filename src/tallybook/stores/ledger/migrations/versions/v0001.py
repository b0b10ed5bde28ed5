"""The first schema: the batches and what says which ledger it is; on PostgreSQL, where the ids are
kept in the database, their table and the count of the entries.

Ledgers made before there were migrations have these tables, so what is there is left as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
#: SQLite orders a table by its key only where the type is spelt INTEGER.
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "batches",
        sa.Column("first_seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("checksum", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("first_seq"),
        if_not_exists=True,
    )
    op.create_table(
        "traits",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        if_not_exists=True,
    )
    if op.get_context().dialect.name == "postgresql":
        _ids()


def _ids() -> None:
    op.create_table(
        "ids",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
    op.create_table(
        "counter",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        if_not_exists=True,
    )
