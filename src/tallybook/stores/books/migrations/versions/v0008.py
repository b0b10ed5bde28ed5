"""Sums of lines by branch and by manager, with their days; indexes for every sort, which also hold
what lists are narrowed by. The snapshot is derived: the next refresh, which finds none, makes it
anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEY = ("cut", "value", "service", "unit", "currency", "status")
FLAGS = ("likely_over", "low_use")


def upgrade() -> None:
    """Empty the snapshot, and make the table of its sums anew."""
    for table in ("line_state", "line_body", "line"):
        op.execute(f"DELETE FROM {table}")
    op.drop_table("line_total")
    op.create_table(
        "line_total",
        *(sa.Column(name, WORD, nullable=False) for name in KEY),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in FLAGS),
        sa.Column("alike", WORD, nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("sums", sa.Text, nullable=False),
        sa.Column("days", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(*KEY, *FLAGS, "alike", name="pk_line_total"),
    )
