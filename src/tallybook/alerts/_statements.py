"""Closed statements as checks read them: what each charged as base and for use, and what was used
of what it covers. Judges nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from tallybook.alerts._terms import Agreed, today
from tallybook.model.quantity import EXACT
from tallybook.model.statement import ClosedStatement, Statement
from tallybook.model.view import View
from tallybook.positions.agreement import agreement

_ZERO = Decimal(0)
_DAY = timedelta(days=1)


class Covered(NamedTuple):
    """What was used of a charge that includes something, in the cycles of its statement, and what
    was charged beyond.
    """

    code: str
    unit: str | None
    used: Decimal
    covered: Decimal
    billable: Decimal
    amount: Decimal


class Invoice(NamedTuple):
    """A closed statement; `base` are base charges and flat lines, `charges` what depends on use."""

    contract: str
    account: str
    branch: str | None
    currency: str
    start: date
    end: date
    base: Decimal
    total: Decimal
    covered: tuple[Covered, ...]

    @property
    def overage(self) -> Decimal:
        """Return what was charged beyond what is covered."""
        return added(one.amount for one in self.covered if one.covered)


def added(values: Any) -> Decimal:
    """Return a sum without rounding."""
    with localcontext(EXACT):
        return sum(values, _ZERO)


def spent(statement: Statement | ClosedStatement) -> Decimal:
    """Return what a period's use and base charges come to so far, discounts taken away: without
    what is added up to a commitment, which use may still fill, and what earlier periods left.
    """
    if isinstance(statement, ClosedStatement):
        kinds = (statement.document[name] for name in ("lines", "base_charges", "discounts"))
        return added(Decimal(charge["amount"]) for charges in kinds for charge in charges)
    charges = (*statement.lines, *statement.base_charges, *statement.discounts)
    return added(charge.amount for charge in charges)


def share(part: Decimal, whole: Decimal) -> Decimal:
    """Return how many percent one quantity is of another that is not 0."""
    with localcontext(EXACT) as digits:
        digits.prec = 38
        return part * 100 / whole


def invoices(view: View) -> Iterator[list[Invoice]]:
    """Yield the closed statements of each contract that has any, the newest first; those that only
    adjust are left out.
    """
    closed = view.closed(view.contracts())
    for number, found in groupby(closed, attrgetter("contract")):
        branch = branch_of(view, number)
        made = [_invoice(one, branch) for one in found if not one.document["supplementary"]]
        if made:
            yield made[::-1]


def branch_of(view: View, number: str) -> str | None:
    """Return the branch of a contract by its newest terms."""
    stretches = agreement(view.directory, number).stretches
    return stretches[-1].terms.branch if stretches else None


def running(
    view: View, contracts: Mapping[str, Agreed], days: Mapping[str, date] | None = None
) -> Iterator[tuple[Agreed, Statement]]:
    """Yield the running statements of contracts in force, or those of a day of each."""
    for statement in view.running([*contracts], days):
        yield contracts[statement.contract], statement


def ended(view: View) -> dict[str, date]:
    """Return the last day of each contract's billing period that ended after `since`."""
    if view.since >= view.now:
        return {}
    found = {}
    for number, day, agreed in today(view):
        span = agreed.period_of(day)
        end = agreed.start_of(span.start) if span else agreed.ends_at
        if end is not None and view.since < end <= view.now:
            found[number] = (span.start if span else agreed.stretches[-1].end) - _DAY
    return found


def _invoice(closed: ClosedStatement, branch: str | None) -> Invoice:
    document = closed.document
    lines = [(line, _covered(line)) for line in document["lines"]]
    flat = [line for line, found in lines if found is None and not line["explanation"]["use"]]
    return Invoice(
        closed.contract,
        closed.account,
        branch,
        document["currency"],
        closed.start_date,
        closed.end_date,
        added(Decimal(charge["amount"]) for charge in (*document["base_charges"], *flat)),
        Decimal(document["total"]),
        tuple(found for _, found in lines if found is not None),
    )


def _covered(line: Mapping[str, Any]) -> Covered | None:
    cycles = line["explanation"]["cycles"]
    if not cycles or any(cycle["is_unlimited"] for cycle in cycles):
        return None
    return Covered(
        line["code"],
        line["unit"],
        added(Decimal(cycle["used"]) for cycle in cycles),
        added(Decimal(cycle["allotment"]) for cycle in cycles),
        Decimal(line["billable_quantity"] or 0),
        Decimal(line["amount"]),
    )
