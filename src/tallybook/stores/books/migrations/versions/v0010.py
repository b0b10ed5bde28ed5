"""Alerts: who wants to hear of which check, what was found, and what deliveries need to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "v0010"
down_revision = "v0009"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables, and give deliveries what those of alerts have."""
    _deliveries()
    _subscriptions()
    _findings()


def _deliveries() -> None:
    for name in ("cc", "bcc"):
        op.add_column("delivery", sa.Column(name, sa.Text, nullable=False, server_default="[]"))
    channel = sa.Column("channel", WORD, nullable=False, server_default="mail")
    op.add_column("delivery", channel)
    for name in ("html", "target", "sequence_of", "subscription", "run", "holder"):
        op.add_column("delivery", sa.Column(name, WORD))
    op.add_column("delivery", sa.Column("held_until", sa.BigInteger))
    _index("delivery", "sequence_of", "id")
    _index("delivery", "subscription", "id")


def _subscriptions() -> None:
    op.create_table(
        "alert_subscription",
        sa.Column("id", WORD, nullable=False),
        sa.Column("check_code", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
        sa.Column("accounts", sa.Text, nullable=False),
        sa.Column("branches", sa.Text, nullable=False),
        sa.Column("cron", WORD, nullable=False),
        sa.Column("timezone", WORD, nullable=False),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("split_by", WORD, nullable=False),
        sa.Column("mode", WORD, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("snooze_until", sa.BigInteger),
        sa.Column("digest", WORD),
        sa.Column("sends_empty", sa.Boolean, nullable=False),
        sa.Column("excluded", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_alert_subscription"),
    )
    op.create_table(
        "alert_run",
        sa.Column("id", WORD, nullable=False),
        sa.Column("subscription", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.Column("known_at", WORD, nullable=False),
        sa.Column("evaluated", sa.Integer, nullable=False),
        sa.Column("found", sa.Integer, nullable=False),
        sa.Column("said", sa.Integer, nullable=False),
        sa.Column("resolved", sa.Integer, nullable=False),
        sa.Column("unjudged", sa.Text, nullable=False),
        sa.Column("error", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_alert_run"),
    )
    _index("alert_run", "subscription", "id")


def _findings() -> None:
    op.create_table(
        "finding",
        sa.Column("id", WORD, nullable=False),
        sa.Column("subscription", WORD, nullable=False),
        sa.Column("entity", WORD, nullable=False),
        sa.Column("step", WORD, nullable=False),
        sa.Column("period", WORD, nullable=False),
        sa.Column("check_code", WORD, nullable=False),
        sa.Column("account", WORD, nullable=False),
        sa.Column("contract", WORD),
        sa.Column("line", WORD),
        sa.Column("branch", WORD),
        sa.Column("state", WORD, nullable=False),
        sa.Column("severity", WORD, nullable=False),
        sa.Column("message", WORD, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False),
        sa.Column("amount_m", sa.BigInteger),
        sa.Column("amount_u", sa.BigInteger),
        sa.Column("amount_n", sa.BigInteger),
        sa.Column("currency", WORD),
        sa.Column("status", WORD, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("fingerprint", WORD),
        sa.Column("seen_state", WORD),
        sa.Column("said_at", sa.BigInteger),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("until", sa.BigInteger),
        sa.Column("note", WORD),
        sa.Column("text", WORD, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sa.UniqueConstraint(
            "subscription",
            "entity",
            "step",
            "period",
            name="uq_finding_subscription_entity_step_period",
        ),
    )
    _index("finding", "status", "id")
    _index("finding", "account", "status")
    op.create_table(
        "finding_event",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("finding", WORD, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("act", WORD, nullable=False),
        sa.Column("note", WORD),
        sa.PrimaryKeyConstraint("number", name="pk_finding_event"),
    )
    _index("finding_event", "finding", "number")


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
