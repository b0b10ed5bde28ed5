"""Sums of lines by branch and by manager, with their days; indexes for every sort, which also hold
what lists are narrowed by. The snapshot is derived: the next refresh, which finds none, makes it
anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0009"
down_revision = "v0008"
#: A text that is compared and sorted: PostgreSQL, too, keeps the order of its characters' codes.
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEY = ("cut", "value", "service", "unit", "currency", "status")
FLAGS = ("likely_over", "low_use")
LIMBS = {
    **dict.fromkeys(("used", "allotment", "overage", "projected", "projected_overage"), "mu"),
    **dict.fromkeys(("amount", "overage_amount", "projected_amount"), "mun"),
}
SORTS = {
    "account": ("account_name",),
    "service": ("service",),
    "status": ("status",),
    "percent_used": ("percent",),
    **{name: tuple(f"{name}_{limb}" for limb in limbs) for name, limbs in LIMBS.items()},
}
NARROW = ("contract", "code", "service", "status", "likely_over", "low_use")


def upgrade() -> None:
    """Empty the snapshot, and make its tables anew."""
    op.execute("DELETE FROM line_state")
    op.execute("DELETE FROM line_body")
    op.drop_table("line_total")
    op.drop_table("line")
    _create_lines()
    op.create_table(
        "line_text",
        sa.Column("contract", WORD, nullable=False),
        sa.Column("code", WORD, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.PrimaryKeyConstraint("contract", "code", "generation", name="pk_line_text"),
    )
    op.create_table(
        "line_total",
        *(sa.Column(name, WORD, nullable=False) for name in KEY),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in FLAGS),
        sa.Column("alike", WORD, nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("sums", sa.Text, nullable=False),
        sa.Column("days", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(*KEY, *FLAGS, "alike", name="pk_line_total"),
    )


def _create_lines() -> None:
    words = ("account", "account_name", "service", "unit", "currency", "status")
    op.create_table(
        "line",
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("contract", WORD, nullable=False),
        sa.Column("code", WORD, nullable=False),
        *(sa.Column(name, WORD, nullable=False) for name in words),
        sa.Column("branch", WORD),
        sa.Column("csm", WORD),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in FLAGS),
        sa.Column("percent", sa.BigInteger),
        *(
            sa.Column(f"{name}_{limb}", sa.BigInteger)
            for name, limbs in LIMBS.items()
            for limb in limbs
        ),
        sa.PrimaryKeyConstraint("generation", "contract", "code", name="pk_line"),
    )
    op.create_index("ix_line_generation_account", "line", ["generation", "account"])
    op.create_index("ix_line_generation_csm_branch", "line", ["generation", "csm", "branch"])
    # On SQLite what has no value is least in any case, and an index may not say so.
    least = "" if op.get_bind().dialect.name == "sqlite" else " NULLS FIRST"
    for name, columns in SORTS.items():
        rest = [column for column in NARROW if column not in columns]
        sorted_by = [sa.text(column + least) for column in columns]
        op.create_index(f"ix_line_by_{name}", "line", ["generation", *sorted_by, *rest])
