"""The first schema: versions of definitions, people and the audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _definitions()
    _people()
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", WORD, nullable=False),
        sa.Column("what", WORD, nullable=False),
        sa.Column("entity", WORD, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )


def _definitions() -> None:
    op.create_table(
        "revision",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_revision"),
    )
    op.create_table(
        "version",
        sa.Column("noun", WORD, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("author", WORD, nullable=False),
        sa.Column("reason", WORD),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("account", WORD),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("noun", "key", "number", name="pk_version"),
        sa.ForeignKeyConstraint(["revision"], ["revision.number"], name="fk_version_revision"),
    )
    op.create_index(
        "ix_version_noun_revision_key_number", "version", ["noun", "revision", "key", "number"]
    )


def _people() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", WORD, nullable=False),
        sa.Column("email", WORD, nullable=False),
        sa.Column("name", WORD),
        sa.Column("role", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("password_hash", WORD),
        sa.Column("account", WORD),
        sa.Column("branches", sa.Text, nullable=False),
        sa.Column("csms", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_app_user"),
        sa.UniqueConstraint("email", name="uq_app_user_email"),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("user_id", WORD, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("token_hash", name="pk_session"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name="fk_session_user_id"),
    )
    op.create_index("ix_session_user_id", "session", ["user_id"])
    op.create_table(
        "api_key",
        sa.Column("id", WORD, nullable=False),
        sa.Column("prefix", WORD, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("account", WORD),
        sa.Column("scopes", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("prefix", name="uq_api_key_prefix"),
    )
