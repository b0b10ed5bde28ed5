"""Check `volume.trend`: whether a line's last closed statements count much more or less than those
before.
"""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import Invoice, added, invoices, share
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Volume rising or falling"
FINDS = "Lines that used much more or less on their last three closed statements than before."
TIPS = ("Six closed statements of one contract are needed.",)
_WAY = "Of the sum of the statements before, either way."
VARIABLES = (
    Variable("change", "percent", "Change above", _WAY, Decimal(25), minimum=Decimal(0)),
    Variable("periods", "whole", "Statements", "How many on each side.", 3, minimum=1, maximum=24),
)
COLUMNS = (
    Column("line", "Line"),
    Column("used", "Used", "quantity"),
    Column("before", "Before", "quantity"),
    Column("change", "Change", "percent"),
)
FINGERPRINT = ("line", "statement")
POLICY: RepeatPolicy = "per_event"
SCHEDULE: Preset = "monthly"
RELATED = ("usage.anomaly", "volume.under_minimum")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines with |used - before| ÷ before × 100 above `change`, each a sum over so many
    statements; of nothing before nothing is said.
    """
    periods = values["periods"]
    for found in invoices(view):
        newest, earlier = found[:periods], found[periods : 2 * periods]
        if len(earlier) < periods:
            continue
        for one in newest[0].covered:
            used, before = _sum(newest, one.code), _sum(earlier, one.code)
            if before <= 0:
                continue
            change = share(added((used, -before)), before)
            if abs(change) > values["change"]:
                yield _found(newest[0], one.code, used, before, change)


def _sum(some: list[Invoice], code: str) -> Decimal:
    return added(one.used for invoice in some for one in invoice.covered if one.code == code)


def _found(newest: Invoice, code: str, used: Decimal, before: Decimal, change: Decimal) -> Found:
    way = "more" if change > 0 else "less"
    return Found(
        entity=f"{newest.contract}/{code}",
        account=newest.account,
        state="rising" if change > 0 else "falling",
        message=f"{code}: {abs(change):.0f} % {way} than on the statements before.",
        inputs={"line": code, "statement": newest.start.isoformat()},
        outputs={"used": used, "before": before, "change": change / 100},
        currency=newest.currency,
        contract=newest.contract,
        line=code,
        branch=newest.branch,
        step=newest.start.isoformat(),
    )
