"""The drill-down: one line of one contract, its period day by day, and what it is made of."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.position import Method
from tallybook.model.scope import Scope
from tallybook.model.time import format_instant
from tallybook.operations import portfolio
from tallybook.operations.late import late
from tallybook.operations.pool import pool
from tallybook.web.pages import charted, cycles, lateness, overage, pooled, standing
from tallybook.web.pages import format as words
from tallybook.web.pages.account_view import AccountPage, LatePanel, PoolPanel
from tallybook.web.pages.breakdown import Breakdown, events_url
from tallybook.web.pages.explained import steps
from tallybook.web.pages.exploration import NAMES, Exploration, Explored
from tallybook.web.pages.frame import carried, frame, with_query
from tallybook.web.pages.line_facts import contract_facts
from tallybook.web.pages.look import Shown, look
from tallybook.web.pages.render import page
from tallybook.web.pages.self_check import check_url
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Filters, Freshness, Link, Option, Segment, Select
from tallybook.web.services import Service

router = APIRouter()

#: The names of all selectors in an address.
_NAMES: Final = NAMES | {"forecast"}
_METHODS: Final[dict[Method, str]] = {
    "mean_7": "Last seven days",
    "weekday": "By weekday",
    "linear": "Period so far",
}
_BASES: Final[dict[Method, str]] = {
    "weekday": "An estimate from the last seven days, by weekday.",
    "linear": "An estimate from the days of the period so far.",
}


@router.get("/volume/{contract}/{line}")
def account(
    request: Request, scope: SignedIn, service: Service, contract: str, line: str
) -> Response:
    """Show one line day by day."""
    shown = look(request, scope, service, (contract, line))
    explored = Explored(
        scope, service, shown.directory, shown.found, shown.when, shown.zone, shown.line.pooled
    )
    return HTMLResponse(page("account.html", _page(request, scope, shown, explored)))


def _page(request: Request, scope: Scope, shown: Shown, explored: Explored) -> AccountPage:
    found = shown.found
    before = () if shown.before is None else (shown.before,)
    course = portfolio.course([found], before)
    stands = standing.of_position(found, standing.change_on_last(course))
    basis = _BASES.get(shown.method, stands.forecast.basis)
    ahead = stands.forecast
    if shown.line.nature == "additive":
        ahead = replace(ahead, basis=basis)
    stands = replace(stands, allotment=portfolio.available(found), forecast=ahead)
    name = found.account_name or found.account
    asked = explored.read(shown.query)
    crossing = charted.with_crossing(stands, course)
    table = Breakdown(found, course, shown.last_complete, stands.allotment, shown.path, shown.query)
    view = shown.query.get("view", "")
    chart = (
        explored.chart(asked, view, shown.link)
        if asked.is_asked
        else charted.chart(course, stands, "Usage and forecast", view, shown.link, "")
    )
    return AccountPage(
        frame(request, scope, shown.directory, f"{name}, {found.service}"),
        (
            Link("Volume", "/volume"),
            Link(name, with_query("/volume", {"q": found.account})),
            Link(found.service, shown.path),
        ),
        name,
        found.service,
        shown.zone,
        Freshness(found.data_through, shown.zone, _next_update(shown)),
        _filters(shown, explored, asked),
        crossing,
        chart,
        contract_facts(scope, shown, course),
        table.rows(shown.link),
        contributions=explored.breakdown(asked) if asked.groups else (),
        contributions_title=explored.heading(asked),
        contact_url=_contact(scope, shown),
        how=tuple(steps(found, shown.how, shown.zone, shown.method)),
        how_url="#how",
        interval=table.interval,
        tables=table.forms(shown.link),
        cycles=_cycles(shown),
        pool=_pool(explored, shown),
        overage=overage.panel(shown.line, found, crossing),
        late=_late(explored, shown),
        check_url=check_url(found.account),
    )


def _contact(scope: Scope, shown: Shown) -> str:
    """Return the way to contact the CSM about these very numbers."""
    meant = {
        "at": format_instant(shown.when.at),
        "known_at": str(shown.when.mark),
        "rollup": shown.query.get("rollup", ""),
    }
    return with_query(f"{shown.path}/contact", meant) if scope.may("contact") else ""


def _pool(explored: Explored, shown: Shown) -> PoolPanel | None:
    if not shown.line.pooled:
        return None
    made = pool(
        explored.scope,
        shown.directory,
        explored.service.events,
        shown.found,
        shown.when,
        rollup=shown.rollup,
    )
    return pooled.panel(made, shown.directory, shown.link) if len(made.accounts) > 1 else None


def _late(explored: Explored, shown: Shown) -> LatePanel:
    service = explored.service
    came = late(
        explored.scope,
        shown.directory,
        service.ledger,
        service.events,
        shown.found,
        shown.when,
        rollup=shown.rollup,
    )
    return lateness.panel(came, partial(events_url, shown.path, shown.query), shown.last_complete)


def _cycles(shown: Shown) -> Segment | None:
    return cycles.neighbours(
        shown.line, shown.link, has_earlier=shown.before is not None, current=shown.current
    )


def _next_update(shown: Shown) -> datetime | None:
    """Return when the next day of the period is over; None when all are."""
    line = shown.line
    return None if line.data_through >= line.period.ends_at else line.counts_to


def _period(shown: Shown, asked: Exploration) -> str:
    """Return which choice of a period is the one shown; none where it is an earlier one."""
    if asked.is_custom:
        return "custom"
    if asked.is_rolling:
        return shown.query["period"]
    if not shown.is_past:
        return ""
    return "last" if shown.query.get("period") == "last" else "earlier"


def _filters(shown: Shown, explored: Explored, asked: Exploration) -> Filters:
    segments = []
    rollup = shown.query.get("rollup", "")
    if standing.children(shown.found) or rollup == "own":
        links = (
            Link("With child accounts", shown.link(rollup=None), rollup != "own"),
            Link("Own usage only", shown.link(rollup="own", account=None), rollup == "own"),
        )
        segments.append(Segment("Accounts counted", links))
    has_last = shown.is_past or shown.before is not None
    segments.append(cycles.periods(shown.link, current=_period(shown, asked), has_last=has_last))
    if shown.query.get("known_at"):
        known = words.instant(shown.when.mark.now, shown.zone)
        links = (Link(known, shown.link(), current=True), Link("Now", shown.link(known_at=None)))
        segments.append(Segment("As known on", links))
    return Filters(
        shown.path,
        tuple(segments),
        (*explored.selects(asked), *_methods(shown)),
        tuple((n, v) for n, v in carried(shown.query).items() if n not in _NAMES),
        explored.custom(shown.query, asked),
    )


def _methods(shown: Shown) -> tuple[Select, ...]:
    """Return the choice of a forecast, where days to come are told from those before."""
    if shown.line.nature != "additive" or shown.found.forecast.status != "estimate":
        return ()
    options = (Option(name, label, name == shown.method) for name, label in _METHODS.items())
    return (Select("Forecast", "forecast", tuple(options)),)
