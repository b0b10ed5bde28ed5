"""Subscriptions to pages: what their owner has sent as a file, and when it is due next. Each is its
owner's alone. Sends nothing: whoever does asks for the page anew for each recipient, with the scope
that they have on that day.
"""

import re
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import parse_qsl, unquote, urlencode

from pydantic import Field, StringConstraints

from tallybook.model import limits
from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.ids import new_id
from tallybook.model.nouns import Document, Noun, parse
from tallybook.model.ports import People, Schedules
from tallybook.model.schedule import FileFormat, ReportSchedule
from tallybook.model.scope import Scope
from tallybook.operations._page import Page, page_of
from tallybook.operations._times import Times, next_due
from tallybook.operations.people import Email, Plain
from tallybook.operations.position import spans_seen

#: What an address says of how a page looks, and not of what is on it.
OF_THE_VIEW: Final = frozenset({"page", "open", "view", "format"})
_PAGE: Final = re.compile(r"/volume(?:/([^/?#]+)/([^/?#]+))?")


class NewReportSchedule(Noun):
    """What is asked of a new subscription; without recipients it goes to who asks."""

    page: Annotated[str, StringConstraints(max_length=limits.NAME_CHARS_MAX * 2)]
    query: Annotated[str, StringConstraints(max_length=limits.PAGE_QUERY_CHARS_MAX)] = ""
    name: Plain | None = None
    format: FileFormat = "xlsx"
    schedule: Times = Times(preset="weekday_mornings")
    recipients: Annotated[tuple[Email, ...], Field(max_length=20)] = ()
    enabled: bool = True


class ReportScheduleChange(Noun):
    """What is to be different; what is left out, or null, stays."""

    name: Annotated[Plain, Field(min_length=1)] | None = None
    schedule: Times | None = None
    enabled: bool | None = None


def subscribe(
    scope: Scope,
    schedules: Schedules,
    people: People,
    directory: Directory,
    body: Document,
    now: datetime,
) -> ReportSchedule:
    """Add a subscription; for a page that the caller has already, in the same format, return it.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `contract_not_found`, `line_not_found`.
        Invalid: `document_invalid`, `page_unknown`, `cron_invalid`, `recipients_missing`,
            `recipient_unknown`, `too_many_schedules`.
    """
    scope.require("read")
    asked = parse(NewReportSchedule, body)
    found = _page(scope, directory, asked.page, now)
    query = urlencode(
        sorted((n, v) for n, v in parse_qsl(asked.query.lstrip("?")) if n not in OF_THE_VIEW)
    )
    made = ReportSchedule(
        new_id(now),
        scope.who,
        asked.name or _name(found, query),
        asked.page,
        query,
        asked.format,
        asked.schedule.fields,
        asked.schedule.timezone,
        _recipients(scope, people, asked.recipients),
        asked.enabled,
        now,
    )
    next_run(made, now)
    known = schedules.schedules(scope)
    same = (made.page, made.query, made.format)
    is_new = all((one.page, one.query, one.format) != same for one in known)
    if is_new and len(known) >= limits.SCHEDULES_MAX:
        raise Invalid(
            "too_many_schedules",
            f"Nobody has more than {limits.SCHEDULES_MAX} subscriptions; remove one first.",
            limit=limits.SCHEDULES_MAX,
        )
    return schedules.add(scope, made)


def mine(
    scope: Scope,
    schedules: Schedules,
    *,
    cursor: str | None = None,
    limit: int = limits.PAGE_ROWS_DEFAULT,
) -> Page[ReportSchedule]:
    """Return the caller's subscriptions, oldest first.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("read")
    return page_of(schedules.schedules(scope), lambda one: one.id, cursor=cursor, limit=limit)


def change(
    scope: Scope, schedules: Schedules, schedule_id: str, body: Document, now: datetime
) -> ReportSchedule:
    """Change a subscription of the caller's: its name, its times, whether it is on.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `schedule_not_found`.
        Invalid: `document_invalid`, `cron_invalid`.
    """
    scope.require("read")
    asked = parse(ReportScheduleChange, body)
    known = next((one for one in schedules.schedules(scope) if one.id == schedule_id), None)
    if known is None:
        raise _not_found()
    times = asked.schedule
    changed = replace(
        known,
        name=asked.name or known.name,
        cron=times.fields if times else known.cron,
        timezone=times.timezone if times else known.timezone,
        enabled=known.enabled if asked.enabled is None else asked.enabled,
    )
    next_run(changed, now)
    if changed != known:
        schedules.change(scope, changed, now)
    return changed


def unsubscribe(scope: Scope, schedules: Schedules, schedule_id: str, now: datetime) -> None:
    """Remove a subscription of the caller's.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `schedule_not_found`.
    """
    scope.require("read")
    if not schedules.remove(scope, schedule_id, now):
        raise _not_found()


def next_run(schedule: ReportSchedule, now: datetime) -> datetime | None:
    """Return when a subscription is due next, in UTC; None while it is off.

    Raises:
        Invalid: `cron_invalid`.
    """
    due = next_due(schedule.cron, schedule.timezone, now)
    return due if schedule.enabled else None


def _page(scope: Scope, directory: Directory, page: str, now: datetime) -> tuple[str, ...]:
    """Return the contract and line of a page, nothing for that of all lines."""
    found = _PAGE.fullmatch(page)
    if found is None:
        raise Invalid(
            "page_unknown",
            "page must be /volume or /volume/CONTRACT/LINE; these can be subscribed to.",
            field="page",
        )
    if found[1] is None:
        return ()
    number, code = unquote(found[1]), unquote(found[2])
    spans = spans_seen(scope, directory, number, now)
    if not any(code in span.noun.codes for span in spans):
        raise NotFound("line_not_found", f"The contract {number} has no line {code!r}.")
    return number, code


def _name(found: tuple[str, ...], query: str) -> str:
    title = " · ".join(found) or "Volume"
    said = [f"{name} {value}" for name, value in parse_qsl(query) if name not in {"sort", "dir"}]
    return ", ".join([title, *said])[: limits.NAME_CHARS_MAX]


def _recipients(scope: Scope, people: People, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return whom to send to: the caller, or other users where the caller sees all accounts."""
    own = (scope.who,) if people.user(scope, scope.who) else ()
    wanted = tuple(dict.fromkeys(asked)) or own
    if not wanted:
        raise Invalid(
            "recipients_missing",
            "A key has no address of its own; name the users to send to in recipients.",
            field="recipients",
        )
    for email in wanted:
        is_bound = scope.accounts is not None
        if email not in own and (is_bound or people.user(scope, email) is None):
            raise Invalid(
                "recipient_unknown",
                f"{email} is no user to send to"
                + (" but yourself." if is_bound else "; add the user first."),
                field="recipients",
            )
    return wanted


def _not_found() -> NotFound:
    return NotFound("schedule_not_found", "You have no subscription with this id.")
