"""Check `rate.no_escalation`: whether no increase of its rates is planned for a contract."""

from collections.abc import Iterator
from datetime import timedelta

from tallybook.alerts._terms import found, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.contract import Contract
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "No increase planned"
FINDS = "Contracts in force for long whose base charges or overage rates have no planned increase."
TIPS = ("A contract that is meant to stay as it is can be left out with a note.",)
_MONTHS = "Contracts in force for fewer days are left out."
VARIABLES = (
    Variable("days", "days", "In force for", _MONTHS, 365, minimum=0, maximum=36600),
    Variable("types", "list", "Contract types", "Only these; all by default.", (), of="text"),
)
COLUMNS = (Column("kind", "Of"), Column("since", "In force since", "date"))
FINGERPRINT = ("kind",)
POLICY: RepeatPolicy = "every_run"
SCHEDULE: Preset = "weekly"
RELATED = ("rate.change_upcoming",)


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield contracts with base charges, or with rates of lines or groups, and no rate schedule of
    that kind; one that lacks both kinds is told of once for each.
    """
    for one in in_force(view):
        terms, since = one.terms, one.agreed.stretches[0].start
        if one.day - since < timedelta(days=values["days"]):
            continue
        if values["types"] and terms.type not in values["types"]:
            continue
        planned = {schedule.applies_to for schedule in terms.rate_schedules}
        has = {"base": bool(terms.base_charges), "overage": _has_rates(terms)}
        for kind in ("base", "overage"):
            if has[kind] and kind not in planned:
                said = f"No increase of its {kind} rates is planned."
                yield found(
                    one, "none", said, {"kind": kind}, {"since": since.isoformat()}, part=kind
                )


def _has_rates(terms: Contract) -> bool:
    """Tell whether there is something that an increase of overage rates would raise."""
    return any(line.price for line in terms.lines) or any(
        group.overage_rate or group.overage_tiers for group in terms.meter_groups
    )
