"""Check `contract.setup_incomplete`: whether something is missing or odd in a contract."""

from collections.abc import Iterator

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View
from tallybook.positions.findings import findings

TITLE = "Contract set up incompletely"
FINDS = (
    "Contracts in force with a line or group without a price, a meter that is retired or counted "
    "twice, a part that names nothing, or no line, group or base charge at all."
)
TIPS = ("A line that is free on purpose can be left out with a note.",)
VARIABLES = (
    Variable("types", "list", "Contract types", "Only these; all by default.", (), of="text"),
)
COLUMNS = (Column("what", "What"), Column("field", "Where"))
FINGERPRINT = ("what", "field")
POLICY: RepeatPolicy = "every_run"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("contract.no_minimum", "group.mixed_types", "hierarchy.invalid", "usage.unpriced")


#: What `hierarchy.invalid` tells of.
_ELSEWHERE = {"child_has_contract", "in_a_pool", "pool_unit_clash", "unit_clash"}


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield what `positions.findings` finds of a contract on its own day, and what has no part."""
    for one in in_force(view):
        terms = one.terms
        if values["types"] and terms.type not in values["types"]:
            continue
        if not (terms.lines or terms.meter_groups or terms.base_charges):
            said = "Nothing is charged or counted: no line, meter group or base charge."
            yield found(one, "empty", said, {"what": "empty", "field": ""}, {}, part="empty")
        for fault in findings(view.directory, one.number, one.day):
            if fault.code not in _ELSEWHERE:
                about = {"what": fault.code, "field": fault.field or ""}
                part = f"{fault.code} {fault.field or ''}".strip()
                yield found(one, fault.code, fault.detail, about, {}, part=part)
