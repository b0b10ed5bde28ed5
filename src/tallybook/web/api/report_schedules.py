"""Subscriptions to pages: what the caller has sent as a file, and when."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.schedule import ReportSchedule
from tallybook.operations import report_schedules as schedules_op
from tallybook.web.api._parameters import Body, Cursor, Limit, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import many, page_of, record, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, answer_page
from tallybook.web.services import Service

router = APIRouter(prefix="/report-schedules", tags=["subscriptions"])


def shape(found: ReportSchedule, now: datetime) -> dict[str, Any]:
    """Write a subscription."""
    return {
        "id": found.id,
        "owner": found.owner,
        "name": found.name,
        "page": found.page,
        "query": found.query,
        "format": found.format,
        "schedule": {
            "preset": found.preset,
            "cron": found.cron,
            "timezone": found.timezone,
        },
        "recipients": found.recipients,
        "enabled": found.enabled,
        "created_at": found.created_at,
        "next_run": schedules_op.next_run(found, now),
    }


@router.post("", openapi_extra=says(ref("ReportSchedule"), body=ref("NewReportSchedule")))
def post_schedule(scope: Caller, service: Service, body: Body) -> Response:
    """Subscribe to a page; one that the caller has already is answered as it is."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    made = schedules_op.subscribe(
        scope, service.schedules, service.people, directory, as_mapping(body), now
    )
    return answer(shape(made, now))


@router.get("", openapi_extra=says(page_of("ReportSchedule")))
def get_schedules(
    scope: Caller, service: Service, cursor: Cursor = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Response:
    """List the caller's subscriptions, oldest first."""
    now = service.clock.now()
    found = schedules_op.mine(scope, service.schedules, cursor=cursor, limit=limit)
    return answer_page(found, lambda one: shape(one, now))


@router.patch(
    "/{schedule_id}",
    openapi_extra=says(ref("ReportSchedule"), body=ref("ReportScheduleChange")),
)
def patch_schedule(scope: Caller, service: Service, schedule_id: str, body: Body) -> Response:
    """Rename a subscription, turn it off or on, or have it at other times."""
    now = service.clock.now()
    made = schedules_op.change(scope, service.schedules, schedule_id, as_mapping(body), now)
    return answer(shape(made, now))


@router.delete("/{schedule_id}", status_code=204)
def delete_schedule(scope: Caller, service: Service, schedule_id: str) -> None:
    """Remove a subscription."""
    schedules_op.unsubscribe(scope, service.schedules, schedule_id, service.clock.now())


@router.get("/{schedule_id}/runs", openapi_extra=says(record(items=many(ref("ReportRun")))))
def get_runs(scope: Caller, service: Service, schedule_id: str) -> Response:
    """List the newest times that a subscription was due: who got it, and why others did not."""
    found = schedules_op.runs(scope, service.schedules, schedule_id)
    return answer({"items": [{**asdict(one), "known_at": one.known_at} for one in found]})
