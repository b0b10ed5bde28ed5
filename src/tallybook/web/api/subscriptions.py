"""Subscriptions to checks, and their runs: `/subscriptions`."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.alert import Run, RunKind, Subscription
from tallybook.model.delivery import Delivery
from tallybook.model.schedule import preset_of
from tallybook.operations import subscriptions as subscriptions_op
from tallybook.operations import watch as watch_op
from tallybook.operations._page import read_cursor, write_cursor
from tallybook.operations.readdress import readdress
from tallybook.web.api._parameters import Body, Cursor, Limit, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import many, page_of, record, ref
from tallybook.web.api.findings import shape as finding
from tallybook.web.api.report_schedules import shape as shape_of_page
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, answer_page
from tallybook.web.services import Service, Services

router = APIRouter(prefix="/subscriptions", tags=["subscriptions"])

_ONE = "/{subscription_id}"


@router.post(
    "",
    status_code=201,
    openapi_extra=says(ref("Subscription"), body=ref("NewSubscription"), status=201),
)
def post_subscription(scope: Caller, service: Service, body: Body) -> Response:
    """Subscribe to a check."""
    now = service.clock.now()
    made = subscriptions_op.subscribe(scope, desk(service), as_mapping(body), now)
    return answer(_shape(made, now), 201)


@router.get("", openapi_extra=says(page_of("Subscription")))
def get_subscriptions(
    scope: Caller, service: Service, cursor: Cursor = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Response:
    """List subscriptions, oldest first: customers their own, the vendor's people all."""
    now = service.clock.now()
    found = subscriptions_op.mine(scope, service.alerts, cursor=cursor, limit=limit)
    return answer_page(found, lambda one: _shape(one, now))


@router.post(
    "/replace-address",
    openapi_extra=says(
        record(items=many(ref("Subscription")), pages=many(ref("ReportSchedule"))),
        body=ref("AddressChange"),
    ),
)
def post_replace_address(scope: Caller, service: Service, body: Body) -> Response:
    """Put one address in the place of another in all subscriptions one may change, those to pages
    too; a dry run, as it is by default, says in which.
    """
    now = service.clock.now()
    found = readdress(scope, desk(service), service.schedules, as_mapping(body), now)
    return answer(
        {
            "items": [_shape(one, now) for one in found.checks],
            "pages": [shape_of_page(one, now) for one in found.pages],
        }
    )


@router.get(_ONE, openapi_extra=says(ref("Subscription")))
def get_subscription(scope: Caller, service: Service, subscription_id: str) -> Response:
    """Return a subscription."""
    found = subscriptions_op.one(scope, service.alerts, subscription_id)
    return answer(_shape(found, service.clock.now()))


@router.patch(_ONE, openapi_extra=says(ref("Subscription"), body=ref("SubscriptionChange")))
def patch_subscription(
    scope: Caller, service: Service, subscription_id: str, body: Body
) -> Response:
    """Change a subscription; what is left out stays."""
    now = service.clock.now()
    made = subscriptions_op.change(scope, desk(service), subscription_id, as_mapping(body), now)
    return answer(_shape(made, now))


@router.delete(_ONE, status_code=204)
def delete_subscription(scope: Caller, service: Service, subscription_id: str) -> None:
    """Remove a subscription with all it found."""
    subscriptions_op.unsubscribe(scope, service.alerts, subscription_id, service.clock.now())


@router.get(f"{_ONE}/runs", openapi_extra=says(page_of("AlertRun", totals=record())))
def get_runs(
    scope: Caller,
    service: Service,
    subscription_id: str,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List the runs of a subscription, newest first."""
    before = read_cursor(cursor) if cursor else None
    found, more = subscriptions_op.runs(
        scope, service.alerts, subscription_id, before=before, limit=limit
    )
    return answer(
        {
            "items": [_run(one) for one in found],
            "next_cursor": write_cursor(found[-1].id) if more else None,
            "totals": {},
        }
    )


@router.post(f"{_ONE}/runs", openapi_extra=says(ref("RunTold")))
def post_run(
    scope: Caller,
    service: Service,
    subscription_id: str,
    *,
    kind: Annotated[RunKind, Query(description="`full` says all that is found.")] = "standard",
    dry_run: Annotated[bool, Query(description="Writes and sends nothing.")] = False,
) -> Response:
    """Run a subscription now."""
    subscription = subscriptions_op.one(scope, service.alerts, subscription_id)
    done = watch_op.run(
        scope, service.watched, subscription, service.clock.now(), kind, dry_run=dry_run
    )
    return answer(
        {
            "run": _run(done.run),
            "said": [finding(one) for one in done.said],
            "deliveries": [_sent(one) for one in done.deliveries],
        }
    )


def desk(service: Services) -> subscriptions_op.Desk:
    """Return what subscriptions are checked against and kept in."""
    return subscriptions_op.Desk(
        service.alerts, service.people, service.directories, service.webhooks
    )


def _shape(one: Subscription, now: datetime) -> dict[str, Any]:
    shown = asdict(one)
    schedule = {
        "preset": preset_of(one.cron),
        "cron": shown.pop("cron"),
        "timezone": shown.pop("timezone"),
    }
    return {**shown, "schedule": schedule, "next_run": subscriptions_op.next_run(one, now)}


def _run(one: Run) -> dict[str, Any]:
    return {**asdict(one), "known_at": one.known_at}


def _sent(one: Delivery) -> dict[str, Any]:
    names = ("channel", "recipients", "cc", "bcc", "target", "subject", "link")
    return {name: getattr(one, name) for name in names}
