"""What is on a page as a file: the same filters, order, period and account tree, all its rows."""

from contextlib import AbstractContextManager
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from tallybook.model.ports import SnapshotWalk
from tallybook.operations import pages, portfolio, sheets
from tallybook.web.download import download
from tallybook.web.pages.look import look
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.volume import past_of, read
from tallybook.web.pages.volume_asked import Asked
from tallybook.web.services import Service

router = APIRouter()

Format = Annotated[str, Query(alias="format")]


@router.get("/volume/export")
def volume(
    request: Request,
    scope: SignedIn,
    service: Service,
    past: Annotated[portfolio.Past, Depends(past_of)],
    format_: Format = "csv",
) -> Response:
    """Write the lines of the volume page to a file."""
    kind = sheets.check_format(format_)
    asked = read(request, scope, service, past)
    with _lines(asked) as found:
        sheets.check_size(found.total)
        mark = found.state.mark if found.state else asked.when.mark
        sheet = pages.lines(scope, found.items, mark, asked.query)
        return download(service, sheet, kind, pages.name_of_lines(mark))


@router.get("/volume/{contract}/{line}/export")
def days(
    request: Request,
    scope: SignedIn,
    service: Service,
    contract: str,
    line: str,
    format_: Format = "csv",
) -> Response:
    """Write the daily breakdown of one line to a file."""
    kind = sheets.check_format(format_)
    shown = look(request, scope, service, (contract, line))
    zone = shown.line.calendar.timezone
    sheet = pages.days(scope, shown.found, shown.when, shown.query, zone)
    return download(service, sheet, kind, pages.name_of_days(shown.found))


def _lines(asked: Asked) -> AbstractContextManager[SnapshotWalk]:
    snapshot = asked.service.snapshot
    state = None if asked.is_worked_out else snapshot.state(asked.scope)
    return pages.standing(asked.scope, snapshot, asked.query_of_all, state, asked.worked_out)
