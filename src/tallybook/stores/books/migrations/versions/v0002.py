"""The position snapshot: its lines, their bodies, and what it rests on."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Create the tables."""
    quantities = ("used", "allotment", "overage", "projected", "projected_overage")
    amounts = ("amount", "overage_amount", "projected_amount")
    names = [f"{name}_{limb}" for name in quantities for limb in "mu"]
    names += [f"{name}_{limb}" for name in amounts for limb in "mun"]
    op.create_table(
        "line",
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("account_name", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("branch", sa.Text),
        sa.Column("csm", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("likely_over", sa.Boolean, nullable=False),
        sa.Column("low_use", sa.Boolean, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("percent", sa.BigInteger),
        *(sa.Column(name, sa.BigInteger) for name in names),
        sa.PrimaryKeyConstraint("contract", "code", name="pk_line"),
    )
    _index("account")
    _index("account_name", "contract", "code")
    _index("service", "status", "likely_over", "low_use")
    _index("percent", "contract", "code")
    for name in ("used", "projected", "overage", "projected_overage"):
        _index(f"{name}_m", f"{name}_u", "contract", "code")
    op.create_table(
        "line_body",
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("contract", "code", name="pk_line_body"),
    )
    op.create_table(
        "line_state",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("refreshed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_line_state"),
    )


def _index(*columns: str) -> None:
    op.create_index(f"ix_line_{'_'.join(columns)}", "line", list(columns))
