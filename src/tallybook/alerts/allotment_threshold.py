"""Check `allotment.threshold`: whether a line has used a set share of what is included."""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._lines import lines, reached
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Share of the allotment used"
FINDS = "Lines that have used a set share of what their period includes."
TIPS = ("Met counts: at exactly 100 % it speaks, although nothing is over yet.",)
_SHARES = tuple(map(Decimal, (50, 80, 100, 120)))
_HELP = "In percent of the allotment, each said once a period."
VARIABLES = (
    Variable(
        "thresholds", "list", "Shares", _HELP, _SHARES, of="percent", minimum=0, required=True
    ),
)
COLUMNS = (
    Column("threshold", "Share reached", "quantity"),
    Column("used", "Used", "quantity"),
    Column("allotment", "Allotment", "quantity"),
    Column("percent_used", "Of allotment", "percent"),
)
FINGERPRINT = ("threshold", "allotment")
POLICY: RepeatPolicy = "once_per_threshold_per_period"
SCHEDULE: Preset = "daily"
RELATED = ("allotment.forecast_overage", "overage.started", "pool.share", "prepaid.drawdown")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield each share that a line's percent used has met: used ÷ allotment × 100 ≥ share."""
    for position in lines(view, with_ended=True):
        if isinstance(position, Unjudged):
            yield position
        else:
            yield from reached(position, values["thresholds"], "the allotment")
