"""Check `meter.covered_zero_billed`: whether a closed statement covers units of which none was
used, as when a meter fell silent or a counter was reset.
"""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import invoices
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Covered, and nothing used"
FINDS = "Lines of the newest closed statement that cover units of which none was counted."
TIPS = ("Look at the account's self-check: a source that fell silent is the usual cause.",)
VARIABLES = (
    Variable("min_units", "decimal", "Least covered", "In units.", Decimal(1), minimum=Decimal(0)),
)
COLUMNS = (
    Column("statement", "Statement of", "date"),
    Column("line", "Line"),
    Column("covered", "Covered", "quantity"),
    Column("used", "Used", "quantity"),
)
FINGERPRINT = ("statement", "line")
POLICY: RepeatPolicy = "per_event"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("invoice.imbalance", "usage.feed_stale")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines with a covered quantity of `min_units` at least and use of 0, or below."""
    for newest, *_ in invoices(view):
        for one in newest.covered:
            if one.used > 0 or not one.covered or one.covered < values["min_units"]:
                continue
            yield Found(
                entity=f"{newest.contract}/{one.code}",
                account=newest.account,
                state="reset" if one.used < 0 else "zero",
                message=f"{one.covered:,.0f} {one.unit or 'units'} are covered, none was counted.",
                inputs={
                    "statement": newest.start.isoformat(),
                    "line": one.code,
                    "covered": one.covered,
                    "used": one.used,
                },
                outputs={},
                currency=newest.currency,
                contract=newest.contract,
                line=one.code,
                branch=newest.branch,
                step=newest.start.isoformat(),
            )
