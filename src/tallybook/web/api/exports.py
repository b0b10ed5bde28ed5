"""What `GET /positions` lists, and the days of a line, as files: CSV, XLSX, Parquet."""

from contextlib import AbstractContextManager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from tallybook.model import limits
from tallybook.model.ports import SnapshotPage, SnapshotQuery, SnapshotWalk
from tallybook.model.scope import Scope
from tallybook.model.time import zone as zone_of
from tallybook.operations import pages, sheets
from tallybook.operations import position as position_op
from tallybook.web.api._shapes import DATE, DECIMAL, MARK, TEXT, YES_OR_NO, many, maybe, record
from tallybook.web.api.positions import Asked, Listing, Narrowed, Narrowing, line_at, listing
from tallybook.web.caller import Caller
from tallybook.web.download import download
from tallybook.web.exact import answer
from tallybook.web.services import Service, Services

router = APIRouter(tags=["positions"])

_UTC: Final = "UTC"
Format = Annotated[str, Query(alias="format", description=f"One of {', '.join(sheets.FORMATS)}.")]
Header = Annotated[bool, Query(description="Whether CSV begins with lines about the table.")]
Zone = Annotated[
    str,
    Query(description="The IANA zone of local times.", max_length=limits.NAME_CHARS_MAX),
]
_FILES: Final = {
    kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
    for kind in sheets.FORMATS.values()
}
_DAYS: Final = record(
    contract=TEXT,
    line=TEXT,
    unit=TEXT,
    days=many(
        record(
            date=DATE,
            used=DECIMAL,
            to_date=maybe(DECIMAL),
            percent_used=maybe(DECIMAL),
            overage=maybe(DECIMAL),
            is_complete=YES_OR_NO,
        )
    ),
    known_at=MARK,
)


def _says(**more: Any) -> dict[str, Any]:
    return {"responses": {"200": {"content": {**_FILES, **more}}}}


@router.get("/positions/export", openapi_extra=_says(), response_class=StreamingResponse)
def get_positions_file(
    scope: Caller,
    service: Service,
    asked: Narrowed,
    *,
    format_: Format = "csv",
    header: Header = True,
    timezone: Zone = _UTC,
) -> Response:
    """Write where every line stands to a file: the whole list, of one mark."""
    kind, zone = sheets.check_format(format_), zone_of(timezone).key
    of = listing(scope, service, asked)
    with _lines(scope, service, of) as found:
        sheets.check_size(found.total)
        sheet = sheets.of_positions(scope, found.items, of.when.mark, _said(asked), zone)
        name = sheets.dated("positions", of.when.at, zone)
        return download(service, sheet, kind, name, header=header)


@router.get(
    "/positions/{contract}/{line}/daily",
    openapi_extra=_says(**{"application/json": {"schema": _DAYS}}),
)
def get_days(
    scope: Caller,
    service: Service,
    contract: str,
    line: str,
    asked: Asked,
    *,
    format_: Annotated[
        str, Query(alias="format", description=f"json, or one of {', '.join(sheets.FORMATS)}.")
    ] = "json",
    header: Header = True,
) -> Response:
    """Return the days of one line in its period, with what was used to date; also as a file."""
    kind = format_ if format_ == "json" else sheets.check_format(format_)
    directory, when, found, _ = line_at(scope, service, (contract, line), asked)
    terms = position_op.find_line(scope, directory, (contract, line), when, rollup=asked.rollup)
    counted = "" if asked.rollup is None else str(asked.rollup).lower()
    said = {"at": asked.at or "", "rollup": counted}
    sheet = sheets.of_days(scope, found, when, said, terms.calendar.timezone)
    if kind != "json":
        name = f"{contract}-{line}-{found.period.start_date.isoformat()}"
        return download(service, sheet, kind, name, header=header)
    names = [column.name for column in sheet.columns]
    days = [dict(zip(names, row, strict=True)) for row in sheet.rows]
    facts = {"contract": contract, "line": line, "unit": found.unit, "known_at": when.mark}
    return answer({**facts, "days": days})


def _lines(scope: Scope, service: Services, of: Listing) -> AbstractContextManager[SnapshotWalk]:
    """Open all lines of a list: the snapshot's, or worked out where it has moved on by now."""

    def worked_out(query: SnapshotQuery) -> SnapshotPage:
        return position_op.positions_at(scope, of.directory(), service.events, query, of.when)

    return pages.standing(scope, service.snapshot, of.query, of.standing, worked_out)


def _said(asked: Narrowing) -> dict[str, str]:
    """Return what narrows and sorts a list, for the header of its file."""
    names = ("account", "contract", "status", "service", "branch", "csm", "q", "at")
    said = {name: getattr(asked, name) or "" for name in names}
    direction = "descending" if asked.descending else "ascending"
    counted = "" if asked.rollup else "own"
    return {**said, "rollup": counted, "sort": f"{asked.sort} {direction}"}
