"""The card of what was agreed for one line: its period, what it includes, its price. Works no
number out.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from tallybook.model.contract import Contract
from tallybook.model.scope import Scope
from tallybook.web.pages import format as words
from tallybook.web.pages import standing
from tallybook.web.pages.account_view import ContractFacts
from tallybook.web.pages.contracts import words as says
from tallybook.web.pages.look import Shown
from tallybook.web.pages.view import Fact

_DAY: Final = timedelta(days=1)


def contract_facts(scope: Scope, shown: Shown) -> ContractFacts | None:
    """Return the card of the contract; None where it is gone."""
    contract = shown.directory.contract(shown.found.contract)
    version = shown.directory.version("contract", shown.found.contract)
    if contract is None or version is None:
        return None
    return ContractFacts(contract.number, version.number, tuple(_facts(scope, shown, contract)))


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
    if scope.sees_prices:
        facts += _money_facts(shown)
    accounts = len(standing.children(found)) + 1
    if accounts > 1:
        facts.append(Fact("Rolls up from", words.plural(accounts, "account", "accounts")))
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
