"""What is on a page as a file: the same filters, order, period and account tree, all its rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from tallybook.model.limits import EXPORT_ROWS_MAX
from tallybook.model.ports import SnapshotWalk
from tallybook.operations import portfolio, sheets
from tallybook.operations import position as position_op
from tallybook.operations.report_schedules import OF_THE_VIEW
from tallybook.web.download import dated, download
from tallybook.web.pages.look import look
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.volume import past_of, read
from tallybook.web.pages.volume_asked import Asked
from tallybook.web.services import Service

router = APIRouter()

_UTC: Final = "UTC"
#: What the header of a file says in a way of its own, or not at all.
_NOT_SAID: Final = OF_THE_VIEW | {"sort", "dir"}
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
        direction = "descending" if asked.descending else "ascending"
        said = {**_said(asked.query), "sort": f"{asked.sort} {direction}"}
        sheet = sheets.of_positions(scope, found.items, mark, said, _UTC)
        return download(service, sheet, kind, dated("volume", mark.now, _UTC))


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
    counted = {"rollup": shown.query.get("rollup", "")}
    sheet = sheets.of_days(scope, shown.found, shown.when, counted, shown.zone)
    first = shown.found.period.start_date.isoformat()
    return download(service, sheet, kind, f"{contract}-{line}-{first}")


@contextmanager
def _lines(asked: Asked) -> Iterator[SnapshotWalk]:
    if not asked.is_past:
        with position_op.walk(asked.scope, asked.service.snapshot, asked.query_of_all) as found:
            yield found
        return
    page = asked.before(replace(asked.query_of_all, limit=EXPORT_ROWS_MAX))
    yield SnapshotWalk(iter(page.items), page.total, page.state)


def _said(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value and name not in _NOT_SAID}
