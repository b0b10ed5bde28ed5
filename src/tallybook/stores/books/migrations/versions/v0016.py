"""Pages are sent: when each was decided, what became of it, and the files of mails. One may be sent
at several times, so that nothing but its id makes it one of its owner's.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0016"
down_revision = "v0015"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns and the tables; the last time that was missed is made up for."""
    with op.batch_alter_table("report_schedule") as table:
        table.drop_constraint("uq_report_schedule_owner_page_query_format", type_="unique")
        table.add_column(sa.Column("since", sa.BigInteger, nullable=False, server_default="0"))
        table.add_column(sa.Column("due_at", sa.BigInteger))
    op.execute("UPDATE report_schedule SET since = created_at")
    op.create_index("ix_report_schedule_owner", "report_schedule", ["owner"])
    op.create_table(
        "report_run",
        sa.Column("id", WORD, nullable=False),
        sa.Column("schedule", WORD, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.Column("known_at", WORD, nullable=False),
        sa.Column("sent", sa.Text, nullable=False),
        sa.Column("missed", sa.Text, nullable=False),
        sa.Column("error", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_report_run"),
        sa.ForeignKeyConstraint(
            ["schedule"], ["report_schedule.id"], name="fk_report_run_schedule_report_schedule"
        ),
    )
    op.create_index("ix_report_run_schedule_id", "report_run", ["schedule", "id"])
    op.create_table(
        "attachment",
        sa.Column("delivery_id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("media_type", WORD, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_attachment"),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_attachment_delivery_id_delivery"
        ),
    )
