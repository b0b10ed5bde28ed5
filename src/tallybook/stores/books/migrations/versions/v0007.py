"""Deliveries, and cases with their messages."""

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _deliveries()
    _cases()


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("account", WORD, nullable=False),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("body", WORD, nullable=False),
        sa.Column("link", WORD, nullable=False),
        sa.Column("numbers", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
        sa.Column("error", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    _index("delivery", "account", "id")
    _index("delivery", "status", "due_at")


def _cases() -> None:
    op.create_table(
        "app_case",
        sa.Column("id", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("account", WORD, nullable=False),
        sa.Column("contract", WORD, nullable=False),
        sa.Column("line", WORD, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_app_case"),
    )
    _index("app_case", "account", "status", "id")
    _index("app_case", "status", "id")
    op.create_table(
        "case_message",
        sa.Column("case_id", WORD, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("author", WORD, nullable=False),
        sa.Column("side", WORD, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.Column("delivery_id", WORD),
        sa.Column("idempotency_key", WORD),
        sa.PrimaryKeyConstraint("case_id", "number", name="pk_case_message"),
        sa.ForeignKeyConstraint(["case_id"], ["app_case.id"], name="fk_case_message_case_id"),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_case_message_delivery_id"
        ),
        sa.UniqueConstraint(
            "author", "idempotency_key", name="uq_case_message_author_idempotency_key"
        ),
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
