"""Check `usage.unpriced`: whether something is used that no contract counts."""

from collections.abc import Iterator
from datetime import timedelta

from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.schedule import Preset
from tallybook.model.usage import Traffic
from tallybook.model.view import View
from tallybook.positions.agreement import agreement
from tallybook.positions.hierarchy import above
from tallybook.positions.self_check import alike

TITLE = "Used, and in no contract"
FINDS = (
    "Events that no contract counts: none has a line for them, no meter reads them, or there is no "
    "such account."
)
TIPS = (
    "Set looked back to 9999 days once, to see all that was ever missed.",
    "Accounts that nobody defined are found only where all accounts and branches are looked at.",
)
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
RELATED = ("contract.setup_incomplete", "ingest.rejected", "usage.feed_stale")


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield (account, type) with events since `looked_back` days ago, where no contract in force at
    the newest of them counts it: `no_account` where the account was never defined, else `no_line`
    where meters read the type and `no_meter` where none does.
    """
    readers: dict[str, list[str]] = {}
    for key, meter in view.directory.meters.items():
        readers.setdefault(meter.event_type, []).append(key)
    since = view.now - timedelta(days=values["looked_back"])
    strangers = view.strangers(since)
    sent: dict[tuple[str, str], list[Traffic]] = {}
    for row in (*view.traffic(since), *strangers):
        sent.setdefault((row.account, row.type), []).append(row)
    unknown = _unknown(view, {row.account for row in strangers})
    for (account, type_), rows in sorted(sent.items()):
        meters = sorted(readers.get(type_, ()))
        if any(not counted.isdisjoint(meters) for counted in _counted(view, account, rows)):
            continue
        if view.stale is not None:
            yield Unjudged(f"{account} {type_}", account, view.stale)
        else:
            yield _found(account, rows, meters, unknown.get(account))


def _counted(view: View, account: str, rows: list[Traffic]) -> Iterator[frozenset[str]]:
    """Yield the meters of each contract that counts what an account used last: one of its own, or
    one above it with a pool.
    """
    at = max(row.last for row in rows)
    for owner in above(view.directory, account, at):
        for number in view.directory.contracts_of(owner):
            agreed = agreement(view.directory, number)
            day = agreed.day_of(at)
            terms = None if day is None else agreed.on(day)
            if terms is None or terms.account != owner:
                continue
            if owner == account or terms.pooling != "none":
                yield terms.meters


def _unknown(view: View, strangers: set[str]) -> dict[str, str]:
    """Return what to say of each account that nobody defined."""
    known = view.directory.ever("account") if strangers else ()
    meant = {like: key for key in known for like in alike(key)}
    hints = {key: f", it reads like {meant[key]}" if key in meant else "" for key in strangers}
    return {key: f"there is no such account{hint}" for key, hint in hints.items()}


def _found(account: str, rows: list[Traffic], meters: list[str], unknown: str | None) -> Found:
    events, type_ = sum(row.events for row in rows), rows[0].type
    said = f"{', '.join(meters)} counts them" if meters else "no meter counts them"
    return Found(
        entity=f"{account} {type_}",
        account=account,
        state="no_account" if unknown else "no_line" if meters else "no_meter",
        message=f"{events:,} event{'s' * (events != 1)} {type_!r} of {account}: {unknown or said}, "
        "and no contract.",
        inputs={"type": type_, "meters": ", ".join(meters)},
        outputs={"events": events, "first": min(row.first for row in rows).date().isoformat()},
    )
