"""Check `contract.no_minimum`: whether a new contract has neither a base charge nor coverage."""

from collections.abc import Iterator
from datetime import timedelta

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.contract import Contract
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Neither base nor coverage"
FINDS = "New contracts with groups or lines, and no base charge, coverage, allotment or minimum."
TIPS = ("Nothing is billed where nothing is used: see that this is meant.",)
_DAYS = "Contracts first written within so many days."
VARIABLES = (Variable("days", "days", "New within", _DAYS, 31, minimum=1, maximum=36600),)
COLUMNS = (Column("created", "Written on", "date"),)
FINGERPRINT = ("created",)
POLICY: RepeatPolicy = "new_within_days"
SCHEDULE: Preset = "monthly"
RELATED = ("contract.base_vs_coverage", "contract.setup_incomplete")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts first recorded within `days` days that promise and charge nothing fixed."""
    since = view.now - timedelta(days=values["days"])
    for one in in_force(view):
        created = view.directory.history("contract", one.number)[0].recorded_at
        terms = one.terms
        if created < since or _promises(terms) or not (terms.lines or terms.meter_groups):
            continue
        said = "Nothing fixed is charged, and nothing is included."
        yield found(one, "none", said, {"created": created.date().isoformat()}, {})


def _promises(terms: Contract) -> bool:
    """Tell whether something fixed is charged or included; an unlimited allotment includes all."""
    return (
        any(charge.amount for charge in terms.base_charges)
        or any(commitment.amount for commitment in terms.commitments)
        or any(group.covered_quantity for group in terms.meter_groups)
        or any(line.quantity is not None or line.minimum_amount for line in terms.lines)
        or any(line.allotment and line.allotment.quantity != 0 for line in terms.lines)
    )
