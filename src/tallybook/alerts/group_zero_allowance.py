"""Check `group.zero_allowance`: whether a meter group covers nothing although its kind should."""

from collections.abc import Iterator

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Group that covers nothing"
FINDS = "Meter groups that cover nothing while others of the contract do, or of a named meter."
TIPS = ("Name meters that should always be covered, such as those of colour pages.",)
_METERS = "Groups with one of these meters are told of whatever the others cover."
VARIABLES = (Variable("meters", "list", "Meters", _METERS, (), of="text"),)
COLUMNS = (
    Column("group", "Group"),
    Column("meters", "Meters"),
    Column("rate", "Rate", "money", is_price=True),
)
FINGERPRINT = ("group", "meters", "rate")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "daily"
RELATED = ("contract.base_vs_coverage", "group.mixed_types")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield groups with a covered quantity of 0 that have a named meter, or stand beside one that
    covers something.
    """
    named = set(values["meters"])
    for one in in_force(view):
        covers = any(group.covered_quantity for group in one.terms.meter_groups)
        for group in one.terms.meter_groups:
            if group.covered_quantity or not (covers or named & set(group.meters)):
                continue
            about = {"group": group.name, "meters": list(group.meters), "rate": one.rate(group)}
            yield found(one, "zero", f"{group.name} covers nothing.", about, {}, part=group.name)
