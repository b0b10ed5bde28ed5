"""The card of what was agreed for one line: its period, what it includes, its price. Works no
number out.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import localcontext
from typing import Final

from tallybook.model.contract import Contract
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.operations.portfolio import CourseDay
from tallybook.web.pages import format as words
from tallybook.web.pages import standing
from tallybook.web.pages.account_view import ContractFacts
from tallybook.web.pages.contracts import words as says
from tallybook.web.pages.look import Shown
from tallybook.web.pages.view import Fact

_DAY: Final = timedelta(days=1)


def contract_facts(scope: Scope, shown: Shown, course: Sequence[CourseDay]) -> ContractFacts | None:
    """Return the card of the contract; None where it is gone."""
    contract = shown.directory.contract(shown.found.contract)
    version = shown.directory.version("contract", shown.found.contract)
    if contract is None or version is None:
        return None
    facts = (*_facts(scope, shown, contract), *_against(course))
    return ContractFacts(contract.number, version.number, facts)


def _facts(scope: Scope, shown: Shown, contract: Contract) -> Sequence[Fact]:
    found, period = shown.found, shown.found.period
    facts = [Fact("Billing period", words.span(period.start_date, period.end_date - _DAY))]
    if shown.line.item.cycle.cycle_unit is not None:
        facts[0] = Fact("Allotment period", facts[0].value)
        cycle = says.each(shown.line.item.cycle.model_dump())
        facts.append(Fact("Allotted", cycle, f"number {shown.line.turn.number + 1}"))
    facts.append(
        Fact(
            "Included",
            "Unlimited"
            if found.is_unlimited
            else f"{words.number(found.allotment)} {found.unit}"
            if found.allotment is not None
            else "Nothing",
        )
    )
    if scope.sees_prices or found.amount is not None:  # a sales rep sees those of their own
        facts += _money_facts(shown)
    if standing.children(found):
        accounts = words.plural(len(found.contributions), "account", "accounts")
        facts.append(Fact("Rolls up from", accounts, "with use"))
    end = contract.end_date
    facts.append(Fact("Contract ends", words.day(end, year=True) if end else "Open"))
    return facts


def _money_facts(shown: Shown) -> list[Fact]:
    found, price = shown.found, shown.how.price
    if price is None or found.amount is None:
        return [Fact("Price", "None")]
    unit = next((p.unit_amount for p in price.parts if p.unit_amount is not None), None)
    facts = []
    if unit is not None:
        label = "Price" if found.allotment is None else "Overage rate"
        facts.append(Fact(label, words.price(unit, found.currency), "per unit"))
    if found.allotment is None:
        facts.append(Fact("Amount so far", words.money(found.amount, found.currency)))
    return facts


def _against(course: Sequence[CourseDay]) -> Iterator[Fact]:
    """Yield the difference to as many days of the period before, in units and in percent."""
    last = next((day for day in reversed(course) if day.to_date is not None), None)
    if last is None or last.to_date is None or last.previous is None:
        return
    with localcontext(EXACT):
        more = last.to_date - last.previous
        share = more / last.previous * 100 if last.previous else None
    sign = "+" if more > 0 else "−" if more < 0 else "±"
    hint = "" if share is None else words.change(share)
    yield Fact("Against the period before", f"{sign}{words.number(abs(more))}", hint)
