"""Check `usage.late_restated`: whether something that came in late changes what a closed statement
should have said.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from tallybook.alerts._statements import added, branch_of, share
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Closed period restated"
FINDS = "Closed statements that late or corrected events, or a changed contract, make wrong."
TIPS = ("The difference stands as an adjustment on the statement after the last closed one.",)
_PERCENT = "Of what the statement said, in percent."
VARIABLES = (
    Variable("percent", "percent", "Least change", _PERCENT, Decimal(1), minimum=Decimal(0)),
    Variable("amount", "money", "Least amount", "Either way.", Decimal(0), minimum=Decimal(0)),
)
COLUMNS = (
    Column("restated", "Statement of", "date"),
    Column("said", "Said", "money"),
    Column("difference", "Difference", "money"),
    Column("change", "Change", "percent"),
)
FINGERPRINT = ("restated", "difference")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "daily"
RELATED = ("billing.period_unbilled",)


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield closed periods whose adjustments come to `percent` % of their subtotal at least, and to
    `amount`; of a subtotal of 0 any difference counts as 100 %. Also those of contracts that have
    ended, which nobody looks at any more.
    """
    said: dict[tuple[str, date], Decimal] = {}
    ends: dict[str, date] = {}
    for one in view.closed(view.contracts()):
        said[one.contract, one.start_date] = Decimal(one.document["subtotal"])
        ends[one.contract] = max(one.end_date, ends.get(one.contract, one.end_date))
        if view.stale:
            yield Unjudged(f"{one.contract}@{one.start_date}", one.account, view.stale)
    if view.stale:
        return
    for statement in view.running([*ends], ends):
        number = statement.contract
        for start in sorted({one.period_start for one in statement.adjustments}):
            some = (one.amount for one in statement.adjustments if one.period_start == start)
            difference, before = added(some), said.get((number, start), Decimal(0))
            change = share(difference, abs(before)) if before else Decimal(100)
            if not difference or abs(difference) < values["amount"]:
                continue
            if abs(change) >= values["percent"]:
                yield Found(
                    entity=f"{number}@{start}",
                    account=statement.account,
                    state="restated",
                    message=f"The closed statement of {start} changed by {abs(change):.1f} %.",
                    inputs={"restated": start.isoformat(), "difference": difference},
                    outputs={"said": before, "change": change / 100},
                    money_at_risk=abs(difference),
                    currency=statement.currency,
                    contract=number,
                    branch=branch_of(view, number),
                    period=start.isoformat(),
                )
