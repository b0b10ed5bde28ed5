"""`GET /usage`: a meter by bucket, account and dimension."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.buckets import Interval
from tallybook.operations import usage as usage_op
from tallybook.operations.known import known
from tallybook.web.api._parameters import Text
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service

router = APIRouter(tags=["usage"])

Names = Annotated[
    list[Annotated[str, Query(max_length=limits.NAME_CHARS_MAX)]] | None, Query(max_length=50)
]


@router.get("/usage", openapi_extra=says(ref("Usage")))
def get_usage(
    scope: Caller,
    service: Service,
    *,
    meter: Annotated[str, Query(max_length=limits.NAME_CHARS_MAX)],
    account: Text = None,
    from_: Annotated[str | None, Query(alias="from", max_length=64)] = None,
    to: Annotated[str | None, Query(max_length=64)] = None,
    interval: Annotated[Interval | None, Query()] = None,
    timezone: Text = None,
    group_by: Names = None,
    filter: Names = None,
    rollup: Annotated[bool, Query()] = True,
    known_at: Text = None,
) -> Response:
    """Return one row a bucket and group; without `interval` one row for the range."""
    now = service.clock.now()
    mark = known(scope, service.books, service.ledger, service.events, known_at, now)
    directory = service.directories.at(scope, mark.revision).on(mark.now.date())
    request = usage_op.UsageRequest(
        meter,
        account,
        from_,
        to,
        interval,
        timezone,
        tuple(group_by or ()),
        tuple(filter or ()),
        rollup=rollup,
    )
    found = usage_op.usage(
        scope,
        directory,
        service.events,
        request,
        mark=mark,
        now=mark.now,
        refreshed_at=service.refreshed_at(mark),
    )
    return answer(
        {
            "meter": found.meter,
            "unit": found.unit,
            "interval": found.interval,
            "timezone": found.timezone,
            "data_through": found.data_through,
            "refreshed_at": found.refreshed_at,
            "known_at": found.known_at,
            "rows": [_row(row) for row in found.rows],
        }
    )


def _row(row: usage_op.UsageRow) -> dict[str, Any]:
    return {
        "start": row.start,
        "end": row.end,
        "account": row.account,
        "group": row.group,
        "value": row.value,
        "partial": row.partial,
    }
