"""The indexes of every sort hold the branch, too: a walk through one reads no line for it."""

import sqlalchemy as sa
from alembic import op

revision = "v0014"
down_revision = "v0013"
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
NARROW = ("contract", "code", "service", "status", "likely_over", "low_use", "branch")


def upgrade() -> None:
    """Make the indexes anew."""
    # On SQLite what has no value is least in any case, and an index may not say so.
    least = "" if op.get_bind().dialect.name == "sqlite" else " NULLS FIRST"
    for name, columns in SORTS.items():
        rest = [column for column in NARROW if column not in columns]
        sorted_by = [sa.text(column + least) for column in columns]
        op.drop_index(f"ix_line_by_{name}", "line")
        op.create_index(f"ix_line_by_{name}", "line", ["generation", *sorted_by, *rest])
    # What is known of an index went with it, and without that it is passed over.
    op.execute("ANALYZE line")
