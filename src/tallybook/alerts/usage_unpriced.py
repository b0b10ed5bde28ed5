"""Check `usage.unpriced`: whether something is used that no contract counts."""

from collections.abc import Iterator
from datetime import timedelta

from tallybook.alerts._terms import Agreed, in_force
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View
from tallybook.positions.hierarchy import members

TITLE = "Used, and in no contract"
FINDS = "Events of an account that a meter counts and no line of a contract, or that no meter does."
TIPS = ("Set looked back to 9999 days once, to see all that was ever missed.",)
_BACK = "How many days back events are looked at."
VARIABLES = (Variable("looked_back", "days", "Looked back", _BACK, 5, minimum=1, maximum=9999),)
COLUMNS = (
    Column("type", "Type of event"),
    Column("meters", "Counted by"),
    Column("events", "Events", "quantity"),
    Column("first", "Since", "date"),
)
FINGERPRINT = ("type", "meters")
POLICY: RepeatPolicy = "new_within_days"
SCHEDULE: Preset = "daily"
RELATED = ("contract.setup_incomplete", "usage.feed_stale")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield (account, type) with events since `looked_back` days ago, of which no line in force
    today counts any: `no_line` where meters read the type, `no_meter` where none does.
    """
    readers: dict[str, list[str]] = {}
    for key, meter in view.directory.meters.items():
        readers.setdefault(meter.event_type, []).append(key)
    every = in_force(view, view.directory.keys("contract"))  # a pool above counts, too
    counted = {pair for one in every for pair in _counted(view, one)}
    events: dict[tuple[str, str], list[int]] = {}
    since: dict[tuple[str, str], str] = {}
    for row in view.traffic(view.now - timedelta(days=values["looked_back"])):
        events.setdefault((row.account, row.type), []).append(row.events)
        first = row.first.date().isoformat()
        since[row.account, row.type] = min(first, since.get((row.account, row.type), first))
    for (account, type_), found in sorted(events.items()):
        meters = sorted(readers.get(type_, ()))
        if any((account, key) in counted for key in meters):
            continue
        if view.stale:
            yield Unjudged(f"{account} {type_}", account, view.stale)
            continue
        said = f"{', '.join(meters)} counts them" if meters else "no meter counts them"
        yield Found(
            entity=f"{account} {type_}",
            account=account,
            state="no_line" if meters else "no_meter",
            message=f"{sum(found):,} events {type_!r} of {account}: {said}, and no contract.",
            inputs={"type": type_, "meters": ", ".join(meters)},
            outputs={"events": sum(found), "first": since[account, type_]},
        )


def _counted(view: View, one: Agreed) -> Iterator[tuple[str, str]]:
    """Yield (account, meter) that a contract counts: of its account, or its tree with a pool."""
    accounts = [one.terms.account]
    if one.terms.pooling != "none":
        tree = members(view.directory, one.terms.account, view.now - timedelta(1), view.now)
        accounts += [member.account for member in tree]
    for meter in one.terms.meters:
        for account in accounts:
            yield account, meter
