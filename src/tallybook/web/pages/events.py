"""The events that made one day's number."""

from decimal import Decimal
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.limits import PAGE_ROWS_DEFAULT
from tallybook.model.time import parse_date, parse_instant
from tallybook.model.wire import read_json
from tallybook.operations.day import DayQuery, day_events
from tallybook.operations.events import EventItem
from tallybook.web.pages import format as words
from tallybook.web.pages.asked import whole
from tallybook.web.pages.frame import frame, with_query
from tallybook.web.pages.look import look
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import EventRow, EventsPage, Freshness, Link, Pager
from tallybook.web.services import Service

router = APIRouter()

_ROW_MAX: Final = 999_999_999


@router.get("/volume/{contract}/{line}/events")
def events(
    request: Request, scope: SignedIn, service: Service, contract: str, line: str
) -> Response:
    """Show the events of a day."""
    query = dict(request.query_params)
    shown = look(request, scope, service, (contract, line))
    day = parse_date(query.get("day", ""), name="day")
    number = whole(query.get("from", ""), _ROW_MAX)
    asked = DayQuery((contract, line), day, shown.rollup, query.get("cursor"))
    found = day_events(scope, shown.directory, service.ledger, service.events, asked, shown.when)
    path = shown.path
    up = with_query(path, query, day=None, cursor=None, **{"from": None})
    title = f"{shown.found.account_name or shown.found.account}, {shown.found.service}"
    last = number + len(found.items)
    after = with_query(
        f"{path}/events",
        query,
        cursor=found.next_cursor,
        **{"from": str(number + PAGE_ROWS_DEFAULT)},
    )
    view = EventsPage(
        frame(request, scope, shown.directory, f"{title}: events of {words.day(day, year=True)}"),
        (
            Link("Volume", "/volume"),
            Link(title, up),
            Link("Events", request.url.path),
        ),
        day,
        shown.zone,
        found.unit,
        found.used or Decimal(0),
        tuple(_row(item, quantity) for item, quantity in found.items),
        Pager(
            number + 1 if found.items else 0,
            last,
            # Events that do not count are listed as well.
            max(found.events, last + bool(found.next_cursor)),
            with_query(f"{path}/events", query, cursor=None, **{"from": None}) if number else "",
            after if found.next_cursor else "",
        ),
        Freshness(shown.found.data_through, shown.zone),
    )
    return HTMLResponse(page("events.html", view))


def _row(item: EventItem, quantity: Decimal | None) -> EventRow:
    event: dict[str, Any] = read_json(item.event.decode())
    return EventRow(
        parse_instant(event["time"]) if event.get("time") else item.received_at,
        item.received_at,
        event["id"],
        event["source"],
        event["subject"],
        quantity,
        item.state,
        item.codes,
        item.correction.reason if item.correction else None,
    )
