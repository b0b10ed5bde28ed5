"""Deliveries: `GET /deliveries`, what was decided to be told to whom, and how far it is."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.delivery import Delivery, DeliveryQuery, DeliveryStatus
from tallybook.operations import deliveries as deliveries_op
from tallybook.operations._page import read_cursor, write_cursor
from tallybook.operations.position import reach
from tallybook.web.api._parameters import Cursor, Limit, Text
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import page_of, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service

router = APIRouter(tags=["deliveries"])


@router.get("/deliveries", openapi_extra=says(page_of("Delivery")))
def get_deliveries(
    scope: Caller,
    service: Service,
    *,
    account: Text = None,
    status: Annotated[DeliveryStatus | None, Query()] = None,
    subscription: Text = None,
    rollup: Annotated[bool, Query()] = True,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List the deliveries about the accounts one may see, newest first."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    query = DeliveryQuery(
        at=now,
        accounts=reach(scope, directory, account, now, rollup=rollup),
        status=status,
        subscription=subscription,
        after=read_cursor(cursor) if cursor else None,
        limit=limit,
    )
    page = deliveries_op.list_deliveries(scope, service.deliveries, query)
    return answer(
        {
            "items": [_shape(one) for one in page.items],
            "next_cursor": write_cursor(page.items[-1].id) if page.more else None,
            "totals": {"count": page.total},
        }
    )


@router.get("/deliveries/{delivery_id}", openapi_extra=says(ref("Delivery")))
def get_delivery(scope: Caller, service: Service, delivery_id: str) -> Response:
    """Return a delivery; a customer is not told who the vendor's administrators are."""
    now = service.clock.now()
    return answer(_shape(deliveries_op.read(scope, service.deliveries, delivery_id, now)))


@router.post("/deliveries/{delivery_id}/resend", openapi_extra=says(ref("Delivery")))
def post_resend(scope: Caller, service: Service, delivery_id: str) -> Response:
    """Queue a delivery again that failed or is dead."""
    now = service.clock.now()
    queued = deliveries_op.resend(scope, service.deliveries, service.outbox, delivery_id, now)
    return answer(_shape(queued))


def _shape(one: Delivery) -> dict[str, Any]:
    """Write a delivery, without what it says where that may not be read; its file is named in
    `numbers`.
    """
    shown = {name: value for name, value in asdict(one).items() if name != "attachment"}
    return shown | {"body": one.body or None, "numbers": one.numbers or None}
