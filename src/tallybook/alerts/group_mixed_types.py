"""Check `group.mixed_types`: whether a meter group pools meters of different kinds."""

from collections.abc import Iterator

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Mixed meters in a group"
FINDS = "Meter groups whose meters count different units, or some a level and others a flow."
TIPS = ("Their sum is of nothing that could be named.",)
VARIABLES = ()
COLUMNS = (Column("group", "Group"), Column("meters", "Meters"), Column("units", "Units"))
FINGERPRINT = ("group", "meters", "units")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "daily"
RELATED = ("contract.setup_incomplete", "group.zero_allowance")


def find(view: View, _values: Values) -> Iterator[Found | Unjudged]:
    """Yield groups of which two meters differ in unit or kind."""
    for one in in_force(view):
        for group in one.terms.meter_groups:
            meters = [view.directory.meter(key) for key in group.meters]
            kinds = sorted({f"{m.unit or 'none'} ({m.kind})" for m in meters if m is not None})
            if len(kinds) > 1:
                about = {"group": group.name, "meters": list(group.meters), "units": kinds}
                said = f"{group.name} pools {', '.join(kinds)}."
                yield found(one, "mixed", said, about, {}, part=group.name)
