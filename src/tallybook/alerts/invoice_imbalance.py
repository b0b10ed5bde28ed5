"""Check `invoice.imbalance`: whether the last closed statement charged much beyond its base, or
covered much more than was used.
"""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import Covered, Invoice, added, invoices, share
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Imbalance on a statement"
FINDS = (
    "Closed statements that charge much for use beyond the base, or cover much more than was used: "
    "the contract no longer fits."
)
TIPS = ("Only the newest closed statement of each contract is judged, once.",)
_LEAST = "Statements with a smaller base are not judged."
VARIABLES = (
    Variable("over", "percent", "Overage above", "Overage ÷ base, in percent.", Decimal(30)),
    Variable("under", "percent", "Unused above", "Unused ÷ covered, in percent.", Decimal(20)),
    Variable("min_base", "money", "Least base", _LEAST, Decimal(10), minimum=Decimal(0)),
    Variable("min_units", "decimal", "Least covered", "In units.", Decimal(1), minimum=Decimal(0)),
)
COLUMNS = (
    Column("statement", "Statement of", "date"),
    Column("base", "Base", "money"),
    Column("overage", "Overage", "money"),
    Column("overage_share", "Overage of base", "percent"),
    Column("unused_share", "Unused of covered", "percent"),
    Column("line", "Line"),
)
FINGERPRINT = ("statement",)
POLICY: RepeatPolicy = "per_event"
SCHEDULE: Preset = "weekly"
RELATED = ("invoice.jump", "meter.covered_zero_billed", "volume.under_minimum")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield statements whose overage is more than `over` % of their base, or of whose coverage more
    than `under` % was not used: the line of which most was left.
    """
    for newest, *_ in invoices(view):
        if newest.base < values["min_base"]:
            continue
        overage = share(newest.overage, newest.base) if newest.base else None
        if overage is not None and overage > values["over"]:
            yield _found(newest, "over", overage, None)
            continue
        least = max(values["min_units"], Decimal(0))
        judged = [one for one in newest.covered if one.covered >= least and one.covered]
        worst = max(judged, key=_unused, default=None)
        if worst is not None and _unused(worst) > values["under"]:
            yield _found(newest, "under", overage, worst)


def _unused(one: Covered) -> Decimal:
    return share(max(Decimal(0), one.covered - one.used), one.covered)


def _found(one: Invoice, state: str, overage: Decimal | None, worst: Covered | None) -> Found:
    unused = None if worst is None else _unused(worst) / 100
    if worst is None:
        said = f"Use beyond what is covered costs {overage:.0f} % of the base."
    else:
        left = worst.covered - worst.used
        said = f"{worst.code}: {left:,.0f} of {worst.covered:,.0f} covered were not used."
    return Found(
        entity=one.contract,
        account=one.account,
        state=state,
        message=said,
        inputs={"statement": one.start.isoformat(), "base": one.base, "overage": one.overage},
        outputs={
            "overage_share": None if overage is None else overage / 100,
            "unused_share": unused,
            "line": worst.code if worst else None,
            "used": added(c.used for c in one.covered) if worst is None else worst.used,
        },
        money_at_risk=one.overage if worst is None else None,
        currency=one.currency,
        contract=one.contract,
        branch=one.branch,
        step=one.start.isoformat(),
    )
