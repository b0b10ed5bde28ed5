"""The volume page: every line one may see against its allotment, one service in detail."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, get_args

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.directory import Directory
from tallybook.model.ports import SnapshotPage, SnapshotQuery, SnapshotSort
from tallybook.model.position import Position, Total
from tallybook.model.scope import Scope
from tallybook.operations import portfolio
from tallybook.operations import position as position_op
from tallybook.web.api.positions import instants, states
from tallybook.web.pages import charted, standing
from tallybook.web.pages.frame import frame, with_query
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import (
    Attention,
    Chip,
    Column,
    Filters,
    Find,
    Freshness,
    Link,
    MessagePage,
    Option,
    Pager,
    Segment,
    Select,
    ServiceBar,
    VolumePage,
    VolumeRow,
    VolumeTable,
)
from tallybook.web.services import Service, Services

router = APIRouter()

ROWS: Final = 50
#: Lines whose days are added up for the chart; more would make the page slow.
CHARTED_LINES_MAX: Final = 2_000
_SERVICES_SHOWN: Final = 8
_ZERO: Final = Decimal(0)
_PERIODS: Final = {"": "This period", "last": "Last period"}
_CHIPS: Final = {
    "": "All",
    "over": "Over",
    "at_limit": "At limit",
    "likely_over": "Likely over",
    "near": "Near",
    "low_use": "Low use",
}
_COLUMNS: Final[tuple[tuple[str, SnapshotSort | None, bool, bool], ...]] = (
    ("Account", "account", False, False),
    ("Service", "service", False, True),
    ("Used", "used", True, False),
    ("Allotment", "allotment", True, False),
    ("Of allotment", "percent_used", False, False),
    ("Forecast", "projected", True, False),
    ("Overage", "projected_overage", True, False),
    ("Daily", None, False, True),
    ("Status", "status", False, False),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for; anything it does not understand is as if not said."""

    query: Mapping[str, str]
    directory: Directory
    when: position_op.Instants

    def link(self, **changes: str | None) -> str:
        return with_query("/volume", self.query, **changes)

    def get(self, name: str, known: Iterable[str]) -> str:
        value = self.query.get(name, "")
        return value if value in known else ""

    @property
    def sort(self) -> SnapshotSort:
        value = self.query.get("sort", "projected_overage")
        return value if value in get_args(SnapshotSort) else "projected_overage"  # type: ignore[return-value]

    @property
    def descending(self) -> bool:
        return self.query.get("dir", "desc") != "asc"

    @property
    def number(self) -> int:
        text = self.query.get("page", "1")
        return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 7 else 1  # noqa: PLR2004 - no list has more pages

    @property
    def table(self) -> SnapshotQuery:
        return SnapshotQuery(
            states=states(self.get("status", _CHIPS)),
            text=self.query.get("q") or None,
            service=self.query.get("only") or None,
            sort=self.sort,
            descending=self.descending,
            offset=(self.number - 1) * ROWS,
            limit=ROWS,
        )


@router.get("/")
def home() -> Response:
    """Lead to the volume page."""
    return RedirectResponse("/volume", 303)


@router.get("/volume")
def volume(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show where every line stands."""
    when = instants(scope, service, None, None)
    directory = service.directories.at(scope, when.mark.revision).on(when.now.date())
    asked = _Asked(dict(request.query_params), directory, when)
    every = _page(scope, service, asked, SnapshotQuery(limit=1))
    if not every.total:
        return HTMLResponse(page("message.html", _empty(request, scope, directory)))
    return HTMLResponse(page("volume.html", _volume(request, scope, service, asked, every)))


def _page(scope: Scope, service: Services, asked: _Asked, query: SnapshotQuery) -> SnapshotPage:
    """Ask for lines as they stand, or as they stood when the period before ended."""
    if asked.get("period", _PERIODS) == "last":
        return portfolio.previous_period(scope, asked.directory, service.events, query, asked.when)
    return position_op.positions(scope, service.snapshot, query)


def _empty(request: Request, scope: Scope, directory: Directory) -> MessagePage:
    return MessagePage(
        frame(request, scope, directory, "Volume"),
        "tally",
        "Nothing is agreed yet",
        "Volume shows use against what contracts include. Define accounts, meters and contracts "
        "with ./tallybook import, and send events; or see ./tallybook demo.",
    )


def _volume(
    request: Request, scope: Scope, service: Services, asked: _Asked, every: SnapshotPage
) -> VolumePage:
    services = _by_service(every.totals)
    chosen = asked.get("service", services) or _worst(services)
    whole = SnapshotQuery(service=chosen, limit=CHARTED_LINES_MAX)
    lines = _page(scope, service, asked, whole)
    before = (
        portfolio.previous_period(scope, asked.directory, service.events, whole, asked.when).items
        if asked.get("period", _PERIODS) == "" and lines.total <= CHARTED_LINES_MAX
        else ()
    )
    course = portfolio.course(lines.items, before)
    change = standing.change_on_last(course)
    stands = standing.of_service(services[chosen], lines.items, change)
    table = _page(scope, service, asked, asked.table)
    return VolumePage(
        frame(request, scope, asked.directory, "Volume"),
        (Link("Volume", "/volume"), Link("All accounts", "/volume")),
        _freshness(lines.items),
        _filters(asked, services, chosen),
        chosen,
        charted.with_crossing(stands, course),
        _attention(lines),
        charted.chart(
            course, stands, "Usage and forecast", asked.get("view", charted.VIEWS), asked.link
        ),
        _bars(asked, services, chosen),
        _table(asked, table),
    )


def _by_service(totals: Iterable[Total]) -> dict[str, list[Total]]:
    found: dict[str, list[Total]] = {}
    for total in totals:
        found.setdefault(total.service, []).append(total)
    return {name: found[name] for name in sorted(found)}


def _worst(services: Mapping[str, Sequence[Total]]) -> str:
    """Return the service that most exceeds what is allotted to it."""

    def excess(name: str) -> Decimal:
        used = sum((t.projected_overage for t in services[name]), _ZERO)
        allotted = sum((t.allotment for t in services[name]), _ZERO)
        return used / allotted if allotted else _ZERO

    return max(services, key=excess)


def _freshness(lines: Sequence[Position]) -> Freshness:
    through = min(line.data_through for line in lines)
    return Freshness(through, "UTC")


def _filters(asked: _Asked, services: Iterable[str], chosen: str) -> Filters:
    period = asked.get("period", _PERIODS)
    return Filters(
        "/volume",
        (
            Segment(
                "Period",
                tuple(
                    Link(label, asked.link(period=value, page=None), value == period)
                    for value, label in _PERIODS.items()
                ),
            ),
        ),
        (Select("Service", "service", tuple(Option(s, s, s == chosen) for s in services)),),
        tuple((n, v) for n, v in asked.query.items() if n not in {"service", "page"} and v),
    )


def _attention(lines: SnapshotPage) -> Attention:
    counts = lines.counts
    return Attention(
        counts.get("over", 0),
        counts.get("at_limit", 0),
        counts.get("likely_over", 0),
        counts.get("all", 0),
    )


def _bars(
    asked: _Asked, services: Mapping[str, Sequence[Total]], chosen: str
) -> tuple[ServiceBar, ...]:
    return tuple(
        ServiceBar(
            name,
            asked.link(service=name, page=None),
            standing.of_service(totals, ()),
            name == chosen,
        )
        for name, totals in list(services.items())[:_SERVICES_SHOWN]
    )


def _table(asked: _Asked, found: SnapshotPage) -> VolumeTable:
    pages = -(-found.total // ROWS)
    number = min(asked.number, max(pages, 1))
    first = (number - 1) * ROWS
    return VolumeTable(
        found.total,
        tuple(row for line in found.items for row in _rows(asked, line)),
        tuple(_column(asked, *column) for column in _COLUMNS),
        tuple(_chip(asked, value, label, found.counts) for value, label in _CHIPS.items()),
        Find(
            "/volume",
            asked.query.get("q", ""),
            tuple((n, v) for n, v in asked.query.items() if n not in {"q", "page"} and v),
        ),
        Pager(
            first + 1 if found.total else 0,
            min(first + ROWS, found.total),
            found.total,
            asked.link(page=str(number - 1)) if number > 1 else "",
            asked.link(page=str(number + 1)) if number < pages else "",
        ),
        asked.link(q=None, status=None, page=None),
    )


def _chip(asked: _Asked, value: str, label: str, counts: Mapping[str, int]) -> Chip:
    return Chip(
        label,
        asked.link(status=value, page=None),
        counts.get(value, 0) if value else None,
        asked.get("status", _CHIPS) == value,
    )


def _column(
    asked: _Asked,
    label: str,
    sort: SnapshotSort | None,
    numeric: bool,
    wide: bool,  # noqa: FBT001 - two marks of a column
) -> Column:
    if sort is None:
        return Column(label, "", numeric, wide)
    current = asked.sort == sort
    turned = "asc" if current and asked.descending else "desc"
    link = asked.link(sort=sort, dir=turned, page=None)
    if not current:
        return Column(label, link, numeric, wide)
    return Column(label, link, numeric, wide, "descending" if asked.descending else "ascending")


def _rows(asked: _Asked, line: Position) -> Iterable[VolumeRow]:
    """Yield a line's row and, when it is open, those of the accounts that make it up."""
    key = f"{line.contract}/{line.line}"
    children = [part for part in line.contributions if part.account != line.account]
    is_open = asked.query.get("open") == key
    url = f"/volume/{line.contract}/{line.line}"
    last = [day.used or _ZERO for day in line.daily][-15:-1]
    yield VolumeRow(
        line.account_name or line.account,
        url,
        line.service,
        standing.of_position(line),
        tuple(last),
        children=len(children),
        toggle_url=asked.link(open=None if is_open else key) if children else "",
        expanded=is_open,
    )
    for part in children if is_open else ():
        account = asked.directory.account(part.account)
        yield VolumeRow(
            account.title if account else part.account,
            with_query(url, {}, account=part.account),
            line.service,
            standing.of_part(line, part.used or _ZERO),
            depth=1,
        )
