"""The outbox: what was sent, waits or could not be sent, what each says, and sending it again."""

from datetime import timedelta
from typing import Final, get_args

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.delivery import Delivery, DeliveryQuery, DeliveryStatus
from tallybook.model.errors import Conflict, Forbidden
from tallybook.model.limits import DEAD_FILE_DAYS
from tallybook.model.scope import Scope
from tallybook.operations import deliveries as deliveries_op
from tallybook.web.pages import format as say
from tallybook.web.pages.alerts import view as views
from tallybook.web.pages.alerts.words import ALERTS, OUTBOX
from tallybook.web.pages.asked import ROWS, Address
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Fact, Link, MessagePage
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_SEE_OTHER: Final = 303
_ZONE: Final = "UTC"
_LABELS: Final[dict[str, str]] = {
    "": "All",
    "queued": "Waiting",
    "sent": "Sent",
    "failed": "To be tried again",
    "dead": "Could not be sent",
}


@router.get(OUTBOX)
def outbox(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show deliveries, newest first."""
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    asked = Address(OUTBOX, dict(request.query_params))
    status = next((s for s in get_args(DeliveryStatus) if s == asked.text("status")), None)
    query = DeliveryQuery(
        now,
        status=status,
        subscription=asked.text("subscription") or None,
        run=asked.text("run") or None,
        after=asked.text("after") or None,
        limit=ROWS,
    )
    found = deliveries_op.list_deliveries(scope, service.deliveries, query)
    shell = frame(request, scope, directory, "Outbox")
    if not found.items and not asked.query:
        empty = MessagePage(
            shell,
            "mail",
            "Nothing to send yet",
            "Mails and webhooks of alerts, cases and subscriptions stand here: waiting, sent, or "
            "with the reason why they could not be.",
            (Link("See the checks", ALERTS),),
        )
        return HTMLResponse(page("message.html", empty))
    view = views.OutboxPage(
        shell,
        (Link("Alerts", ALERTS), Link("Outbox", OUTBOX)),
        found.total,
        tuple(
            Link(label, asked.link(status=name or None, after=None), name == (status or ""))
            for name, label in _LABELS.items()
        ),
        tuple(map(_row, found.items)),
        _ZONE,
        asked.link(after=found.items[-1].id) if found.more else "",
    )
    return HTMLResponse(page("outbox.html", view))


@router.get(f"{OUTBOX}/{{delivery_id}}")
def delivery(request: Request, scope: SignedIn, service: Service, delivery_id: str) -> Response:
    """Show one delivery as its reader sees it."""
    return HTMLResponse(page("delivery.html", _page(request, scope, service, delivery_id)))


@router.post(f"{OUTBOX}/{{delivery_id}}")
def resend(request: Request, scope: SignedIn, service: Service, delivery_id: str) -> Response:
    """Queue a delivery again."""
    now = service.clock.now()
    try:
        deliveries_op.resend(scope, service.deliveries, service.outbox, delivery_id, now)
    except (Conflict, Forbidden) as e:
        view = _page(request, scope, service, delivery_id, e.detail)
        return HTMLResponse(page("delivery.html", view), status_of(e))
    return RedirectResponse(f"{OUTBOX}/{delivery_id}", _SEE_OTHER)


def _row(one: Delivery) -> views.DeliveryRow:
    return views.DeliveryRow(
        one.subject,
        f"{OUTBOX}/{one.id}",
        _to(one),
        one.status,
        one.sent_at or one.created_at,
        one.attempts,
        one.error or "",
    )


def _to(one: Delivery) -> str:
    if one.channel == "webhook":
        return f"webhook {one.target}"
    return ", ".join((*one.recipients, *one.cc, *one.bcc)) or "–"


def _file(one: Delivery) -> str:
    """Return the name of a mail's file, and of one that died until when it is kept."""
    name: str | None = one.numbers["file"]
    if name is None or one.status != "dead":
        return name or "on the page"
    ends = one.due_at + timedelta(days=DEAD_FILE_DAYS)
    return f"{name}, kept until {say.instant(ends, _ZONE)}"


def _page(
    request: Request, scope: Scope, service: Services, delivery_id: str, problem: str = ""
) -> views.DeliveryPage:
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    one = deliveries_op.read(scope, service.deliveries, delivery_id, now)
    here = f"{OUTBOX}/{one.id}"
    facts = [
        Fact("To", _to(one)),
        Fact("Made", say.instant(one.created_at, _ZONE)),
        Fact("Sent", say.instant(one.sent_at, _ZONE) if one.sent_at else "not yet"),
        Fact("Attempts", str(one.attempts)),
    ]
    if one.kind == "report.page" and one.numbers:
        facts.append(Fact("File", _file(one)))
    if one.status == "failed":
        facts.append(Fact("Next attempt", say.instant(one.due_at, _ZONE)))
    if one.error:
        facts.append(Fact("Last answer", one.error))
    return views.DeliveryPage(
        frame(request, scope, directory, one.subject),
        (Link("Alerts", ALERTS), Link("Outbox", OUTBOX), Link(one.subject, here)),
        one.subject,
        one.status,
        tuple(facts),
        one.body,
        one.html or "",
        Link("What it is about", one.link),
        here,
        one.status in {"dead", "failed"} and not scope.is_customer,
        problem,
    )
