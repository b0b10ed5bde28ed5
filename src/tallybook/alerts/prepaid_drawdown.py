"""Check `prepaid.drawdown`: whether what a whole term or contract includes is nearly used up."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

from tallybook.alerts._lines import lines, reached
from tallybook.alerts._statements import share
from tallybook.alerts._terms import Agreed, found, in_force, over, terms_of
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.contract import Contract
from tallybook.model.quantity import EXACT
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Term pool nearly used"
FINDS = (
    "Lines that have used a set share of what is included once for the contract's whole term, and "
    "contracts that have used one of the quantity by which they end."
)
TIPS = (
    "What is used of a term pool does not come back with the next period.",
    "A contract that ends by quantity ends on the day that reaches it: renew it before.",
)
_HELP = "In percent of the pool, each said once a term."
_SHARES = (Decimal(90), Decimal(95))
VARIABLES = (
    Variable("thresholds", "list", "Shares", _HELP, _SHARES, of="percent", minimum=0, letter="W"),
)
COLUMNS = (
    Column("threshold", "Share reached", "quantity"),
    Column("used", "Used", "quantity"),
    Column("allotment", "Pool", "quantity"),
    Column("percent_used", "Of the pool", "percent"),
)
FINGERPRINT = ("threshold", "allotment")
POLICY: RepeatPolicy = "once_per_threshold_per_period"
SCHEDULE: Preset = "weekly"
RELATED = ("allotment.threshold", "balance.low")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield each share that a line or meter group has met that comes round once a term, and each
    share that has been used of the quantity by which a contract ends.
    """
    contracts = {one.number: one for one in chain(in_force(view), over(view))}
    pools = {number: one for number, one in contracts.items() if _ever(one)}
    for position in lines(view, with_ended=True) if pools else ():
        if isinstance(position, Unjudged):
            number, _, code = position.entity.rpartition("/")
            if number in pools and code in _once(pools[number].terms):
                yield position
        else:
            one = pools.get(position.contract)
            if one is not None and position.line in _once(terms_of(one, position)):
                yield from reached(position, values["thresholds"], "the term's pool")
    for number, used in view.drawn(contracts).items():
        account = contracts[number].terms.account
        if view.stale is not None:
            yield Unjudged(number, account, view.stale)
        else:
            yield from _ending(contracts[number], used, values["thresholds"])


def _ever(one: Agreed) -> bool:
    """Tell whether a contract has ever had a line that comes round once a term."""
    return any(any(_once(stretch.terms)) for stretch in one.agreed.stretches)


def _once(terms: Contract) -> Iterator[str]:
    """Yield the codes of the lines and groups that come round once a term."""
    for line in terms.lines:
        if line.allotment is not None and line.allotment.cycle_unit == "term":
            yield line.code
    for group in terms.meter_groups:
        if group.cycle_unit == "term":
            yield group.name


def _ending(one: Agreed, used: Decimal, thresholds: tuple[Decimal, ...]) -> Iterator[Found]:
    limit = one.terms.expiration_quantity
    if not limit:
        return
    part = share(used, limit)
    for threshold in sorted(set(thresholds)):
        if EXACT.multiply(used, Decimal(100)) >= EXACT.multiply(limit, threshold):
            yield found(
                one,
                "reached",
                f"{part:.1f} % of the quantity that the contract ends by is used.",
                {"threshold": threshold, "allotment": limit},
                {"used": used, "percent_used": part / 100},
                step=f"{threshold.normalize():f}",
            )
