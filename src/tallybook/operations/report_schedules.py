"""Subscriptions to pages: what their owner has sent as a file, and when it is due next. Each is its
owner's alone. Makes and sends nothing: `report` asks for the page anew for each recipient, with the
scope that they have on that day.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode

from pydantic import Field, StringConstraints

from tallybook.model import limits
from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.ids import new_id
from tallybook.model.mark import Mark, minute_of
from tallybook.model.nouns import Document, Noun, parse
from tallybook.model.ports import People, Schedules
from tallybook.model.schedule import FileFormat, ReportRun, ReportSchedule
from tallybook.model.scope import Scope
from tallybook.operations import pages
from tallybook.operations._page import Page, page_of
from tallybook.operations._times import Times, next_due
from tallybook.operations.people import Email, Plain
from tallybook.operations.position import Instants
from tallybook.operations.subscriptions import may_subscribe

#: Of a subscription's runs, the newest.
_RUNS: Final = 50


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
    """Add a subscription; where the caller has one for the same page, times and recipients in the
    same format, return it.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `contract_not_found`, `line_not_found`, `account_not_found`.
        Invalid: `document_invalid`, `page_unknown`, `filter_unknown`, `time_invalid`,
            `cron_invalid`, `schedule_too_often`, `recipients_missing`, `recipient_unknown`,
            `recipient_not_allowed`, `too_many_schedules`.
    """
    scope.require("read")
    asked = parse(NewReportSchedule, body)
    kept = pages.kept(asked.page, asked.query.lstrip("?"))
    when = Instants(now, Mark(0, directory.revision, minute_of(now)))
    pages.check(scope, directory.on(now.date()), asked.page, kept, when)
    query = urlencode(kept)
    made = ReportSchedule(
        new_id(now),
        scope.who,
        asked.name or _name(pages.key_of(asked.page) or (), query),
        asked.page,
        query,
        asked.format,
        asked.schedule.fields,
        asked.schedule.timezone,
        _recipients(scope, people, asked.recipients, now),
        asked.enabled,
        created_at=now,
        since=now,
    )
    next_run(made, now)
    _check_often(made.cron)
    known = schedules.schedules(scope)
    is_new = all(one.asked != made.asked for one in known)
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
    """Change a subscription of the caller's: its name, its times, whether it is on. What was due
    while it was off or had other times is not made up for.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `schedule_not_found`.
        Invalid: `document_invalid`, `cron_invalid`, `schedule_too_often`.
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
    if times is not None:
        _check_often(changed.cron)
    is_on = changed.enabled and not known.enabled
    if is_on or (changed.cron, changed.timezone) != (known.cron, known.timezone):
        changed = replace(changed, since=now)
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


def runs(scope: Scope, schedules: Schedules, schedule_id: str) -> list[ReportRun]:
    """Return the newest times that a subscription of the caller's was due, newest first.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `schedule_not_found`.
    """
    scope.require("read")
    if all(one.id != schedule_id for one in schedules.schedules(scope)):
        raise _not_found()
    return schedules.runs(scope, schedule_id, _RUNS)


def next_run(schedule: ReportSchedule, now: datetime) -> datetime | None:
    """Return when a subscription is due next, in UTC; None while it is off.

    Raises:
        Invalid: `cron_invalid`.
    """
    due = next_due(schedule.cron, schedule.timezone, now)
    return due if schedule.enabled else None


def check_recipient(scope: Scope, people: People, address: str, now: datetime) -> None:
    """Refuse, of who is bound to accounts, to send to anybody but their users; of who subscribes to
    no checks, to anybody but users.

    Raises:
        Invalid: `recipient_unknown`, `recipient_not_allowed`.
    """
    if address == scope.who:
        return
    user = people.user(scope, address)
    if scope.accounts is None:
        if user is None and not may_subscribe(scope):
            raise Invalid(
                "recipient_not_allowed",
                f"{address} is no user, and the role {scope.role} sends to users only; have an "
                "administrator add the user, or subscribe to this page.",
                field="recipients",
            )
    elif user is None or user.account is None or not scope.sees(user.account, now):
        raise Invalid(
            "recipient_unknown",
            f"{address} is no user of the accounts of {scope.who}.",
            field="recipients",
        )


def _check_often(cron: str) -> None:
    """Refuse more than one minute of an hour: each time makes a file for each recipient."""
    if not cron.split(maxsplit=1)[0].isdecimal():
        raise Invalid(
            "schedule_too_often",
            "A page is sent once an hour at most; give one minute, for example '0 7 * * 1-5'.",
            field="schedule.cron",
        )


def _name(found: tuple[str, ...], query: str) -> str:
    title = " · ".join(found) or "Volume"
    said = [f"{name} {value}" for name, value in parse_qsl(query) if name not in {"sort", "dir"}]
    return ", ".join([title, *said])[: limits.NAME_CHARS_MAX]


def _recipients(
    scope: Scope, people: People, asked: tuple[str, ...], now: datetime
) -> tuple[str, ...]:
    """Return whom to send to: the caller where nobody is named."""
    own = (scope.who,) if people.user(scope, scope.who) else ()
    wanted = tuple(dict.fromkeys(asked)) or own
    if not wanted:
        raise Invalid(
            "recipients_missing",
            "A key has no address of its own; name whom to send to in recipients.",
            field="recipients",
        )
    for address in wanted:
        check_recipient(scope, people, address, now)
    return wanted


def _not_found() -> NotFound:
    return NotFound("schedule_not_found", "You have no subscription with this id.")
