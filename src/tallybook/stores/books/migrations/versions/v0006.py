"""Positions with the cycle of their period. They are derived: the next refresh, which finds none,
makes them anew.
"""

from alembic import op

revision = "v0006"
down_revision = "v0005"


def upgrade() -> None:
    """Empty the snapshot."""
    for table in ("line_state", "line_total", "line_body", "line"):
        op.execute(f"DELETE FROM {table}")
