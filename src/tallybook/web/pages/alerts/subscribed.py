"""Subscriptions to checks: the list, and one with its runs and what can be done with it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model import limits
from tallybook.model.alert import FindingQuery, Run, Subscription
from tallybook.model.check import Check
from tallybook.model.errors import Conflict, Forbidden, Invalid, NotFound
from tallybook.model.scope import Scope
from tallybook.model.time import Calendar, parse_date
from tallybook.operations import checks as checks_op
from tallybook.operations import findings as findings_op
from tallybook.operations import subscriptions as subscriptions_op
from tallybook.operations import watch as watch_op
from tallybook.operations.checks import Listed
from tallybook.operations.readdress import readdress
from tallybook.web.api.subscriptions import desk
from tallybook.web.pages import format as say
from tallybook.web.pages.alerts import view as views
from tallybook.web.pages.alerts import words
from tallybook.web.pages.alerts.form import body_of, form_of, said_of, with_fault
from tallybook.web.pages.cases.contact import Fields
from tallybook.web.pages.frame import SUBSCRIPTIONS, frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Fact, Link
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_SEE_OTHER: Final = 303
_RUNS: Final = 20
_REFUSED: Final = (Conflict, Forbidden, Invalid, NotFound)
_KINDS: Final = {"standard": "As scheduled", "full": "Full sweep", "test": "Test"}


@router.get(words.SUBSCRIBED)
def subscribed(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the subscriptions one may see."""
    view = _list(request, scope, service, views.AddressForm())
    return HTMLResponse(page("alert_subscriptions.html", view))


@router.post(words.SUBSCRIBED)
def move_address(request: Request, scope: SignedIn, service: Service, fields: Fields) -> Response:
    """Say where an address would take the place of another, or put it there."""
    old, new, wanted = fields.get("from", ""), fields.get("to", ""), fields.get("do") == "replace"
    body = {"from": old, "to": new, "dry_run": not wanted}
    form, status = views.AddressForm(old, new), 200
    try:
        found = readdress(scope, desk(service), service.schedules, body, service.clock.now())
    except _REFUSED as e:
        form, status = replace(form, problem=e.detail), status_of(e)
    else:
        where = tuple(Link(one.name, f"{words.SUBSCRIBED}/{one.id}") for one in found.checks)
        where += tuple(Link(one.name, SUBSCRIPTIONS) for one in found.pages)
        changed = say.plural(len(where), "subscription tells", "subscriptions tell")
        done = views.AddressForm(notice=f"{changed} {new} in place of {old}.")
        form = done if wanted else replace(form, where=where)
    view = _list(request, scope, service, form)
    return HTMLResponse(page("alert_subscriptions.html", view), status)


def _list(
    request: Request, scope: Scope, service: Services, move: views.AddressForm
) -> views.SubscriptionsPage:
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    titles = {one.code: one.title for one in checks_op.catalogue(scope)}
    found = subscriptions_op.mine(scope, service.alerts, limit=limits.PAGE_ROWS_MAX).items

    def row(one: Subscription) -> views.SubscriptionRow:
        query = FindingQuery(now, subscription=one.id, limit=1)
        return views.SubscriptionRow(
            one.name,
            f"{words.SUBSCRIBED}/{one.id}",
            titles.get(one.check, one.check),
            one.owner,
            words.times_of(one.cron),
            one.timezone,
            subscriptions_op.next_run(one, now),
            words.told(one.recipients),
            one.enabled,
            one.mode == "test",
            findings_op.listed(scope, service.alerts, directory, query).total,
        )

    return views.SubscriptionsPage(
        frame(request, scope, directory, "Alert subscriptions"),
        (Link("Alerts", words.ALERTS), Link("Subscriptions", words.SUBSCRIBED)),
        tuple(map(row, found)),
        move if _tells(scope, service) else None,
    )


def _tells(scope: Scope, service: Services) -> bool:
    """Tell whether somebody has, or may have, subscriptions that tell addresses."""
    return subscriptions_op.may_subscribe(scope) or bool(service.schedules.schedules(scope))


@router.get(f"{words.SUBSCRIBED}/{{subscription_id}}")
def subscription(
    request: Request, scope: SignedIn, service: Service, subscription_id: str
) -> Response:
    """Show one subscription."""
    view = _page(request, scope, service, subscription_id)
    return HTMLResponse(page("alert_subscription.html", view))


@router.post(f"{words.SUBSCRIBED}/{{subscription_id}}")
def act(
    request: Request, scope: SignedIn, service: Service, subscription_id: str, fields: Fields
) -> Response:
    """Do what the pressed button says: run it, change it, put it to sleep, leave something out."""
    try:
        done = _do(scope, service, subscription_id, fields)
    except _REFUSED as e:
        view = _page(request, scope, service, subscription_id, problem=e.detail)
        if fields.get("do") == "change":
            form = form_of(_check(scope, service, subscription_id), fields)
            view = replace(view, form=with_fault(form, e), is_wrong=True)
        elif fields.get("do") == "leave_out":
            typed = (fields.get("what", ""), fields.get("note", ""))
            named = str(e.facts.get("field", ""))
            view = replace(view, leaving=views.LeavingOut(*typed, named, e.detail))
        return HTMLResponse(page("alert_subscription.html", view), status_of(e))
    if done == "removed":
        return RedirectResponse(words.SUBSCRIBED, _SEE_OTHER)
    if done:
        view = _page(request, scope, service, subscription_id, notice=done)
        return HTMLResponse(page("alert_subscription.html", view))
    return RedirectResponse(f"{words.SUBSCRIBED}/{subscription_id}", _SEE_OTHER)


def _do(scope: Scope, service: Services, key: str, fields: Mapping[str, str]) -> str:
    """Do it, and return what is to be said about it."""
    now = service.clock.now()
    match fields.get("do", ""):
        case "remove":
            subscriptions_op.unsubscribe(scope, service.alerts, key, now)
            return "removed"
        case "on" | "off" as turned:
            body: dict[str, Any] = {"enabled": turned == "on"}
        case "run" | "full" | "test" as kind:
            one = subscriptions_op.one(scope, service.alerts, key)
            wanted = "standard" if kind == "run" else kind
            told = watch_op.run(scope, service.watched, one, now, wanted)
            said = say.plural(len(told.said), "finding", "findings")
            mails = say.plural(len(told.deliveries), "message", "messages")
            return f"{told.run.evaluated} contracts looked at; {said} told in {mails}."
        case "look":
            return _looked(scope, service, key, now)
        case "wake":
            body = {"snooze_until": None}
        case "snooze":
            zone = subscriptions_op.one(scope, service.alerts, key).timezone
            until = _morning(fields.get("until", ""), zone)
            body = {"snooze_until": until, "snooze_note": fields.get("note", "")}
        case "leave_out" | "mention" as done:
            body = {"excluded": _left_out(scope, service, key, fields, added=done == "leave_out")}
        case "change":
            body = {"name": "", **body_of(_check(scope, service, key), fields)}
        case _:
            raise Invalid("action_unknown", "Press one of the buttons of this page.", field="do")
    subscriptions_op.change(scope, desk(service), key, body, now)
    return ""


def _looked(scope: Scope, service: Services, key: str, now: datetime) -> str:
    """Say what a run would do now, without doing it."""
    one = subscriptions_op.one(scope, service.alerts, key)
    would = watch_op.run(scope, service.watched, one, now, dry_run=True)
    if not would.deliveries:
        found = say.plural(would.run.found, "finding", "findings")
        return f"A run now would tell nothing new: {found}, said before or to nobody."
    said = say.plural(len(would.said), "finding", "findings")
    to = {address for mail in would.deliveries for address in mail.addresses}
    whom = ", ".join(sorted(to)) or "webhooks"
    mails = say.plural(len(would.deliveries), "message", "messages")
    return f"A run now would tell {said} in {mails}, to {whom}. Nothing was sent."


def _morning(until: str, zone: str) -> datetime:
    """Return when a day begins in a zone.

    Raises:
        Invalid: `date_invalid`.
    """
    return Calendar(zone).start_of(parse_date(until, name="until"))


def _left_out(
    scope: Scope, service: Services, key: str, fields: Mapping[str, str], *, added: bool
) -> dict[str, str]:
    """Return what a subscription does not mention, with one more, or one less.

    Raises:
        Invalid: `entity_missing`, `note_missing`.
    """
    known = dict(subscriptions_op.one(scope, service.alerts, key).excluded or {})
    what = fields.get("what", "").strip()
    if not added:
        return {name: note for name, note in known.items() if name != what}
    if not what:
        raise Invalid("entity_missing", "Name a contract, or what a finding is of.", field="what")
    note = fields.get("note", "").strip()
    if not note:
        raise Invalid("note_missing", "Say why it is in order as it is.", field="note")
    return {**known, what: note}


def _check(scope: Scope, service: Services, key: str) -> Check:
    one = subscriptions_op.one(scope, service.alerts, key)
    return checks_op.listed(scope, one.check).check


def _page(
    request: Request,
    scope: Scope,
    service: Services,
    key: str,
    *,
    problem: str = "",
    notice: str = "",
) -> views.SubscriptionPage:
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    one = subscriptions_op.one(scope, service.alerts, key)
    listed = checks_op.listed(scope, one.check)
    runs, _ = subscriptions_op.runs(scope, service.alerts, key, limit=_RUNS)
    here = f"{words.SUBSCRIBED}/{one.id}"
    return views.SubscriptionPage(
        frame(request, scope, directory, one.name),
        (
            Link("Alerts", words.ALERTS),
            Link("Subscriptions", words.SUBSCRIBED),
            Link(one.name, here),
        ),
        one.name,
        one.timezone,
        tuple(_facts(one, listed, now)),
        tuple(map(_run, runs)),
        Link(listed.title, f"{words.ALERTS}/{one.check}"),
        Link("What it found", f"{words.FINDINGS}?subscription={one.id}"),
        here,
        one.enabled,
        subscriptions_op.may_change(scope, one),
        form_of(listed.check, said_of(listed.check, one)),
        _snooze(one, now),
        (Calendar(one.timezone).day_of(now) + timedelta(days=1)).isoformat(),
        tuple(Fact(name, note) for name, note in sorted((one.excluded or {}).items())),
        is_new="saved" in request.query_params,
        problem=problem,
        notice=notice,
    )


def _snooze(one: Subscription, now: datetime) -> views.Snooze | None:
    if one.snooze_until is None or one.snooze_until <= now:
        return None
    return views.Snooze(one.snooze_until, one.snooze_note or "")


def _facts(one: Subscription, listed: Listed, now: datetime) -> list[Fact]:
    due = subscriptions_op.next_run(one, now)
    facts = [
        Fact("Owner", one.owner),
        Fact("When", f"{words.times_of(one.cron)}, {one.timezone} time"),
        Fact("Next run", say.moment(due, one.timezone) if due else "off"),
        Fact("Goes to", words.told(one.recipients)),
        Fact("Accounts", ", ".join(one.accounts) or "all"),
        Fact("Branches", ", ".join(one.branches) or "all"),
    ]
    titles = {variable.key: variable.title for variable in listed.check.VARIABLES}
    said = ((titles.get(name, name), value) for name, value in one.values.items())
    facts += [Fact(title, _said(value)) for title, value in said if value is not None]
    facts.append(Fact("Mails", _mails(one)))
    if one.subject:
        facts.append(Fact("Subject", one.subject))
    if one.digest:
        facts.append(Fact("Digest", one.digest))
    if one.mode == "test":
        facts.append(Fact("Test", "mails go to its owner alone"))
    return facts


def _mails(one: Subscription) -> str:
    split = {"none": "one for all", "branch": "one a branch", "recipient": "one a recipient"}
    return split[one.split_by] + (", also when nothing is found" if one.sends_empty else "")


def _said(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "all"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _run(run: Run) -> views.RunRow:
    unjudged = ", ".join(
        f"{words.REASONS.get(reason, reason)}: {count}"
        for reason, count in sorted((run.unjudged or {}).items())
    )
    return views.RunRow(
        run.started_at,
        _KINDS[run.kind],
        run.evaluated,
        run.found,
        run.said,
        run.resolved,
        unjudged,
        run.error or "",
        f"{words.OUTBOX}?run={run.id}" if run.said else "",
    )
