"""What people have sent to them: a page as a file, at times."""

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "report_schedule",
        sa.Column("id", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("page", WORD, nullable=False),
        sa.Column("query", WORD, nullable=False),
        sa.Column("format", WORD, nullable=False),
        sa.Column("cron", WORD, nullable=False),
        sa.Column("timezone", WORD, nullable=False),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_schedule"),
        sa.UniqueConstraint(
            "owner", "page", "query", "format", name="uq_report_schedule_owner_page_query_format"
        ),
    )
