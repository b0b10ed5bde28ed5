"""Closed statements."""

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "statement",
        sa.Column("contract", WORD, nullable=False),
        sa.Column("start_date", sa.Date, nullable=False),
        sa.Column("end_date", sa.Date, nullable=False),
        sa.Column("account", WORD, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("sha256", WORD, nullable=False),
        sa.Column("known_at", WORD, nullable=False),
        sa.Column("closed_by", WORD, nullable=False),
        sa.Column("reason", WORD),
        sa.PrimaryKeyConstraint("contract", "start_date", name="pk_statement"),
        sa.ForeignKeyConstraint(["revision"], ["revision.number"], name="fk_statement_revision"),
    )
