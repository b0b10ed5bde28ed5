"""The caller's subscriptions: a page's button makes one, here they are turned off or removed."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model import limits
from tallybook.model.schedule import ReportRun, ReportSchedule
from tallybook.model.scope import Scope
from tallybook.operations import report_schedules as schedules_op
from tallybook.web.pages.actions import FORMATS
from tallybook.web.pages.alerts.words import times_of
from tallybook.web.pages.frame import SUBSCRIPTIONS, frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.sign_in import Form, own_path
from tallybook.web.pages.view import Frame
from tallybook.web.services import Service, Services

router = APIRouter()

_SEE_OTHER: Final = 303


@dataclass(frozen=True, slots=True)
class Subscription:
    """One line of the list; `next_run` is None while it is off, `last` until it was due once."""

    id: str
    name: str
    url: str
    kind: str
    times: str
    zone: str
    next_run: datetime | None
    recipients: tuple[str, ...]
    enabled: bool
    is_new: bool = False
    last: ReportRun | None = None

    @property
    def missed(self) -> tuple[str, ...]:
        """Return why nobody got it the last time, or why some did not."""
        if self.last is None:
            return ()
        some = (f"{address}: {why}" for address, why in self.last.missed.items())
        return (self.last.error,) if self.last.error else tuple(some)


@dataclass(frozen=True, slots=True)
class SubscriptionsPage:
    """What somebody has sent to them."""

    frame: Frame
    subscriptions: tuple[Subscription, ...]


@router.get(SUBSCRIPTIONS)
def show(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the caller's subscriptions."""
    now = service.clock.now()
    found = schedules_op.mine(scope, service.schedules, limit=limits.SCHEDULES_MAX)
    saved = request.query_params.get("saved", "")
    directory = service.directories.current(scope).on(now.date())
    view = SubscriptionsPage(
        frame(request, scope, directory, "Subscriptions"),
        tuple(
            replace(_subscription(one, now, saved), last=_last(scope, service, one))
            for one in found.items
        ),
    )
    return HTMLResponse(page("subscriptions.html", view))


@router.post(SUBSCRIPTIONS)
def subscribe(scope: SignedIn, service: Service, fields: Form) -> Response:
    """Subscribe to the page whose button was pressed, on weekday mornings."""
    address = urlsplit(own_path(fields.get("address", "")))
    asked = {
        "page": address.path,
        "query": address.query,
        "schedule": {"preset": "weekday_mornings", "timezone": fields.get("timezone") or "UTC"},
    }
    made = schedules_op.subscribe(
        scope,
        service.schedules,
        service.people,
        service.directories.current(scope),
        asked,
        service.clock.now(),
    )
    return RedirectResponse(f"{SUBSCRIPTIONS}?{urlencode({'saved': made.id})}", _SEE_OTHER)


@router.post(f"{SUBSCRIPTIONS}/{{schedule_id}}")
def change(scope: SignedIn, service: Service, schedule_id: str, fields: Form) -> Response:
    """Turn a subscription off or on, rename it, or remove it."""
    now = service.clock.now()
    match fields.get("do", ""):
        case "remove":
            schedules_op.unsubscribe(scope, service.schedules, schedule_id, now)
        case "on" | "off" as turned:
            asked = {"enabled": turned == "on"}
            schedules_op.change(scope, service.schedules, schedule_id, asked, now)
        case _:
            named = {"name": fields.get("name", "")}
            schedules_op.change(scope, service.schedules, schedule_id, named, now)
    return RedirectResponse(SUBSCRIPTIONS, _SEE_OTHER)


def _last(scope: Scope, service: Services, found: ReportSchedule) -> ReportRun | None:
    return next(iter(service.schedules.runs(scope, found.id, 1)), None)


def _subscription(found: ReportSchedule, now: datetime, saved: str) -> Subscription:
    return Subscription(
        found.id,
        found.name,
        f"{found.page}?{found.query}" if found.query else found.page,
        FORMATS[found.format],
        times_of(found.cron),
        found.timezone,
        schedules_op.next_run(found, now),
        found.recipients,
        found.enabled,
        found.id == saved,
    )
