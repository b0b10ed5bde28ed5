"""The drill-down: one line of one contract, its period day by day, and the events of a day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.contract import Contract
from tallybook.model.directory import Directory
from tallybook.model.errors import NotFound
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.model.time import format_instant
from tallybook.operations import portfolio
from tallybook.operations import position as position_op
from tallybook.positions.explanation import Explanation
from tallybook.positions.position import percent
from tallybook.web.api.positions import instants
from tallybook.web.pages import charted, standing
from tallybook.web.pages import format as words
from tallybook.web.pages.explained import steps
from tallybook.web.pages.exploration import NAMES, Exploration, Explored
from tallybook.web.pages.frame import frame, with_query, zone_of
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import (
    AccountPage,
    ContractFacts,
    Contribution,
    DayRow,
    Fact,
    Filters,
    Freshness,
    Link,
    Segment,
    Standing,
)
from tallybook.web.services import Service, Services

router = APIRouter()

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
_ZERO: Final = Decimal(0)
_WHOLE: Final = Decimal(100)
_PERIODS: Final = {"": "This period", "last": "Last period"}
_At = Callable[[position_op.Instants], tuple[Position, Explanation]]
ROLLUPS: Final = {"": None, "own": False, "tree": True}


@dataclass(frozen=True, slots=True)
class Shown:
    """One line as the page shows it: its position, how it came about and the period before."""

    path: str
    query: Mapping[str, str]
    directory: Directory
    found: Position
    how: Explanation
    before: Position | None
    when: position_op.Instants
    pooled: bool
    is_past: bool

    @property
    def zone(self) -> str:
        """Return the zone in which the line's days begin and end."""
        return calendar_zone(self.directory, self.found)

    def link(self, **changes: str | None) -> str:
        """Return this page's address with some of its query changed."""
        return with_query(self.path, self.query, **changes)


@router.get("/volume/{contract}/{line}")
def account(
    request: Request, scope: SignedIn, service: Service, contract: str, line: str
) -> Response:
    """Show one line day by day."""
    shown = look(request, scope, service, (contract, line))
    explored = Explored(
        scope, service, shown.directory, shown.found, shown.when, shown.zone, shown.pooled
    )
    return HTMLResponse(page("account.html", _page(request, scope, shown, explored)))


def look(request: Request, scope: Scope, service: Services, key: tuple[str, str]) -> Shown:
    """Work out the line and period that an address asks for.

    Raises:
        NotFound: as `operations.position.position`.
    """
    query = dict(request.query_params)
    path = f"/volume/{quote(key[0], safe='')}/{quote(key[1], safe='')}"
    when = instants(scope, service, None, None)
    directory = service.directories.at(scope, when.mark.revision).on(when.now.date())
    rollup = ROLLUPS.get(query.get("rollup", ""))

    def at(instant: position_op.Instants) -> tuple[Position, Explanation]:
        return position_op.position(scope, directory, service.events, key, instant, rollup=rollup)

    found, how = at(when)
    past = _earlier(found, when)
    before = _or_none(at, past)
    is_past = query.get("period") == "last" and before is not None
    if is_past and before is not None:
        when, (found, how) = past, before
        before = _or_none(at, _earlier(found, when))
    pooled = position_op.find_line(scope, directory, key, when, rollup=rollup).pooled
    known = None if before is None else before[0]
    return Shown(path, query, directory, found, how, known, when, pooled, is_past)


def _earlier(found: Position, when: position_op.Instants) -> position_op.Instants:
    return replace(when, at=found.period.starts_at - _MOMENT)


def _or_none(at: _At, when: position_op.Instants) -> tuple[Position, Explanation] | None:
    """Return where a line stood, None where it was not in force yet."""
    try:
        return at(when)
    except NotFound:
        return None


def calendar_zone(directory: Directory, found: Position) -> str:
    """Return the zone of a position's contract, else of its account."""
    return zone_of(directory, found.contract, found.account)


def _page(request: Request, scope: Scope, shown: Shown, explored: Explored) -> AccountPage:
    found = shown.found
    before = () if shown.before is None else (shown.before,)
    course = portfolio.course([found], before)
    stands = standing.of_position(found, standing.change_on_last(course))
    name = found.account_name or found.account
    asked = explored.read(shown.query)
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
        Freshness(found.data_through, shown.zone),
        _filters(shown, explored, asked),
        charted.with_crossing(stands, course),
        chart,
        _contract(scope, shown),
        tuple(_days(shown, course, stands)),
        contributions=explored.breakdown(asked) if asked.groups else tuple(_parts(shown)),
        contributions_title=explored.heading(asked) if asked.groups else "Made up of",
        contact_url=_contact(scope, shown),
        how=tuple(steps(found, shown.how, shown.zone)),
        how_url="#how",
    )


def _contact(scope: Scope, shown: Shown) -> str:
    """Return the way to contact the CSM about these very numbers."""
    meant = {
        "at": format_instant(shown.when.at),
        "known_at": str(shown.when.mark),
        "rollup": shown.query.get("rollup", ""),
    }
    return with_query(f"{shown.path}/contact", meant) if scope.may("contact") else ""


def _filters(shown: Shown, explored: Explored, asked: Exploration) -> Filters:
    segments = []
    children = standing.children(shown.found)
    rollup = shown.query.get("rollup", "")
    if children or rollup == "own":
        tree = words.plural(len(children), "child account", "child accounts")
        label = f"With {tree}" if children else "With child accounts"
        links = (
            Link(label, shown.link(rollup=None), rollup != "own"),
            Link("Own usage only", shown.link(rollup="own", account=None), rollup == "own"),
        )
        segments.append(Segment("Accounts counted", links))
    current = "custom" if asked.is_custom else "last" if shown.is_past else ""
    offered = [v for v in _PERIODS if v == "" or shown.is_past or shown.before is not None]
    periods = (
        Link(_PERIODS[v], shown.link(period=v, **{"from": None}, until=None), v == current)
        for v in offered
    )
    segments.append(Segment("Period", tuple(periods)))
    return Filters(
        shown.path,
        tuple(segments),
        explored.selects(asked),
        tuple((n, v) for n, v in shown.query.items() if n not in NAMES and v),
        explored.custom(shown.query, asked),
    )


def _contract(scope: Scope, shown: Shown) -> ContractFacts | None:
    contract = shown.directory.contract(shown.found.contract)
    version = shown.directory.version("contract", shown.found.contract)
    if contract is None or version is None:
        return None
    return ContractFacts(contract.number, version.number, tuple(_facts(scope, shown, contract)))


def _facts(scope: Scope, shown: Shown, contract: Contract) -> Sequence[Fact]:
    found, period = shown.found, shown.found.period
    facts = [
        Fact("Billing period", words.span(period.start_date, period.end_date - _DAY)),
        Fact(
            "Included",
            "Unlimited"
            if found.is_unlimited
            else f"{words.number(found.allotment)} {found.unit}"
            if found.allotment is not None
            else "Nothing",
        ),
    ]
    if scope.sees_prices:
        facts += _money_facts(shown)
    accounts = len(standing.children(found)) + 1
    if accounts > 1:
        facts.append(Fact("Rolls up from", words.plural(accounts, "account", "accounts")))
    end = contract.end_date
    facts.append(Fact("Contract ends", words.day(end, year=True) if end else "Open"))
    return facts


def _money_facts(shown: Shown) -> list[Fact]:
    found, price = shown.found, shown.how.price
    if price is None or found.amount is None:
        return [Fact("Price", "None")]
    unit = next((p.unit_amount for p in price.parts if p.unit_amount is not None), None)
    facts = []
    if unit is not None:
        label = "Price" if found.allotment is None else "Overage rate"
        facts.append(Fact(label, words.price(unit, found.currency), "per unit"))
    label = "Amount so far" if found.allotment is None else "Overage so far"
    facts.append(Fact(label, words.money(found.amount, found.currency)))
    return facts


def _days(
    shown: Shown, course: Sequence[portfolio.CourseDay], stands: Standing
) -> Sequence[DayRow]:
    """Return the complete days, newest first, after the day that is not over yet."""
    known = [day for day in course if day.used is not None]
    busiest = max((day.used or _ZERO for day in known), default=_ZERO)
    complete = {day.day: day.to_date for day in known}
    runs = not known or known[-1].to_date is not None
    rows = [
        _day(shown, day.date, day.used, complete[day.date], busiest, stands)
        if day.date in complete
        else _day(shown, day.date, day.used, shown.found.used if runs else None, busiest, stands)
        for day in shown.found.daily
        if day.used is not None and day.date >= shown.found.period.start_date
    ]
    return rows[::-1]


def _day(
    shown: Shown,
    day: date,
    used: Decimal,
    to_date: Decimal | None,
    busiest: Decimal,
    stands: Standing,
) -> DayRow:
    limit = stands.allotment
    with localcontext(EXACT):
        share = min(used / busiest * 100, _WHOLE) if busiest else _ZERO
        past = max(to_date - limit, _ZERO) if limit is not None and to_date is not None else _ZERO
    kept = {name: value for name, value in shown.query.items() if name in {"period", "rollup"}}
    return DayRow(
        day,
        used,
        to_date,
        share,
        None if to_date is None else percent(to_date, limit),
        past,
        with_query(f"{shown.path}/events", kept, day=day.isoformat()),
        "" if day <= _last_complete(shown) else "so far",
    )


def _last_complete(shown: Shown) -> date:
    return (shown.found.data_through - _MOMENT).astimezone(ZoneInfo(shown.zone)).date()


def _parts(shown: Shown) -> Sequence[Contribution]:
    if len(shown.found.contributions) <= 1:
        return []  # one account is the whole
    accounts = shown.directory.accounts
    return [
        Contribution(
            accounts[part.account].title if part.account in accounts else part.account,
            part.used or _ZERO,
            None if part.share is None else part.share * 100,
            shown.link(account=part.account, view=None),
        )
        for part in shown.found.contributions
    ]
