"""Check `invoice.jump`: whether the last closed statement is far from the mean of those before."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

from tallybook.alerts._statements import added, invoices, share
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Jump of a statement"
FINDS = "Closed statements whose total is far from the mean of the ones before."
TIPS = ("A contract is judged from its third closed statement on.",)
_MEAN = "How many statements before the newest make the mean."
VARIABLES = (
    Variable("change", "percent", "Change above", "Either way.", Decimal(30), minimum=Decimal(0)),
    Variable("periods", "whole", "Statements before", _MEAN, 6, minimum=2, maximum=60),
)
COLUMNS = (
    Column("statement", "Statement of", "date"),
    Column("total", "Total", "money"),
    Column("mean", "Mean before", "money"),
    Column("change", "Change", "percent"),
)
FINGERPRINT = ("statement",)
POLICY: RepeatPolicy = "per_event"
SCHEDULE: Preset = "weekly"
RELATED = ("invoice.imbalance",)
_LEAST = 2


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield statements with |total - mean| ÷ |mean| above `change` %; the mean is of those before,
    two at least, and not 0.
    """
    for newest, *others in invoices(view):
        before = others[: values["periods"]]
        if len(before) < _LEAST:
            continue
        with localcontext(EXACT) as digits:
            digits.prec = 38
            mean = added(one.total for one in before) / len(before)
        if not mean:
            continue
        change = share(newest.total - mean, abs(mean))
        if abs(change) <= values["change"]:
            continue
        way = "above" if change > 0 else "below"
        yield Found(
            entity=newest.contract,
            account=newest.account,
            state=way,
            message=f"{abs(change):.0f} % {way} the mean of {len(before)} statements before.",
            inputs={"statement": newest.start.isoformat(), "total": newest.total, "mean": mean},
            outputs={"change": change / 100},
            money_at_risk=abs(newest.total - mean),
            currency=newest.currency,
            contract=newest.contract,
            branch=newest.branch,
            step=newest.start.isoformat(),
        )
