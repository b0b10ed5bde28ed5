"""Check `allotment.forecast_overage`: whether a line is heading beyond what is included."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

from tallybook.alerts._lines import available, found, lines
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Heading beyond the allotment"
FINDS = "Lines that are expected to use more than their period includes, and are not there yet."
TIPS = ("A forecast needs three complete days; before that nothing is said of a period.",)
_HELP = "Of the allotment, in percent: a projection above this is spoken of."
VARIABLES = (
    Variable("percent", "percent", "Projected above", _HELP, Decimal(100), minimum=Decimal(0)),
)
COLUMNS = (
    Column("allotment", "Allotment", "quantity"),
    Column("projected", "Projected", "quantity"),
    Column("projected_overage", "Projected overage", "quantity"),
    Column("exhausted_on", "Reached on", "date"),
)
FINGERPRINT = ("allotment",)
POLICY: RepeatPolicy = "on_transition"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("allotment.threshold", "overage.started", "usage.anomaly")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines of running periods with projected > allotment × `percent` ÷ 100, where the
    allotment includes what earlier periods handed on.
    """
    for position in lines(view):
        if isinstance(position, Unjudged):
            yield position
            continue
        ahead, allotment = position.forecast, available(position)
        if ahead.status != "estimate" or ahead.projected is None or allotment is None:
            continue
        with localcontext(EXACT):
            is_beyond = ahead.projected * 100 > allotment * values["percent"]
        if not is_beyond or position.status in {"over", "at_limit"}:
            continue
        when = f", reached on {ahead.exhausted_on}" if ahead.exhausted_on else ""
        yield found(
            position,
            "likely_over",
            f"{position.service}: {ahead.projected:,.0f} are expected, {allotment:,.0f} are "
            f"included{when}.",
            {"allotment": allotment},
            {
                "projected": ahead.projected,
                "projected_overage": ahead.projected_overage,
                "exhausted_on": ahead.exhausted_on.isoformat() if ahead.exhausted_on else None,
            },
            money_at_risk=ahead.projected_amount,
        )
