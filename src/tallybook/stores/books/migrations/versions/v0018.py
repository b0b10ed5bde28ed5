"""Why a subscription is snoozed."""

import sqlalchemy as sa
from alembic import op

revision = "v0018"
down_revision = "v0017"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column."""
    op.add_column("alert_subscription", sa.Column("snooze_note", WORD))
