"""Check `contract.billing_disabled`: whether a contract in force is not billed."""

from collections.abc import Iterator

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Billing switched off"
FINDS = "Contracts in force whose billing is switched off."
TIPS = ("A contract that is free on purpose can be left out with a note.",)
_TYPES = "Contract types and bill codes to leave out."
VARIABLES = (Variable("without", "list", "But for", _TYPES, (), of="text"),)
COLUMNS = (Column("type", "Type"), Column("bill_code", "Bill code"))
FINGERPRINT = ("type", "bill_code")
POLICY: RepeatPolicy = "every_run"
SCHEDULE: Preset = "daily"
RELATED = ("billing.period_unbilled", "contract.expiring")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts in force with `billing.enabled` false."""
    without = set(values["without"])
    for one in in_force(view):
        terms = one.terms
        if terms.billing.enabled or {terms.type, terms.bill_code} & without:
            continue
        said = "It is in force, and its billing is switched off."
        about = {"type": terms.type, "bill_code": terms.bill_code}
        yield found(one, "off", said, about, {})
