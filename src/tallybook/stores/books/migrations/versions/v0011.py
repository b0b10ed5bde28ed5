"""Webhooks, and which of its addresses a mail has reached."""

import sqlalchemy as sa
from alembic import op

revision = "v0011"
down_revision = "v0010"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table and add the column."""
    reached = sa.Column("reached", sa.Text, nullable=False, server_default="[]")
    op.add_column("delivery", reached)
    op.create_table(
        "webhook",
        sa.Column("id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("url", WORD, nullable=False),
        sa.Column("format", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("secrets", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook"),
    )
