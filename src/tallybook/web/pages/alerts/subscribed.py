"""Subscriptions to checks: the list, and one with its runs and what can be done with it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model import limits
from tallybook.model.alert import FindingQuery, Run, Subscription
from tallybook.model.errors import Conflict, Forbidden, Invalid
from tallybook.model.scope import Scope
from tallybook.operations import checks as checks_op
from tallybook.operations import findings as findings_op
from tallybook.operations import subscriptions as subscriptions_op
from tallybook.operations import watch as watch_op
from tallybook.operations.checks import Listed
from tallybook.web.api.subscriptions import desk
from tallybook.web.pages import format as say
from tallybook.web.pages.alerts import view as views
from tallybook.web.pages.alerts import words
from tallybook.web.pages.cases.contact import Fields
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Fact, Link
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_SEE_OTHER: Final = 303
_RUNS: Final = 20
_KINDS: Final = {"standard": "As scheduled", "full": "Full sweep", "test": "Test"}


@router.get(words.SUBSCRIBED)
def subscribed(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the subscriptions one may see."""
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

    view = views.SubscriptionsPage(
        frame(request, scope, directory, "Alert subscriptions"),
        (Link("Alerts", words.ALERTS), Link("Subscriptions", words.SUBSCRIBED)),
        tuple(map(row, found)),
    )
    return HTMLResponse(page("alert_subscriptions.html", view))


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
    """Do what the pressed button says: run it, turn it off or on, change whom it tells, remove."""
    try:
        done = _do(scope, service, subscription_id, fields)
    except (Conflict, Forbidden, Invalid) as e:
        view = _page(request, scope, service, subscription_id, problem=e.detail)
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
        case _:
            to = tuple(p for p in (p.strip() for p in fields.get("to", "").split(",")) if p)
            body = {"name": fields.get("name", ""), "recipients": {"to": to}}
    subscriptions_op.change(scope, desk(service), key, body, now)
    return ""


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
        subscriptions_op.may_subscribe(scope),
        is_new="saved" in request.query_params,
        problem=problem,
        notice=notice,
    )


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
    if one.mode == "test":
        facts.append(Fact("Test", "mails go to its owner alone"))
    return facts


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
    )
