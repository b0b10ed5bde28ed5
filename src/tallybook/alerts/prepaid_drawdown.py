"""Check `prepaid.drawdown`: whether what a whole term includes is nearly used up."""

from collections.abc import Iterator
from decimal import Decimal

from tallybook.alerts._lines import entity, lines, reached
from tallybook.alerts._terms import in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.contract import Contract
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Term pool nearly used"
FINDS = "Lines that have used a set share of what is included once for the contract's whole term."
TIPS = ("What is used of a term pool does not come back with the next period.",)
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
    """Yield each share that a line or meter group has met that comes round once a term."""
    pools = {f"{one.number}/{code}" for one in in_force(view) for code in _once_a_term(one.terms)}
    for position in lines(view) if pools else ():
        if isinstance(position, Unjudged):
            if position.entity in pools:
                yield position
        elif entity(position) in pools:
            yield from reached(position, values["thresholds"], "the term's pool")


def _once_a_term(terms: Contract) -> Iterator[str]:
    for line in terms.lines:
        if line.allotment is not None and line.allotment.cycle_unit == "term":
            yield line.code
    for group in terms.meter_groups:
        if group.cycle_unit == "term":
            yield group.name
