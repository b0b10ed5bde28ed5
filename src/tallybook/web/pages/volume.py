"""The volume page: every line one may see against its allotment, one service in detail."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.errors import Conflict
from tallybook.model.ports import SnapshotPage, SnapshotQuery
from tallybook.model.position import Position, Total
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.operations import portfolio
from tallybook.operations.accounts_meant import chosen, like
from tallybook.operations.position import AGREED
from tallybook.web.api.positions import instants
from tallybook.web.pages import charted, standing
from tallybook.web.pages import format as words
from tallybook.web.pages import volume_filters as filters
from tallybook.web.pages import volume_fresh as fresh
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Command, Link, MessagePage
from tallybook.web.pages.volume_asked import PATH, Asked
from tallybook.web.pages.volume_table import table
from tallybook.web.pages.volume_view import Attention, Charted, ServiceBar, VolumePage
from tallybook.web.services import Service, Services

router = APIRouter()

#: Lines whose days are read one by one for the chart, and those whose period before is worked out:
#: more would make the page slow.
CHARTED_LINES_MAX: Final = 500
COMPARED_LINES_MAX: Final = 50
_SERVICES_SHOWN: Final = 5
_ZERO: Final = Decimal(0)
#: How often a page is begun whose numbers turn out to be of two marks.
_TRIES: Final = 5

#: What to do in an empty installation.
_FIRST: Final = (
    Command("Who uses", "./tallybook import accounts accounts.json"),
    Command("What counts", "./tallybook import meters meters.json"),
    Command("What was promised", "./tallybook import contracts contracts.json"),
    Command("What was used", "./tallybook import events events.ndjson"),
    Command("Or first look at sample data, in a folder of its own", "./tallybook demo"),
)

ByService = Mapping[str, Sequence[Total]]


def past_of(request: Request) -> portfolio.Past:
    """Return what the installation keeps of the periods before."""
    kept: portfolio.Past = request.app.state.past
    return kept


@router.get("/")
def home() -> Response:
    """Lead to the volume page."""
    return RedirectResponse("/volume", 303)


@router.get(PATH)
def volume(
    request: Request,
    scope: SignedIn,
    service: Service,
    past: Annotated[portfolio.Past, Depends(past_of)],
) -> Response:
    """Show where every line stands; anew where a refresh came between two of its questions."""
    for _ in range(_TRIES - 1):
        with suppress(Conflict):
            return _answer(request, scope, service, past)
    return _answer(request, scope, service, past)


@router.get(f"{PATH}/accounts")
def accounts(scope: SignedIn, service: Service, request: Request) -> Response:
    """Suggest accounts to the one who types a name or key."""
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    found = like(scope, directory, now, request.query_params.get("account", ""))
    return HTMLResponse(page("volume_accounts.html", filters.options(found)))


def read(request: Request, scope: Scope, service: Services, past: portfolio.Past) -> Asked:
    """Return what an address of the page asks for."""
    when = instants(scope, service, None, request.query_params.get("known_at") or None)
    directory = service.directories.at(scope, when.mark.revision).on(when.now.date())
    query = dict(request.query_params)
    alone = query.get("rollup") == "own"
    who = chosen(scope, directory, when.now, query.get("account", ""), alone=alone)
    return Asked(PATH, query, scope, service, past, directory, when, who)


def _answer(request: Request, scope: Scope, service: Services, past: portfolio.Past) -> Response:
    asked = read(request, scope, service, past)
    who = asked.chosen
    if who.key != who.said and who.key:
        return RedirectResponse(asked.link(account=who.key), 303)
    every = asked.lines(SnapshotQuery(limit=1))
    if not every.total:
        return HTMLResponse(page("message.html", _empty(request, asked)))
    return HTMLResponse(page("volume.html", _volume(request, asked, every)))


def _empty(request: Request, asked: Asked) -> MessagePage:
    shell = frame(request, asked.scope, asked.directory, "Volume")
    if asked.is_past and [*asked.directory.keys("contract")]:
        return MessagePage(
            shell,
            "tally",
            "No period before this one",
            "No contract was in force in the period before this one.",
            (Link("This period", PATH),),
        )
    if not asked.scope.may("define") or asked.scope.accounts is not None:
        return MessagePage(
            shell,
            "tally",
            "Nothing is agreed with you yet",
            "Once a contract is in force, its lines stand here with what was used of them.",
        )
    return MessagePage(
        shell,
        "tally",
        "Nothing is agreed yet",
        "Volume shows use against what contracts include. Say who uses, what counts and what "
        "was promised, and send what was used.",
        commands=_FIRST,
    )


def _volume(request: Request, asked: Asked, every: SnapshotPage) -> VolumePage:
    found = asked.lines(replace(asked.query_of_all, service=None, limit=0))
    of_all = _by_service(found.totals)
    services = _by_urgency({**of_all, **_agreed(asked)})
    name = asked.text("service") or next(iter(services), "")
    lines = _charted_lines(asked, name) if name in services else None
    everybody = "All accounts" if asked.scope.accounts is None else "Your accounts"
    return VolumePage(
        frame(request, asked.scope, asked.directory, "Volume"),
        (Link("Volume", PATH), Link(asked.chosen.name or everybody, asked.link())),
        fresh.of(asked, lines.items if lines else every.items),
        filters.of(asked, services),
        _charted(asked, services, _note(lines, of_all[name]), name, lines) if lines else None,
        table(asked, every.total),
    )


def _charted_lines(asked: Asked, name: str) -> SnapshotPage:
    """Return the lines of one service that are added up: those with an allotment, if there are."""
    query = replace(asked.query_of_all, service=name, sort="contract", limit=0)
    found = asked.lines(query)
    if not query.states and (agreed := asked.lines(replace(query, states=AGREED))).total:
        query, found = replace(query, states=AGREED), agreed
    if found.total > CHARTED_LINES_MAX and (together := asked.together(query)):
        return replace(found, items=together)
    return asked.lines(replace(query, limit=CHARTED_LINES_MAX))


def _agreed(asked: Asked) -> ByService:
    """Return the totals of lines with an allotment, where not only some states are asked for."""
    query = asked.query_of_all
    if query.states:
        return {}
    return _by_service(asked.lines(replace(query, service=None, states=AGREED, limit=0)).totals)


def _charted(
    asked: Asked, services: ByService, note: str, name: str, lines: SnapshotPage
) -> Charted:
    course = portfolio.course(lines.items, _before(asked, lines))
    stands = standing.with_lines(
        standing.of_service(services[name]), lines.items, standing.change_on_last(course)
    )
    view = asked.get("view", charted.VIEWS)
    return Charted(
        name,
        charted.with_crossing(stands, course),
        _attention(asked, lines),
        charted.chart(course, stands, "Usage and forecast", view, asked.link, note),
        _bars(asked, services, name),
        asked.link(sort="service", dir="asc", service=None, page=None) + "#accounts"
        if len(services) > _SERVICES_SHOWN or asked.text("service")
        else "",
        known_at=str(lines.state.mark) if lines.state else "",
    )


def _by_service(totals: Iterable[Total]) -> dict[str, list[Total]]:
    """Group totals by service: in one unit, that of the first, as no two units are added."""
    found: dict[str, list[Total]] = {}
    for total in totals:
        same = found.setdefault(total.service, [])
        if not same or same[0].unit == total.unit:
            same.append(total)
    return found


def _by_urgency(services: ByService) -> ByService:
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
    if asked.is_past or lines.total > COMPARED_LINES_MAX:
        return ()
    keys = [(line.contract, line.line) for line in lines.items]
    return asked.past.of(asked.scope, asked.directory, asked.service.events, keys, asked.when)


def _note(lines: SnapshotPage, totals: Sequence[Total]) -> str:
    """Say what the service's numbers leave out, and how days of several zones are cut."""
    said = []
    others = sum(total.lines for total in totals) - lines.total
    if others:
        with localcontext(EXACT):
            used = sum((t.used for t in totals), _ZERO)
            used -= sum((t.used for t in lines.totals), _ZERO)
        left = words.plural(others, "line", "lines")
        said.append(f"{left} without an allotment used {words.number(used)} {totals[0].unit} more.")
    zones = {line.timezone for line in lines.items}
    if len(zones) > 1:
        said.append(f"Each account's days are its own, in {len(zones)} time zones.")
    if lines.total > len(lines.items) == CHARTED_LINES_MAX:
        said.append(f"The chart adds up the first {words.number(len(lines.items))} lines.")
    return " ".join(said)


def _attention(asked: Asked, lines: SnapshotPage) -> Attention:
    """Count the charted lines that need a look; a page's `counts` are of all states, whichever are
    asked for.
    """
    counts: Mapping[str, int] = lines.counts
    if asked.query_of_all.states:
        counts = Counter(state for line in lines.items for state in _states(line))
    agreed = sum(counts.get(state, 0) for state in AGREED)
    return Attention(
        counts.get("over", 0),
        counts.get("at_limit", 0),
        counts.get("likely_over", 0),
        agreed or len(lines.items),
    )


def _states(line: Position) -> tuple[str, ...]:
    return (line.status, "likely_over") if line.likely_over else (line.status,)


def _bars(asked: Asked, services: ByService, chosen: str) -> tuple[ServiceBar, ...]:
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
