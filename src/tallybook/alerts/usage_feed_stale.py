"""Check `usage.feed_stale`: whether a source that used to send for an account fell silent."""

from collections.abc import Iterator
from datetime import timedelta

from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.usage import Traffic
from tallybook.model.view import View

TITLE = "Source fell silent"
FINDS = "Sources that used to send events for an account, and have not for some days."
TIPS = ("What is sent late is counted all the same.",)
_BACK = "How far back a source must have sent something to be missed."
VARIABLES = (
    Variable("looked_back", "days", "Looked back", _BACK, 90, minimum=1, maximum=3660),
    Variable("silent", "days", "Silent for", "More than so many days.", 3, minimum=0),
    Variable("steady", "whole", "Days it sent on", "Fewer are no habit yet.", 3, minimum=1),
)
COLUMNS = (
    Column("source", "Source"),
    Column("last", "Last sent on", "date"),
    Column("days", "Days silent", "days"),
    Column("events", "Events before", "quantity"),
)
FINGERPRINT = ("source", "last")
POLICY: RepeatPolicy = "every_run"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("meter.covered_zero_billed", "usage.anomaly", "usage.unpriced")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield (account, source) that sent on `steady` days at least within `looked_back` days, and
    nothing for more than `silent` days.
    """
    known: dict[tuple[str, str], list[Traffic]] = {}
    for row in view.traffic(view.now - timedelta(days=values["looked_back"])):
        known.setdefault((row.account, row.source), []).append(row)
    for (account, source), rows in sorted(known.items()):
        last = max(row.last for row in rows)
        silent = view.now - last
        if silent <= timedelta(days=values["silent"]):
            continue
        if max(row.days for row in rows) < values["steady"]:
            continue
        if view.stale:  # what waits to be counted may be what is missed
            yield Unjudged(f"{account} {source}", account, view.stale)
            continue
        yield Found(
            entity=f"{account} {source}",
            account=account,
            state="silent",
            message=f"{source} has sent nothing for {account} since {last:%Y-%m-%d}: "
            f"{silent.days} days.",
            inputs={"source": source, "last": last.date().isoformat()},
            outputs={"days": silent.days, "events": sum(row.events for row in rows)},
        )
