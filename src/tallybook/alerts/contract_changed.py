"""Check `contract.changed`: whether somebody changed what a contract says."""

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values, Variable
from tallybook.model.difference import difference
from tallybook.model.nouns import Document
from tallybook.model.ports import Version
from tallybook.model.schedule import Preset
from tallybook.model.view import View

TITLE = "Contract changed"
FINDS = "Changes of contracts, each version once: who made it, when, and what was changed."
TIPS = ("Name fields to hear of these only, such as base_charges or billing.",)
_FIELDS = "Only changes of these fields; all by default."
_BACK = "How far back; each is told once, so more than the schedule needs does no harm."
VARIABLES = (
    Variable("within", "days", "Made within", _BACK, 7, minimum=1, maximum=366),
    Variable("fields", "list", "Fields", _FIELDS, (), of="text"),
)
COLUMNS = (
    Column("version", "Version", "quantity"),
    Column("fields", "Changed"),
    Column("since", "Holds from", "date"),
    Column("by", "By"),
    Column("reason", "Reason"),
)
FINGERPRINT = ("version",)
POLICY: RepeatPolicy = "per_event"
SCHEDULE: Preset = "daily"
RELATED = ("rate.change_upcoming",)


def find(view: View, values: Values) -> Iterator[Found | Unjudged]:
    """Yield versions after the first that were recorded within `within` days and change one of
    `fields`.
    """
    since = view.now - timedelta(days=values["within"])
    for number in view.contracts():
        versions = view.directory.history("contract", number)
        if versions and versions[-1].recorded_at < since:
            continue
        for before, after in pairwise(versions):
            if after.recorded_at >= since:
                changed = _changed(before.document, after.document)
                wanted = changed & set(values["fields"]) if values["fields"] else changed
                if wanted:
                    yield _found(number, after, sorted(wanted))


def _changed(before: Document, after: Document) -> set[str]:
    return {re.split(r"[.\[]", one.field)[0] for one in difference(before, after)}


def _found(number: str, version: Version, fields: list[str]) -> Found:
    return Found(
        entity=number,
        account=version.document["account"],
        state="changed",
        message=f"Version {version.number} changed {', '.join(fields)}.",
        inputs={"version": version.number},
        outputs={
            "fields": ", ".join(fields),
            "since": version.valid_from.isoformat() if version.valid_from else None,
            "by": version.author,
            "reason": version.reason,
        },
        contract=number,
        branch=version.document.get("branch"),
        step=str(version.number),
    )
