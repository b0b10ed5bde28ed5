"""Check `commitment.shortfall`: whether a contract is heading for less than the minimum that was
committed to in its billing period.
"""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import added, running, share, spent
from tallybook.alerts._terms import Agreed, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.contract import Cycle
from tallybook.model.position import Position
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
    commitments whose cycle is the billing's. While a line has no forecast yet, less than that is
    no reason to speak.
    """
    held = {one.number: one for one in in_force(view) if _commitment(one)}
    if not held:
        return
    if view.stale:
        yield from (Unjudged(n, one.terms.account, view.stale) for n, one in held.items())
        return
    lines: dict[str, list[Position]] = {}
    for line in view.positions():
        if line.contract in held:
            lines.setdefault(line.contract, []).append(line)
    for one, statement in running(view, held):
        yield from _judged(one, statement, lines.get(one.number, []), values["percent"])


def _commitment(one: Agreed) -> Decimal:
    layer = one.layer
    mine = (c for c in one.terms.commitments if layer.length(c.cycle) == layer.length(_BILLING))
    return added(commitment.amount for commitment in mine)


def _judged(
    one: Agreed, statement: Statement, lines: list[Position], percent: Decimal
) -> Iterator[Found | Unjudged]:
    committed = _commitment(one)
    so_far = spent(statement)
    rest = [_rest(line, statement) for line in lines]
    projected = added((so_far, *(amount for amount in rest if amount is not None)))
    if share(projected, committed) >= percent:
        return
    if None in rest:
        yield Unjudged(one.number, statement.account, "not_enough_data")
        return
    yield Found(
        entity=one.number,
        account=statement.account,
        state="short",
        message=f"Heading for {share(projected, committed):.0f} % of what was committed to.",
        inputs={"commitment": committed},
        outputs={
            "spent": so_far,
            "projected": projected,
            "shortfall": added((committed, -projected)),
        },
        money_at_risk=added((committed, -projected)),
        currency=statement.currency,
        contract=one.number,
        branch=one.terms.branch,
        period=statement.period.start_date.isoformat(),
    )


def _rest(line: Position, statement: Statement) -> Decimal | None:
    """Return what a line is still expected to add to a statement: nothing where its own cycle goes
    on beyond it; None where there is no forecast yet.
    """
    if line.amount is None or line.period.end_date > statement.period.end_date:
        return Decimal(0)
    ahead = line.forecast.projected_amount
    return None if ahead is None else added((ahead, -line.amount))
