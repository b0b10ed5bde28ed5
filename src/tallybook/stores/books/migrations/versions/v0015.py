"""How many events were accepted and refused in each hour."""

import sqlalchemy as sa
from alembic import op

revision = "v0015"
down_revision = "v0014"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "intake",
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.Column("sender", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("code", WORD, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hour", "sender", "status", "code", name="pk_intake"),
    )
