"""Check `overage.started`: whether a line has used more than is included."""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._lines import found, lines, until
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Overage has begun"
FINDS = "Lines that have used more than their period includes."
TIPS = ("At exactly 100 % nothing is over: see the share of the allotment used for that.",)
_HELP = "What the overage costs so far; lines that cost less are left out."
VARIABLES = (Variable("amount", "money", "Least amount", _HELP, Decimal(0), minimum=Decimal(0)),)
COLUMNS = (
    Column("used", "Used", "quantity"),
    Column("allotment", "Allotment", "quantity"),
    Column("overage", "Overage", "quantity"),
    Column("overage_amount", "Amount", "money"),
)
FINGERPRINT = ("allotment",)
POLICY: RepeatPolicy = "once_per_threshold_per_period"
SCHEDULE: Preset = "daily"
RELATED = ("allotment.forecast_overage", "allotment.threshold")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines with overage = max(0, used - available) above 0, and its price of `amount` at
    least.
    """
    for position in lines(view, with_ended=True):
        if isinstance(position, Unjudged):
            yield position
        elif position.overage > 0 and (position.overage_amount or 0) >= values["amount"]:
            yield found(
                position,
                "over",
                f"{position.service}: {position.overage:,.0f} {position.unit} beyond what is "
                f"included{until(position)}.",
                {"allotment": position.allotment},
                {
                    "used": position.used,
                    "overage": position.overage,
                    "overage_amount": position.overage_amount,
                },
                money_at_risk=position.overage_amount,
            )
