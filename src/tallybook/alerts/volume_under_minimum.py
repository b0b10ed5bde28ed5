"""Check `volume.under_minimum`: whether a line used much less than it covers on several closed
statements in a row.
"""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._statements import Covered, Invoice, invoices, share
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Repeatedly under what is covered"
FINDS = "Lines that used much less than they cover on each of the last closed statements."
TIPS = ("The customer pays for what is not used: a smaller contract may keep them.",)
_UNDER = "Unused ÷ covered, in percent."
VARIABLES = (
    Variable("under", "percent", "Unused above", _UNDER, Decimal(20), minimum=Decimal(0)),
    Variable("periods", "whole", "Statements in a row", "The newest ones.", 2, minimum=1),
)
COLUMNS = (
    Column("line", "Line"),
    Column("since", "Since", "date"),
    Column("covered", "Covered", "quantity"),
    Column("used", "Used", "quantity"),
    Column("unused", "Unused", "percent"),
)
FINGERPRINT = ("line", "covered")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "monthly"
RELATED = ("invoice.imbalance", "volume.trend")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield lines of which more than `under` % of what is covered was left on each of the newest
    statements; the numbers are those of the newest.
    """
    for found in invoices(view):
        some = found[: values["periods"]]
        if len(some) < values["periods"]:
            continue
        for one in some[0].covered:
            course = [_of(invoice, one.code) for invoice in some]
            if all(c is not None and _unused(c) > values["under"] for c in course):
                yield _found(some, one, values["periods"])


def _of(invoice: Invoice, code: str) -> Covered | None:
    return next((one for one in invoice.covered if one.code == code and one.covered), None)


def _unused(one: Covered) -> Decimal:
    return share(max(Decimal(0), one.covered - one.used), one.covered)


def _found(some: list[Invoice], one: Covered, periods: int) -> Found:
    newest, unused = some[0], _unused(one)
    times = "statement" if periods == 1 else f"{periods} statements in a row"
    return Found(
        entity=f"{newest.contract}/{one.code}",
        account=newest.account,
        state="under",
        message=f"{unused:.0f} % of what is covered was not used, on the last {times}.",
        inputs={"line": one.code, "covered": one.covered, "used": one.used},
        outputs={"since": some[-1].start.isoformat(), "unused": unused / 100},
        currency=newest.currency,
        contract=newest.contract,
        line=one.code,
        branch=newest.branch,
    )
