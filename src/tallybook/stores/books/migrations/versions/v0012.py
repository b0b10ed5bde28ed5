"""How often a finding was written: what was read is replaced only while it is still the same."""

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0011"


def upgrade() -> None:
    """Add the column."""
    written = sa.Column("revision", sa.Integer, nullable=False, server_default="1")
    op.add_column("finding", written)
