"""Check `cycle.mismatch`: whether cycles of a contract that belong together differ."""

from collections.abc import Iterator

from tallybook.alerts._terms import Agreed, found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values
from tallybook.model.contract import BaseCharge, Contract, Cycle, RateSchedule
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Cycles do not fit"
FINDS = (
    "Base charges of a meter group that come round less often than its overage, and planned "
    "increases whose cycle is not that of what they raise."
)
TIPS = ("After such a change compare base and coverage, too.",)
VARIABLES = ()
COLUMNS = (Column("part", "Part"), Column("cycle", "Its cycle"), Column("other", "The other"))
FINGERPRINT = ("part", "cycle", "other")
POLICY: RepeatPolicy = "once_until_changed"
SCHEDULE: Preset = "daily"
RELATED = ("contract.base_vs_coverage",)


def find(view: View, _values: Values) -> Iterator[Found | Unjudged]:
    """Yield base charges of a group with a longer cycle than the group's, and rate schedules with
    another cycle than what they raise.
    """
    for one in in_force(view):
        for charge in one.terms.base_charges:
            yield from _of_base(one, charge)
        yield from _of_schedules(one)


def _of_base(one: Agreed, charge: BaseCharge) -> Iterator[Found]:
    layer = one.layer
    group = layer.group(charge.ref) if charge.level == "meter_group" else None
    if group is None or layer.months(charge.cycle) <= layer.months(group.cycle):
        return
    about = _about(one, charge.name, charge.cycle, group.cycle)
    said = f"{charge.name} comes round less often than the overage of {group.name}."
    yield found(one, "base_longer", said, about, {}, part=charge.name)


def _of_schedules(one: Agreed) -> Iterator[Found]:
    layer, terms = one.layer, one.terms
    for planned in terms.rate_schedules:
        if planned.cycle_unit is None:
            continue  # it follows what it raises
        for name, cycle in _raised(terms, planned):
            if layer.length(planned.cycle) != layer.length(cycle):
                about = _about(one, planned.name, planned.cycle, cycle)
                said = f"{planned.name} comes round otherwise than {name}, which it raises."
                part = f"{planned.name} {name}"
                yield found(one, "schedule_differs", said, about, {}, part=part)


def _raised(terms: Contract, planned: RateSchedule) -> Iterator[tuple[str, Cycle]]:
    if planned.applies_to == "base":
        every = [(charge.name, charge.cycle) for charge in terms.base_charges]
    else:
        every = [(group.name, group.cycle) for group in terms.meter_groups]
        every += [(line.code, line.allotment or Cycle()) for line in terms.lines]
    yield from (one for one in every if planned.ref in {None, one[0]})


def _about(one: Agreed, part: str, cycle: Cycle, other: Cycle) -> dict[str, str]:
    mine, theirs = one.layer.length(cycle), one.layer.length(other)
    return {
        "part": part,
        "cycle": f"{mine.units} {mine.unit}",
        "other": f"{theirs.units} {theirs.unit}",
    }
