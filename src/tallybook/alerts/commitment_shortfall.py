"""Check `commitment.shortfall`: whether a contract is heading for less than the minimum that was
committed to in its billing period.
"""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import added, running, share
from tallybook.alerts._terms import Agreed, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.contract import Cycle
from tallybook.model.schedule import Preset
from tallybook.model.statement import Statement
from tallybook.model.view import View

TITLE = "Heading below a commitment"
FINDS = "Contracts whose projected spend is below the minimum committed to for the billing period."
TIPS = ("The shortfall is charged at the period's end; tell the customer before.",)
_PERCENT = "Of the commitment, in percent: below this it is spoken of."
VARIABLES = (Variable("percent", "percent", "Projected below", _PERCENT, Decimal(95)),)
COLUMNS = (
    Column("commitment", "Commitment", "money"),
    Column("spent", "Spent", "money"),
    Column("projected", "Projected", "money"),
    Column("shortfall", "Shortfall", "money"),
)
FINGERPRINT = ("commitment",)
POLICY: RepeatPolicy = "on_transition"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("spend.threshold",)
_BILLING = Cycle()


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts with spent + what lines are still expected to cost < `percent` % of the
    commitments whose cycle is the billing's.
    """
    held = {one.number: one for one in in_force(view) if _commitment(one)}
    if not held:
        return
    if view.stale:
        yield from (Unjudged(n, one.terms.account, view.stale) for n, one in held.items())
        return
    rest: dict[str, Decimal] = {}
    for line in view.positions():
        ahead, so_far = line.forecast.projected_amount, line.amount
        if line.contract in held and ahead is not None and so_far is not None:
            rest[line.contract] = added((rest.get(line.contract, Decimal(0)), ahead, -so_far))
    for one, statement in running(view, held):
        yield from _judged(one, statement, rest.get(one.number, Decimal(0)), values["percent"])


def _commitment(one: Agreed) -> Decimal:
    layer = one.layer
    mine = (c for c in one.terms.commitments if layer.length(c.cycle) == layer.length(_BILLING))
    return added(commitment.amount for commitment in mine)


def _judged(
    one: Agreed, statement: Statement, rest: Decimal, percent: Decimal
) -> Iterator[Found | Unjudged]:
    committed = _commitment(one)
    spent = added(
        charge.amount
        for charge in (*statement.lines, *statement.base_charges, *statement.discounts)
    )
    projected = added((spent, rest))
    if not committed or share(projected, committed) >= percent:
        return
    yield Found(
        entity=one.number,
        account=statement.account,
        state="short",
        message=f"Heading for {share(projected, committed):.0f} % of what was committed to.",
        inputs={"commitment": committed},
        outputs={
            "spent": spent,
            "projected": projected,
            "shortfall": added((committed, -projected)),
        },
        money_at_risk=added((committed, -projected)),
        currency=statement.currency,
        contract=one.number,
        branch=one.terms.branch,
        period=statement.period.start_date.isoformat(),
    )
