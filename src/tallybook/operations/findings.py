"""Findings as they are listed, read and dealt with, by people; nothing is found here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from tallybook.alerts._check import check, codes
from tallybook.model import limits
from tallybook.model.alert import (
    Finding,
    FindingAct,
    FindingEvent,
    FindingPage,
    FindingQuery,
    FindingStatus,
)
from tallybook.model.alert_ports import Alerts
from tallybook.model.directory import Directory
from tallybook.model.errors import Forbidden, Invalid, NotFound
from tallybook.model.nouns import Document, Instant, Name, Noun, parse
from tallybook.model.scope import Scope
from tallybook.operations import checks, policies
from tallybook.operations._page import check_limit
from tallybook.operations._times import check_snooze
from tallybook.operations.subscriptions import SUBSCRIBERS, Note

_ACTS: Final[dict[FindingStatus, FindingAct]] = {
    "open": "reopened",
    "acknowledged": "acknowledged",
    "snoozed": "snoozed",
    "resolved": "resolved",
}


class FindingChange(Noun):
    """What is to become of a finding; a snooze needs `until`."""

    status: Literal["open", "acknowledged", "snoozed", "resolved"]
    until: Instant | None = None
    note: Note | None = None


class FindingsChange(FindingChange):
    """What is to become of several findings: of all or of none."""

    ids: Annotated[tuple[Name, ...], Field(min_length=1, max_length=limits.PAGE_ROWS_MAX)]


@dataclass(frozen=True, slots=True)
class History:
    """A finding with what happened to it, oldest first."""

    finding: Finding
    events: tuple[FindingEvent, ...]


def listed(scope: Scope, alerts: Alerts, directory: Directory, query: FindingQuery) -> FindingPage:
    """List findings of the accounts one may see, each as the scope may see it.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`.
    """
    scope.require("read")
    check_limit(query.limit)
    sort = query.sort
    if sort == "money_at_risk" and not scope.sees_prices:
        sort = "last_seen"  # the order would tell which is dearer
    page = alerts.page(scope, replace(query, sort=sort, visible=checks.visible(scope)))
    return replace(
        page,
        items=tuple(_told(scope, directory, one) for one in page.items),
        money_at_risk=page.money_at_risk if scope.sees_prices else {},
    )


def one(
    scope: Scope, alerts: Alerts, directory: Directory, finding_id: str, now: datetime
) -> History:
    """Return a finding with its history; customers are not told who of the vendor did what.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `finding_not_found`.
    """
    scope.require("read")
    found, events = _found(scope, alerts, finding_id, now)
    return _history(scope, directory, found, events)


def mark(
    scope: Scope,
    alerts: Alerts,
    directory: Directory,
    ids: Sequence[str],
    body: Document,
    now: datetime,
) -> list[History]:
    """Acknowledge, snooze, resolve or open findings again, all or none, and return them.

    What is resolved by hand and found again is told as its check's policy says.

    Raises:
        Forbidden: `verb_not_allowed`, `may_not_mark`, for a role that subscribes to nothing, and
            for a customer's own people and sales reps on what they did not subscribe to.
        NotFound: `finding_not_found`.
        Invalid: `document_invalid`, `until_missing`, `until_passed`, `until_too_far`.
        Conflict: `findings_changed`, where a run wrote one of them meanwhile.
    """
    scope.require("read")
    asked = parse(FindingChange, body)
    until = _until(asked, now)
    marked: list[Finding] = []
    events: list[FindingEvent] = []
    for finding_id in dict.fromkeys(ids):
        known, _ = _found(scope, alerts, finding_id, now)
        _require_own(scope, alerts, known)
        marked.append(_marked(known, asked, until, now))
        events.append(FindingEvent(known.id, now, scope.who, _ACTS[asked.status], asked.note))
    alerts.change_findings(scope, marked, events)
    return [one(scope, alerts, directory, each.id, now) for each in marked]


def mark_many(
    scope: Scope, alerts: Alerts, directory: Directory, body: Document, now: datetime
) -> list[History]:
    """Do the same with several findings; see `mark`."""
    asked = parse(FindingsChange, body)
    change = {"status": asked.status, "until": asked.until, "note": asked.note}
    return mark(scope, alerts, directory, asked.ids, change, now)


def _marked(known: Finding, asked: FindingChange, until: datetime | None, now: datetime) -> Finding:
    is_resolved = asked.status == "resolved"
    marked = replace(
        known,
        status=asked.status,
        until=until,
        note=asked.note or known.note,
        resolved_at=now if is_resolved else None,
    )
    if is_resolved and known.check in codes():
        return policies.forget(marked, check(known.check).POLICY)
    return marked


def _until(asked: FindingChange, now: datetime) -> datetime | None:
    if asked.status != "snoozed":
        return None
    if asked.until is None:
        raise Invalid("until_missing", "Say until when it is snoozed.", field="until")
    check_snooze(asked.until, now, "until")
    return asked.until


def _found(
    scope: Scope, alerts: Alerts, finding_id: str, now: datetime
) -> tuple[Finding, Collection[FindingEvent]]:
    found = alerts.finding(scope, finding_id, now)
    codes_seen = checks.visible(scope)
    if found is None or (codes_seen is not None and found[0].check not in codes_seen):
        raise NotFound("finding_not_found", f"There is no finding {finding_id!r} to be seen.")
    return found


def _require_own(scope: Scope, alerts: Alerts, finding: Finding) -> None:
    """Refuse who looks only, and customers and sales reps where somebody else subscribed."""
    subscription = alerts.subscription(scope, finding.subscription)
    is_own = subscription is not None
    if subscription is not None and scope.role == "sales_rep":
        is_own = subscription.owner == scope.who
    if scope.role not in SUBSCRIBERS or not scope.may("contact") or not is_own:
        raise Forbidden(
            "may_not_mark", "This finding is not yours to deal with; ask who subscribed to it."
        )


def _history(
    scope: Scope, directory: Directory, found: Finding, events: Collection[FindingEvent]
) -> History:
    shown = tuple(events)
    if not scope.sees_reasons:
        shown = tuple(
            event if event.by == scope.who else replace(event, by="", note=None) for event in events
        )
    return History(_told(scope, directory, found), shown)


def _told(scope: Scope, directory: Directory, found: Finding) -> Finding:
    """Return a finding as the scope may see it; its check may be gone with an older version."""
    shown = found if scope.sees_reasons else replace(found, note=None)
    if found.check in codes():
        return checks.told(scope, directory, check(found.check), shown)
    return shown if scope.sees_prices else replace(shown, inputs={}, outputs={}, money_at_risk=None)
