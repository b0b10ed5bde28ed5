"""The position snapshot in generations, with its sums kept. It is derived: the next refresh, which
finds none, makes it anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
GROUP = ("service", "unit", "currency", "status")
FLAGS = ("likely_over", "low_use")


def upgrade() -> None:
    """Drop the tables and create them again."""
    for table in ("line_state", "line_body", "line"):
        op.drop_table(table)
    _lines()
    _beside_lines()


def _lines() -> None:
    quantities = ("used", "allotment", "overage", "projected", "projected_overage")
    amounts = ("amount", "overage_amount", "projected_amount")
    names = [f"{name}_{limb}" for name in quantities for limb in "mu"]
    names += [f"{name}_{limb}" for name in amounts for limb in "mun"]
    op.create_table(
        "line",
        sa.Column("generation", sa.BigInteger, autoincrement=False, nullable=False),
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
        sa.PrimaryKeyConstraint("generation", "contract", "code", name="pk_line"),
    )
    _index("account")
    _index("account_name", "contract", "code")
    _index("service", "status")
    _index("percent", "contract", "code")
    for name in ("used", "projected", "overage", "projected_overage"):
        _index(f"{name}_m", f"{name}_u", "contract", "code")


def _beside_lines() -> None:
    op.create_table(
        "line_body",
        sa.Column("generation", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("contract", WORD, nullable=False),
        sa.Column("code", WORD, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("generation", "contract", "code", name="pk_line_body"),
    )
    op.create_table(
        "line_total",
        *(sa.Column(name, WORD, nullable=False) for name in GROUP),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in FLAGS),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("sums", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(*GROUP, *FLAGS, name="pk_line_total"),
    )
    op.create_table(
        "line_state",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("refreshed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_line_state"),
    )


def _index(*columns: str) -> None:
    columns = ("generation", *columns)
    # op.f: PostgreSQL has shorter names, and they are cut as those of the models are.
    op.create_index(op.f(f"ix_line_{'_'.join(columns)}"), "line", list(columns))
