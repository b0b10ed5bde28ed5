"""The drill-down: one line of one contract, its period day by day, and the events of a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.directory import Directory
from tallybook.model.nouns import Contract
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.operations import portfolio
from tallybook.operations import position as position_op
from tallybook.positions.explanation import Explanation
from tallybook.positions.position import percent
from tallybook.web.api.positions import instants
from tallybook.web.pages import charted, standing
from tallybook.web.pages import format as words
from tallybook.web.pages.frame import frame, with_query
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
_PERIODS: Final = {"": "This period", "last": "Last period"}
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
    return HTMLResponse(page("account.html", _page(request, scope, shown)))


def look(request: Request, scope: Scope, service: Services, key: tuple[str, str]) -> Shown:
    """Work out the line and period that an address asks for.

    Raises:
        NotFound: as `operations.position.position`.
    """
    query = dict(request.query_params)
    path = f"/volume/{key[0]}/{key[1]}"
    when = instants(scope, service, None, None)
    directory = service.directories.at(scope, when.mark.revision).on(when.now.date())
    rollup = ROLLUPS.get(query.get("rollup", ""))

    def at(instant: position_op.Instants) -> tuple[Position, Explanation]:
        return position_op.position(scope, directory, service.events, key, instant, rollup=rollup)

    found, how = at(when)
    if query.get("period") == "last" and (earlier := _earlier(found, when)) is not None:
        when = earlier
        found, how = at(when)
    past = _earlier(found, when)
    before = at(past)[0] if past and _in_force(directory, key[0], past) else None
    return Shown(path, query, directory, found, how, before, when)


def _earlier(found: Position, when: position_op.Instants) -> position_op.Instants | None:
    end = found.period.starts_at - _MOMENT
    return position_op.Instants(end, when.now, when.mark, when.refreshed_at)


def _in_force(directory: Directory, number: str, when: position_op.Instants) -> bool:
    spans = directory.spans("contract", number)
    return any(span.noun.start_date <= (when.at - _DAY).date() for span in spans)


def calendar_zone(directory: Directory, found: Position) -> str:
    """Return the zone of a position's contract, else of its account."""
    contract = directory.contract(found.contract)
    owner = directory.account(found.account)
    named = contract.timezone if contract else None
    return named or (owner.timezone if owner else "UTC")


def _page(request: Request, scope: Scope, shown: Shown) -> AccountPage:
    found = shown.found
    before = () if shown.before is None else (shown.before,)
    course = portfolio.course([found], before)
    stands = standing.of_position(found, standing.change_on_last(course))
    owner = shown.directory.account(found.account)
    manager = owner.csm if owner else None
    name = found.account_name or found.account
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
        _filters(shown),
        stands,
        charted.chart(course, stands, _title(shown), shown.query.get("view", ""), shown.link),
        _contract(scope, shown),
        tuple(_days(shown, course, stands)),
        contributions=tuple(_parts(shown)),
        manager_name=(manager.name or "") if manager else "",
        manager_email=(manager.email or "") if manager else "",
    )


def _title(shown: Shown) -> str:
    kind = shown.query.get("view", "")
    words_of = {"daily": "Daily usage and forecast", "table": "Usage and forecast"}
    return words_of.get(kind, "Cumulative usage and forecast")


def _filters(shown: Shown) -> Filters:
    segments = []
    children = [part for part in shown.found.contributions if part.account != shown.found.account]
    rollup = shown.query.get("rollup", "")
    if children or rollup:
        tree = words.plural(len(children), "child account", "child accounts")
        label = f"With {tree}" if children else "With child accounts"
        segments.append(
            Segment(
                "Accounts counted",
                (
                    Link(label, shown.link(rollup=None), rollup != "own"),
                    Link("Own usage only", shown.link(rollup="own"), rollup == "own"),
                ),
            )
        )
    period = shown.query.get("period", "")
    segments.append(
        Segment(
            "Period",
            tuple(
                Link(label, shown.link(period=value), value == period)
                for value, label in _PERIODS.items()
            ),
        )
    )
    return Filters(shown.path, tuple(segments))


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
    pooled = [part for part in found.contributions if part.account != found.account]
    if pooled:
        facts.append(Fact("Rolls up from", words.plural(len(pooled) + 1, "account", "accounts")))
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
        facts.append(Fact(label, words.price(unit, found.currency), f"a {_single(found.unit)}"))
    label = "Amount so far" if found.allotment is None else "Overage so far"
    facts.append(Fact(label, words.money(found.amount, found.currency)))
    return facts


def _single(unit: str) -> str:
    return unit.removesuffix("s")


def _days(
    shown: Shown, course: Sequence[portfolio.CourseDay], stands: Standing
) -> Sequence[DayRow]:
    known = [day for day in course if day.used is not None]
    busiest = max((day.used or _ZERO for day in known), default=_ZERO)
    return [
        _day(shown, day.day, day.used or _ZERO, day.to_date or _ZERO, busiest, stands)
        for day in reversed(known)
    ]


def _day(
    shown: Shown, day: date, used: Decimal, to_date: Decimal, busiest: Decimal, stands: Standing
) -> DayRow:
    limit = stands.allotment
    with localcontext(EXACT):
        share = used / busiest * 100 if busiest else _ZERO
        past = max(to_date - limit, _ZERO) if limit is not None else _ZERO
    return DayRow(
        day,
        used,
        to_date,
        share,
        percent(to_date, limit),
        past,
        with_query(f"{shown.path}/events", shown.query, day=day.isoformat(), view=None),
    )


def _parts(shown: Shown) -> Sequence[Contribution]:
    if len(shown.found.contributions) < 2:  # noqa: PLR2004 - one account is the whole
        return []
    accounts = shown.directory.accounts
    return [
        Contribution(
            accounts[part.account].title if part.account in accounts else part.account,
            part.used or _ZERO,
            (part.share or _ZERO) * 100,
        )
        for part in shown.found.contributions
    ]
