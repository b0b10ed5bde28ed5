"""Cases: `/cases`, what both sides write in one, and closing it."""

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.case import Case, CaseQuery, CaseStatus, Message
from tallybook.operations import cases as cases_op
from tallybook.operations._page import read_cursor, write_cursor
from tallybook.operations.position import reach
from tallybook.web.api._parameters import Body, Cursor, Limit, Text, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import WHOLE, page_of, record, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer
from tallybook.web.services import Service, Services

router = APIRouter(tags=["cases"])

_COUNTS: Final = record(count=WHOLE, open=WHOLE, answered=WHOLE, closed=WHOLE)
_NONE: Final = {"open": 0, "answered": 0, "closed": 0}


@router.get("/cases", openapi_extra=says(page_of("Case", totals=_COUNTS)))
def get_cases(
    scope: Caller,
    service: Service,
    *,
    account: Text = None,
    status: Annotated[CaseStatus | None, Query()] = None,
    q: Text = None,
    rollup: Annotated[bool, Query()] = True,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List cases, newest first; the totals by status count all of them, whatever `status` is."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    query = CaseQuery(
        at=now,
        accounts=reach(scope, directory, account, now, rollup=rollup),
        status=status,
        text=q,
        after=read_cursor(cursor) if cursor else None,
        limit=limit,
    )
    page = cases_op.list_cases(scope, service.cases, query)
    return answer(
        {
            "items": [_shape(case) for case in page.items],
            "next_cursor": write_cursor(page.items[-1].id) if page.more else None,
            "totals": {"count": page.total, **_NONE, **page.counts},
        }
    )


@router.post(
    "/cases",
    status_code=201,
    openapi_extra=says(ref("CaseOpened"), body=ref("NewCase"), status=201),
)
def post_case(scope: Caller, service: Service, body: Body) -> Response:
    """Open a case about a line; its numbers are looked up, and its CSM is told."""
    opened = cases_op.open_case(scope, desk(service), as_mapping(body), service.clock.now())
    return answer(_whole(opened), 201)


@router.get("/cases/{case_id}", openapi_extra=says(ref("CaseOpened")))
def get_case(scope: Caller, service: Service, case_id: str) -> Response:
    """Return a case with all that both sides wrote."""
    return answer(_whole(cases_op.read(scope, service.cases, case_id, service.clock.now())))


@router.post(
    "/cases/{case_id}/messages",
    status_code=201,
    openapi_extra=says(ref("CaseOpened"), body=ref("NewMessage"), status=201),
)
def post_message(scope: Caller, service: Service, case_id: str, body: Body) -> Response:
    """Write in a case: from the vendor it answers it, from the customer it opens it again."""
    now = service.clock.now()
    return answer(
        _whole(cases_op.answer(scope, desk(service), case_id, as_mapping(body), now)), 201
    )


@router.patch("/cases/{case_id}", openapi_extra=says(ref("CaseOpened"), body=ref("CaseChange")))
def patch_case(scope: Caller, service: Service, case_id: str, body: Body) -> Response:
    """Close a case, or open it again."""
    now = service.clock.now()
    return answer(_whole(cases_op.change(scope, service.cases, case_id, as_mapping(body), now)))


def desk(service: Services) -> cases_op.Desk:
    """Return what cases are worked out from and kept in."""
    return cases_op.Desk(
        service.cases,
        service.people,
        service.books,
        service.ledger,
        service.events,
        service.directories,
    )


def _shape(case: Case) -> dict[str, Any]:
    return {**asdict(case), "title": cases_op.title(case)}


def _whole(opened: cases_op.Opened) -> dict[str, Any]:
    return {**_shape(opened.case), "messages": [_message(one) for one in opened.messages]}


def _message(message: Message) -> dict[str, Any]:
    return {
        "number": message.number,
        "author": message.author,
        "side": message.side,
        "at": message.at,
        "text": message.text,
        "delivery_status": message.delivery_status,
    }
