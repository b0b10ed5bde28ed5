"""Check `volume.trend`: whether a line's last closed statements count much more or less than those
before, or a contract's overage is much of its base.
"""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import Invoice, added, invoices, share
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Volume rising or falling"
FINDS = (
    "Lines that used much more or less on their last three closed statements than on the three "
    "before, and contracts whose overage was much of their base."
)
TIPS = (
    "Six closed statements of one contract are needed for a change, three for the overage.",
    "Where the overage is much of the base, a larger plan may cost the customer less.",
)
_OVER = "Overage of so many statements, in percent of their base."
_WAY = "Of the sum of the statements before, either way."
VARIABLES = (
    Variable(
        "overage", "percent", "Overage above", _OVER, Decimal(50), minimum=Decimal(0), letter="W"
    ),
    Variable(
        "change", "percent", "Change above", _WAY, Decimal(25), minimum=Decimal(0), letter="X"
    ),
    Variable("periods", "whole", "Statements", "How many on each side.", 3, minimum=1, maximum=24),
)
COLUMNS = (
    Column("line", "Line"),
    Column("used", "Used", "quantity"),
    Column("before", "Before", "quantity"),
    Column("change", "Change", "percent"),
    Column("base", "Base", "money"),
    Column("overage_amount", "Overage", "money"),
)
FINGERPRINT = ("line", "statement")
POLICY: RepeatPolicy = "per_event"
SCHEDULE: Preset = "monthly"
RELATED = ("usage.anomaly", "volume.under_minimum")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines with |used - before| ÷ before × 100 above `change`, each a sum over so many
    statements, and contracts with overage ÷ base × 100 above `overage` over the newest of them. Of
    nothing before, and of no base, nothing is said.
    """
    periods = values["periods"]
    for found in invoices(view):
        newest, earlier = found[:periods], found[periods : 2 * periods]
        if len(newest) == periods:
            yield from _dear(newest, values["overage"])
        if len(earlier) == periods:
            yield from _turned(newest, earlier, values["change"])


def _dear(newest: list[Invoice], limit: Decimal) -> Iterator[Found]:
    base = added(invoice.base for invoice in newest)
    over = added(invoice.overage for invoice in newest)
    part = share(over, base) if base > 0 else Decimal(0)
    if part > limit:
        yield _found(
            newest[0],
            "overage_high",
            f"The overage was {part:.0f} % of the base.",
            {"base": base, "overage_amount": over},
        )


def _turned(newest: list[Invoice], earlier: list[Invoice], limit: Decimal) -> Iterator[Found]:
    for one in newest[0].covered:
        used, before = _sum(newest, one.code), _sum(earlier, one.code)
        change = share(added((used, -before)), before) if before > 0 else Decimal(0)
        if abs(change) > limit:
            way = "more" if change > 0 else "less"
            yield _found(
                newest[0],
                "rising" if change > 0 else "falling",
                f"{one.code}: {abs(change):.0f} % {way} than on the statements before.",
                {"used": used, "before": before, "change": change / 100},
                line=one.code,
            )


def _sum(some: list[Invoice], code: str) -> Decimal:
    return added(one.used for invoice in some for one in invoice.covered if one.code == code)


def _found(
    newest: Invoice,
    state: str,
    message: str,
    outputs: dict[str, Decimal],
    *,
    line: str | None = None,
) -> Found:
    return Found(
        entity=newest.contract if line is None else f"{newest.contract}/{line}",
        account=newest.account,
        state=state,
        message=message,
        inputs={"line": line, "statement": newest.start.isoformat()},
        outputs={column.key: outputs.get(column.key) for column in COLUMNS[1:]},
        currency=newest.currency,
        contract=newest.contract,
        line=line,
        branch=newest.branch,
        step=newest.start.isoformat(),
    )
