"""A ledger may be closed to servers, by a trait of it. Code that does not look for the trait must
not open it, which is all that this step is for in a folder; on PostgreSQL the row that is locked to
store says it too.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Add the column on PostgreSQL, true where a move has not ended."""
    if op.get_context().dialect.name != "postgresql":
        return
    closed = sa.Column("closed", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("counter", closed, if_not_exists=True)
    op.execute("UPDATE counter SET closed = EXISTS (SELECT FROM traits WHERE traits.name = 'move')")
