"""Check `usage.feed_stale`: whether a source that used to send for an account fell silent."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.view import View
from tallybook.positions.self_check import silent

TITLE = "Source fell silent"
FINDS = "Sources that used to send events for an account, and have not for longer than is usual."
TIPS = (
    "A source is missed after three times its usual pause: one that sends weekly, after weeks.",
    "What is sent late is counted all the same.",
    "An account that is closed is not waited for.",
)
_BACK = "How far back a source must have sent something to be missed."
_SILENT = "Shorter silences are not spoken of."
VARIABLES = (
    Variable("looked_back", "days", "Looked back", _BACK, 90, minimum=1, maximum=3660),
    Variable("silent", "days", "Silent for more than", _SILENT, 3, minimum=0, maximum=3660),
)
COLUMNS = (
    Column("source", "Source"),
    Column("last", "Last sent on", "date"),
    Column("days", "Days silent", "days"),
    Column("usual", "Usual pause", "days"),
)
FINGERPRINT = ("source", "last")
POLICY: RepeatPolicy = "every_run"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("ingest.rejected", "meter.covered_zero_billed", "usage.anomaly", "usage.unpriced")
_DAY: Final = timedelta(days=1)


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield (account, source) that sent something within `looked_back` days, is silent by the rule
    of the self-check, and is so for more than `silent` days.
    """
    sent = view.traffic(view.now - values["looked_back"] * _DAY)
    for one in silent(sent, view.now):
        entity, pause = f"{one.account} {one.source}", view.now - one.last
        account = view.directory.account(one.account)
        if pause <= values["silent"] * _DAY or (account and account.status == "closed"):
            continue
        if view.stale is not None:
            yield Unjudged(entity, one.account, view.stale)
            continue
        days = pause // _DAY
        yield Found(
            entity=entity,
            account=one.account,
            state="silent",
            message=f"{one.source} has sent nothing for {one.account} since {one.last:%Y-%m-%d}: "
            f"{days} days.",
            inputs={"source": one.source, "last": one.last.date().isoformat()},
            outputs={"days": days, "usual": -(-one.usual // _DAY)},
        )
