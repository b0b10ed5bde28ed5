"""The panel of what lies beyond an allotment: since when, how much, at which price, at what cost.
Works no number out.
"""

from collections.abc import Iterable
from typing import Any

from tallybook.model.position import Position
from tallybook.positions.items import overage_price
from tallybook.positions.terms import Terms
from tallybook.web.pages import format as words
from tallybook.web.pages.account_view import OveragePanel
from tallybook.web.pages.contracts import words as says
from tallybook.web.pages.view import Fact, Standing


def panel(line: Terms, found: Position, stands: Standing) -> OveragePanel | None:
    """Return the panel of a line; None without an allotment. `stands` knows when it is passed.

    Without an amount, as for whom it is not, it has no prices either.
    """
    if found.remaining is None:
        return None
    facts = [*_quantities(found, stands)]
    if found.amount is None:
        return OveragePanel(tuple(facts))
    facts += _costs(found)
    price = _price(line)
    unit = found.unit.removesuffix("s")
    return OveragePanel(
        tuple(facts),
        says.price(price, unit, found.currency, "Beyond the allotment"),
        says.tiers(price, found.currency),
    )


def _quantities(found: Position, stands: Standing) -> Iterable[Fact]:
    ahead, unit = found.forecast, found.unit
    passes = stands.forecast.passes_on
    if found.overage:
        if passes is not None:
            yield Fact("Over since", words.day(passes, weekday=True, year=True))
        yield Fact("Over by", f"{words.number(found.overage)} {unit}")
    else:
        left = f"{words.number(found.remaining)} {unit}"
        yield Fact("Left", left, "reached" if not found.remaining else "")
        if ahead.status == "estimate":
            when = words.day(passes, weekday=True, year=True) if passes else "Not in this period"
            yield Fact("Expected to be passed", when)
    if ahead.status == "estimate" and ahead.projected_overage:
        said = f"{words.estimate(ahead.projected_overage)} {unit}"
        yield Fact("Expected at the end", said, "over")


def _costs(found: Position) -> Iterable[Fact]:
    ahead = found.forecast
    yield Fact("Costs so far", words.money(found.overage_amount, found.currency))
    if ahead.status == "estimate" and ahead.projected_amount is not None:
        yield Fact("Expected cost", words.money(ahead.projected_amount, found.currency))


def _price(line: Terms) -> Any:
    """Return the price of a line, or of a meter group, as it is written in the contract."""
    code, contract = line.item.code, line.contract
    own = next((one for one in contract.lines if one.code == code), None)
    if own is not None:
        return own.price
    return next((overage_price(one) for one in contract.meter_groups if one.name == code), None)
