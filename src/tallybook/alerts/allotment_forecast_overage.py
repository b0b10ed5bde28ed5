"""Check `allotment.forecast_overage`: whether a line is heading beyond what is included."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

from tallybook.alerts._lines import available, found, lines, unjudged
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Heading beyond the allotment"
FINDS = "Lines that are expected to use more than their period includes, or already do."
TIPS = ("A forecast needs three complete days of a line; before that it is not judged.",)
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
    """Yield lines of running periods with projected > allotment × `percent` ÷ 100: `over` where
    use itself is beyond that. What earlier periods handed on is part of the allotment.
    """
    for position in lines(view):
        if isinstance(position, Unjudged):
            yield position
            continue
        ahead, allotment = position.forecast, available(position)
        if allotment is None or ahead.status == "actual":
            continue
        if ahead.projected is None:
            yield unjudged(position, "not_enough_data")
            continue
        with localcontext(EXACT):
            limit = allotment * values["percent"]
            is_beyond, is_over = ahead.projected * 100 > limit, (position.used or 0) * 100 > limit
        if not is_beyond:
            continue
        when = f", reached on {ahead.exhausted_on}" if ahead.exhausted_on else ""
        yield found(
            position,
            "over" if is_over else "likely_over",
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
