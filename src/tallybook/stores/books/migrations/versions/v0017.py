"""The messages of a run are found without looking at all others."""

from alembic import op

revision = "v0017"
down_revision = "v0016"


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_delivery_run_id", "delivery", ["run", "id"])
