"""The position snapshot: its lines, their bodies, and what it rests on."""

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    quantities = ("used", "allotment", "overage", "projected", "projected_overage")
    amounts = ("amount", "overage_amount", "projected_amount")
    names = [f"{name}_{limb}" for name in quantities for limb in "mu"]
    names += [f"{name}_{limb}" for name in amounts for limb in "mun"]
    op.create_table(
        "line",
        sa.Column("contract", WORD, nullable=False),
        sa.Column("code", WORD, nullable=False),
        sa.Column("account", WORD, nullable=False),
        sa.Column("account_name", WORD, nullable=False),
        sa.Column("service", WORD, nullable=False),
        sa.Column("unit", WORD, nullable=False),
        sa.Column("currency", WORD, nullable=False),
        sa.Column("branch", WORD),
        sa.Column("csm", WORD),
        sa.Column("status", WORD, nullable=False),
        sa.Column("likely_over", sa.Boolean, nullable=False),
        sa.Column("low_use", sa.Boolean, nullable=False),
        sa.Column("text", WORD, nullable=False),
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
        sa.Column("contract", WORD, nullable=False),
        sa.Column("code", WORD, nullable=False),
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
    # op.f: PostgreSQL has shorter names, and they are cut as those of the models are.
    op.create_index(op.f(f"ix_line_{'_'.join(columns)}"), "line", list(columns))
