"""Facts in, corrected and listed: `POST /events` and `/events/void` and so on, `GET /events`."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.correction import Op
from tallybook.model.errors import TooLarge
from tallybook.operations import correct as correct_op
from tallybook.operations import events as events_op
from tallybook.operations import intake as intake_op
from tallybook.operations.ingest import Receipt
from tallybook.operations.known import known
from tallybook.web.api._parameters import Cursor, Limit, Text
from tallybook.web.api._schemas import (
    BODY_OF_CORRECTIONS,
    BODY_OF_EVENTS,
    BODY_OF_REPLACEMENTS,
    says,
)
from tallybook.web.api._shapes import MARK, page_of
from tallybook.web.caller import Caller, caller, require_credentials
from tallybook.web.exact import answer, read_body, verbatim, whole
from tallybook.web.services import Service, Services

#: A body up to this length is read before its key is looked at: one thread then does both, and
#: whoever has no right to be heard costs no more memory than this.
_SMALL_BYTES: Final = 1024 * 1024

#: An operation that takes a body and gives a receipt for it.
_Take = Callable[..., Receipt]
_Detail = Annotated[
    Literal["all"] | None, Query(description="`all` lists every event of the batch.")
]

router = APIRouter(tags=["facts"])


@router.post("/events", openapi_extra=BODY_OF_EVENTS)
async def post_events(request: Request, detail: _Detail = None) -> Response:
    """Take events; answers once they are on stable storage, with a receipt for the batch."""
    return await take_events(request, everything=detail == "all")


@router.post("/events/void", openapi_extra=BODY_OF_CORRECTIONS)
async def void_events(request: Request, detail: _Detail = None) -> Response:
    """Void events: they count no more."""
    return await _correct(request, "void", detail)


@router.post("/events/replace", openapi_extra=BODY_OF_REPLACEMENTS)
async def replace_events(request: Request, detail: _Detail = None) -> Response:
    """Replace events: what is given counts in their place, where and when it says."""
    return await _correct(request, "replace", detail)


@router.post("/events/revert", openapi_extra=BODY_OF_CORRECTIONS)
async def revert_events(request: Request, detail: _Detail = None) -> Response:
    """Take back the last correction of events that is in force."""
    return await _correct(request, "revert", detail)


async def _correct(request: Request, op: Op, detail: str | None) -> Response:
    return await take_events(
        request, partial(correct_op.correct, op=op), everything=detail == "all"
    )


async def take_events(
    request: Request, take: _Take | None = None, *, everything: bool = False
) -> Response:
    """Read the body, then do all that waits for a disk in one thread; a large body is only read
    from a caller that is known. None takes new events, and counts what becomes of them.

    Raises:
        TallybookError: as `operations.ingest`, and for a caller that is not known.
    """
    require_credentials(request)
    service: Services = request.app.state.services
    sender = None
    if not _is_small(request):
        sender = await run_in_threadpool(caller, request, service)
    try:
        body = await read_body(request)
    except TooLarge as e:
        if take is None and sender is not None and sender.may("ingest"):
            service.tally.refuse(sender.who, service.clock.now(), e.code)
        raise
    take = take or partial(intake_op.ingest, service.tally)
    return await run_in_threadpool(_take, request, body, take, everything=everything)


def _is_small(request: Request) -> bool:
    length = whole(request.headers.get("content-length", ""))
    return length is not None and length <= _SMALL_BYTES


def _take(request: Request, body: bytes, take: _Take, *, everything: bool) -> Response:
    service: Services = request.app.state.services
    receipt = take(
        caller(request, service),
        service.ledger,
        body,
        dict(request.headers),
        service.clock.now(),
        backlog=service.backlog(),
    )
    return answer(
        {
            "received": receipt.received,
            "accepted": receipt.accepted,
            "duplicate": receipt.duplicate,
            "conflict": receipt.conflict,
            "rejected": receipt.rejected,
            "ledger_seq": receipt.ledger_seq,
            "results": [asdict(line) for line in receipt.results(all=everything)],
        }
    )


@router.get(
    "/events", openapi_extra=says(page_of("EventItem", totals={"type": "object"}, known_at=MARK))
)
def get_events(
    scope: Caller,
    service: Service,
    account: Text = None,
    type: Text = None,
    from_: Annotated[str | None, Query(alias="from", max_length=64)] = None,
    to: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[events_op.State | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
    known_at: Text = None,
) -> Response:
    """List facts as they were sent, newest first, with what became of each."""
    now = service.clock.now()
    mark = known(scope, service.books, service.ledger, service.events, known_at, now)
    page = events_op.list_events(
        scope,
        service.directories.at(scope, mark.revision),
        service.ledger,
        service.events,
        events_op.EventsRequest(account, type, from_, to, state, cursor, limit),
        mark=mark,
    )
    items = [
        {
            "event": verbatim(item.event),
            "received_at": item.received_at,
            "ledger_seq": item.ledger_seq,
            "state": item.state,
            "codes": item.codes,
            "correction": asdict(item.correction) if item.correction else None,
        }
        for item in page.items
    ]
    return answer(
        {
            "items": items,
            "next_cursor": page.next_cursor,
            "totals": {},
            "known_at": page.known_at,
        }
    )
