"""Whether an earlier delivery of a sequence still waits is found without reading those sent."""

from alembic import op

revision = "v0013"
down_revision = "v0012"


def upgrade() -> None:
    """Put the status into the index."""
    op.drop_index("ix_delivery_sequence_of_id", "delivery")
    columns = ["sequence_of", "status", "id"]
    op.create_index(op.f("ix_delivery_sequence_of_status_id"), "delivery", columns)
