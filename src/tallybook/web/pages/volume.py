"""The volume page: every line one may see against its allotment, one service in detail."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.ports import SnapshotPage, SnapshotQuery
from tallybook.model.position import Position, Total
from tallybook.model.quantity import EXACT
from tallybook.operations import portfolio
from tallybook.web.api.positions import instants
from tallybook.web.pages import charted, standing
from tallybook.web.pages import format as words
from tallybook.web.pages.account import calendar_zone
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import (
    Command,
    Filters,
    Freshness,
    Link,
    MessagePage,
    Option,
    Segment,
    Select,
)
from tallybook.web.pages.volume_asked import PERIODS, Asked
from tallybook.web.pages.volume_table import table
from tallybook.web.pages.volume_view import Attention, ServiceBar, VolumePage
from tallybook.web.services import Service

router = APIRouter()

#: Lines whose days are added up for the chart; more would make the page slow.
CHARTED_LINES_MAX: Final = 2_000
_SERVICES_SHOWN: Final = 5
_ZERO: Final = Decimal(0)
_MOMENT: Final = timedelta(microseconds=1)
#: Lines that have an allotment: only these can be compared with one.
_AGREED: Final[frozenset[Any]] = frozenset({"ok", "near", "at_limit", "over"})

#: What to do in an empty installation.
_FIRST: Final = (
    Command("Who uses", "./tallybook import accounts accounts.json"),
    Command("What counts", "./tallybook import meters meters.json"),
    Command("What was promised", "./tallybook import contracts contracts.json"),
    Command("What was used", "./tallybook import events events.ndjson"),
    Command("Or first look at sample data, in a folder of its own", "./tallybook demo"),
)

Services = Mapping[str, Sequence[Total]]


def past_of(request: Request) -> portfolio.Past:
    """Return what the installation keeps of the periods before."""
    kept: portfolio.Past = request.app.state.past
    return kept


@router.get("/")
def home() -> Response:
    """Lead to the volume page."""
    return RedirectResponse("/volume", 303)


@router.get("/volume")
def volume(
    request: Request,
    scope: SignedIn,
    service: Service,
    past: Annotated[portfolio.Past, Depends(past_of)],
) -> Response:
    """Show where every line stands."""
    when = instants(scope, service, None, None)
    directory = service.directories.at(scope, when.mark.revision).on(when.now.date())
    asked = Asked("/volume", dict(request.query_params), scope, service, past, directory, when)
    every = asked.lines(SnapshotQuery(limit=1))
    if not every.total:
        return HTMLResponse(page("message.html", _empty(request, asked)))
    return HTMLResponse(page("volume.html", _volume(request, asked, every)))


def _empty(request: Request, asked: Asked) -> MessagePage:
    is_agreed = asked.is_past and bool([*asked.directory.keys("contract")])
    links = (Link("This period", "/volume"),) if is_agreed else ()
    return MessagePage(
        frame(request, asked.scope, asked.directory, "Volume"),
        "tally",
        "No period before this one" if links else "Nothing is agreed yet",
        "No contract was in force in the period before this one."
        if links
        else "Volume shows use against what contracts include. Say who uses, what counts and what "
        "was promised, and send what was used.",
        links,
        commands=() if links else _FIRST,
    )


def _volume(request: Request, asked: Asked, every: SnapshotPage) -> VolumePage:
    of_all = _by_service(every.totals)
    agreed = asked.lines(SnapshotQuery(states=_AGREED, limit=1))
    services = _by_urgency({**of_all, **_by_service(agreed.totals)})
    chosen = asked.get("service", services) or next(iter(services))
    is_agreed = any(total.service == chosen for total in agreed.totals)
    some = _AGREED if is_agreed else frozenset()
    query = SnapshotQuery(service=chosen, states=some, limit=CHARTED_LINES_MAX)
    lines = asked.lines(query)
    course = portfolio.course(lines.items, _before(asked, lines))
    stands = standing.with_lines(
        standing.of_service(services[chosen]), lines.items, standing.change_on_last(course)
    )
    note = _note(asked, lines, of_all[chosen])
    return VolumePage(
        frame(request, asked.scope, asked.directory, "Volume"),
        (Link("Volume", "/volume"), Link("All accounts", "/volume")),
        _freshness(asked, lines.items),
        _filters(asked, services, chosen),
        chosen,
        charted.with_crossing(stands, course),
        _attention(lines),
        charted.chart(
            course, stands, "Usage and forecast", asked.get("view", charted.VIEWS), asked.link, note
        ),
        _bars(asked, services, chosen),
        table(asked),
        asked.link(sort="service", dir="asc", page=None) + "#accounts"
        if len(services) > _SERVICES_SHOWN
        else "",
    )


def _by_service(totals: Iterable[Total]) -> dict[str, list[Total]]:
    """Group totals by service: in one unit, that of the first, as no two units are added."""
    found: dict[str, list[Total]] = {}
    for total in totals:
        same = found.setdefault(total.service, [])
        if not same or same[0].unit == total.unit:
            same.append(total)
    return found


def _by_urgency(services: Services) -> Services:
    """Order services by how far they exceed, or come close to, what is allotted to them."""

    def urgency(name: str) -> tuple[Decimal, Decimal]:
        totals = services[name]
        with localcontext(EXACT):
            allotted = sum((t.allotment for t in totals), _ZERO)
            beyond = sum((t.projected_overage for t in totals), _ZERO)
            ahead = sum((t.projected for t in totals), _ZERO)
        return (-beyond / allotted, -ahead / allotted) if allotted else (_ZERO, _ZERO)

    return {name: services[name] for name in sorted(services, key=lambda s: (urgency(s), s))}


def _before(asked: Asked, lines: SnapshotPage) -> Sequence[Position]:
    """Return the same lines a period before, for as many days to compare with."""
    if asked.is_past or lines.total > len(lines.items):
        return ()
    keys = {(line.contract, line.line) for line in lines.items}
    services = {line.service for line in lines.items}
    query = SnapshotQuery(service=services.pop(), limit=CHARTED_LINES_MAX)
    found = asked.before(query).items
    return [line for line in found if (line.contract, line.line) in keys]


def _note(asked: Asked, lines: SnapshotPage, totals: Sequence[Total]) -> str:
    """Say what the service's numbers leave out, and how days of several zones are cut."""
    said = []
    others = sum(total.lines for total in totals) - lines.total
    if others:
        with localcontext(EXACT):
            used = sum((t.used for t in totals), _ZERO)
            used -= sum((t.used for t in lines.totals), _ZERO)
        left = words.plural(others, "line", "lines")
        said.append(f"{left} without an allotment used {words.number(used)} {totals[0].unit} more.")
    zones = {calendar_zone(asked.directory, line) for line in lines.items}
    if len(zones) > 1:
        said.append(f"Each account's days are its own, in {len(zones)} time zones.")
    if lines.total > len(lines.items):
        said.append(f"The chart adds up the first {words.number(len(lines.items))} lines.")
    return " ".join(said)


def _freshness(asked: Asked, lines: Sequence[Position]) -> Freshness:
    """Return the last day that is complete for every line, in the zone most of those use."""
    zones = [calendar_zone(asked.directory, line) for line in lines]
    ends = [
        (line.data_through - _MOMENT).astimezone(ZoneInfo(zone)).date()
        for line, zone in zip(lines, zones, strict=True)
    ]
    first = min(ends)
    zone, _ = Counter(z for z, end in zip(zones, ends, strict=True) if end == first).most_common(1)[
        0
    ]
    through = min(
        line.data_through
        for line, own, end in zip(lines, zones, ends, strict=True)
        if own == zone and end == first
    )
    return Freshness(through, zone)


def _filters(asked: Asked, services: Iterable[str], chosen: str) -> Filters:
    period = asked.get("period", PERIODS)
    periods = (
        Link(label, asked.link(period=value, page=None), value == period)
        for value, label in PERIODS.items()
    )
    return Filters(
        "/volume",
        (Segment("Period", tuple(periods)),),
        (Select("Service", "service", tuple(Option(s, s, s == chosen) for s in sorted(services))),),
        asked.kept("service"),
    )


def _attention(lines: SnapshotPage) -> Attention:
    counts = lines.counts
    return Attention(
        counts.get("over", 0),
        counts.get("at_limit", 0),
        counts.get("likely_over", 0),
        lines.total,
    )


def _bars(asked: Asked, services: Services, chosen: str) -> tuple[ServiceBar, ...]:
    """Return the most urgent services, and always the chosen one."""
    shown = [*services][:_SERVICES_SHOWN]
    if chosen not in shown:
        shown[-1] = chosen
    return tuple(
        ServiceBar(
            name,
            asked.link(service=name, page=None),
            standing.of_service(services[name]),
            name == chosen,
        )
        for name in shown
    )
