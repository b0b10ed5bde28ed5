"""Statements: one of a contract with how each amount came about, all of a contract, and closing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.errors import TallybookError
from tallybook.model.limits import PAGE_ROWS_DEFAULT
from tallybook.model.pages import line_page
from tallybook.model.ports import SnapshotQuery
from tallybook.model.scope import Scope
from tallybook.model.statement import ClosedStatement
from tallybook.model.time import parse_date
from tallybook.operations import close as close_op
from tallybook.operations import position as position_op
from tallybook.operations import rate as rate_op
from tallybook.operations import statements as statements_op
from tallybook.web.api.statements import basis_of
from tallybook.web.pages import format as words
from tallybook.web.pages.contracts import words as says
from tallybook.web.pages.contracts import worked
from tallybook.web.pages.contracts.listing import PATH
from tallybook.web.pages.contracts.statement_view import (
    ChargeGroup,
    ChargeRow,
    Close,
    StatementPage,
    StatementRow,
    StatementsPage,
    Totals,
)
from tallybook.web.pages.frame import frame, with_query
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.sign_in import Form
from tallybook.web.pages.view import Freshness, Link, Step
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_DAY: Final = timedelta(days=1)
_SEE_OTHER: Final = 303
_GROUPS: Final = {
    "lines": "Use",
    "base_charges": "Base charges",
    "discounts": "Discounts",
    "commitments": "Commitments",
}
_KINDS: Final = {
    "line": "line",
    "meter_group": "meter group",
    "base": "base charge",
    "discount": "discount",
    "commitment": "commitment",
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A statement on its way to a page."""

    scope: Scope
    service: Services
    basis: rate_op.Basis
    course: rate_op.Course
    found: rate_op.Rated

    @property
    def document(self) -> Mapping[str, Any]:
        return self.found.document

    @property
    def zone(self) -> str:
        return str(self.document["timezone"])

    @property
    def url(self) -> str:
        return statement_url(self.found.contract, self.found.start_date)


def statement_url(contract: str, day: date | None = None) -> str:
    """Return the address of a statement: of the period that holds a day, today by default."""
    query = {"period": day.isoformat()} if day else {}
    return with_query(f"/statements/{quote(contract, safe='')}", query)


@router.get("/statements/{contract}")
def statement(request: Request, scope: SignedIn, service: Service, contract: str) -> Response:
    """Show one statement."""
    shown = _find(scope, service, contract, request.query_params.get("period"))
    return HTMLResponse(page("statement.html", _page(request, shown)))


@router.post("/statements/{contract}/close")
def close(
    request: Request, scope: SignedIn, service: Service, contract: str, fields: Form
) -> Response:
    """Close a statement, or say why not, with what was typed."""
    period, reason = fields.get("period", ""), fields.get("reason", "").strip()
    stores = close_op.Stores(
        service.books, service.ledger, service.events, service.statements, service.directories
    )
    release = {"release": True, "reason": reason} if reason else {}
    body = {"period": period, **release}
    try:
        close_op.close(scope, stores, contract, body, service.clock.now())
    except TallybookError as e:
        shown = _find(scope, service, contract, period)
        view = _page(request, shown, reason, e.detail)
        return HTMLResponse(page("statement.html", view), status_of(e))
    return RedirectResponse(statement_url(contract, parse_date(period)), _SEE_OTHER)


@router.get(f"{PATH}/{{number}}/statements")
def statements(request: Request, scope: SignedIn, service: Service, number: str) -> Response:
    """List the statements of a contract."""
    basis = basis_of(scope, service, None)
    cursor = request.query_params.get("cursor")
    query = statements_op.StatementQuery(contract=number, cursor=cursor, limit=PAGE_ROWS_DEFAULT)
    found = statements_op.statements(scope, basis, query)
    course = rate_op.course_of(scope, basis, number)
    account = course.agreement.account
    path = f"{PATH}/{quote(number, safe='')}"
    view = StatementsPage(
        frame(request, scope, basis.directory, f"Statements of {number}"),
        (Link("Contracts", PATH), Link(number, path), Link("Statements", f"{path}/statements")),
        number,
        _account(basis, account),
        found.items[0].document["currency"] if found.items else "",
        found.items[0].document["timezone"] if found.items else "UTC",
        tuple(_row(item) for item in found.items),
        found.count,
        scope.sees_prices,
        path,
        with_query(f"{path}/statements", {"cursor": found.next_cursor or ""})
        if found.next_cursor
        else "",
        f"{path}/statements" if cursor else "",
    )
    return HTMLResponse(page("statements.html", view))


def _find(scope: Scope, service: Services, contract: str, period: str | None) -> _Shown:
    """Work out the statement that an address asks for; seen as `operations.rate.statement`."""
    basis = basis_of(scope, service, None)
    day = parse_date(period, name="period") if period else None
    found = rate_op.statement(scope, basis, contract, day)
    return _Shown(scope, service, basis, rate_op.course_of(scope, basis, contract), found)


def _account(basis: rate_op.Basis, key: str) -> str:
    account = basis.directory.account(key)
    return account.title if account else key


def _row(item: rate_op.Rated) -> StatementRow:
    made = item.document
    return StatementRow(
        item.start_date,
        item.end_date - _DAY,
        statement_url(item.contract, item.start_date),
        item.status,
        made["period"]["is_stub"],
        made["supplementary"],
        says.decimal(made["subtotal"]),
        says.decimal(made["total"]),
        item.sha256 or "" if item.closed else "",
        item.closed.closed_at if item.closed else None,
    )


def _page(request: Request, shown: _Shown, reason: str = "", problem: str = "") -> StatementPage:
    found, made = shown.found, shown.document
    first, last = found.start_date, found.end_date - _DAY
    path = f"{PATH}/{quote(found.contract, safe='')}"
    title = f"Statement {found.contract}, {words.span(first, last)}"
    return StatementPage(
        frame(request, shown.scope, shown.basis.directory, title),
        (
            Link("Contracts", PATH),
            Link(found.contract, path),
            Link("Statements", f"{path}/statements"),
            Link(words.span(first, last), shown.url),
        ),
        found.contract,
        _account(shown.basis, made["account"]),
        _account(shown.basis, made["bill_to"]) if made["bill_to"] != made["account"] else "",
        first,
        last,
        made["period"]["is_stub"],
        made["supplementary"],
        found.status,
        made["currency"],
        shown.zone,
        found.known_at.now,
        tuple(_groups(shown)),
        Totals(
            says.decimal(made["subtotal"]),
            tuple(_credit(one, made["currency"]) for one in made["credits"]),
            says.decimal(made["total"]),
        ),
        shown.scope.sees_prices,
        path,
        f"{path}/statements",
        None if found.closed else _freshness(shown),
        found.sha256 or "",
        found.held_above if shown.scope.sees_reasons else None,
        _note(shown),
        _neighbour(shown, first - _DAY),
        _neighbour(shown, found.end_date),
        _close(shown, reason, problem),
    )


def _neighbour(shown: _Shown, day: date) -> str:
    """Return the address of the statement that holds a day; none beyond the one of today."""
    if day > shown.course.today:
        return ""
    place = shown.course.place(day)
    if place is None or not shown.course.is_seen(shown.scope, place):
        return ""
    start = place.start_date if isinstance(place, ClosedStatement) else place.start
    return statement_url(shown.found.contract, start)


def _freshness(shown: _Shown) -> Freshness | None:
    """Return until when use is complete, as its positions know it, at most to the period's end."""
    query = SnapshotQuery(contract=shown.found.contract, limit=1)
    lines = position_op.positions(shown.scope, shown.service.snapshot, query).items
    if not lines:
        return None
    end = shown.course.agreement.start_of(shown.found.end_date)
    return Freshness(min(lines[0].data_through, end), shown.zone)


def _is_over(shown: _Shown) -> bool:
    return shown.found.end_date <= shown.course.today


def _note(shown: _Shown) -> str:
    """Say who closed it and why, or from when it can be closed."""
    found = shown.found
    if found.closed is not None:
        when = words.instant(found.closed.closed_at, shown.zone)
        if not shown.scope.sees_reasons:
            return f"Closed on {when}."
        reason = f" It was let go because: {found.closed.reason}" if found.closed.reason else ""
        return f"Closed on {when} by {found.closed.closed_by}.{reason}"
    if not _is_over(shown):
        return f"Still running: it can be closed from {words.day(found.end_date, year=True)} on."
    return ""


def _close(shown: _Shown, reason: str, problem: str) -> Close | None:
    found = shown.found
    if found.closed is not None or not shown.scope.may("close") or not _is_over(shown):
        return None
    url = f"/statements/{quote(found.contract, safe='')}/close"
    return Close(url, found.start_date, found.status == "held", reason, problem)


def _groups(shown: _Shown) -> Iterator[ChargeGroup]:
    made = shown.document
    for name, title in _GROUPS.items():
        rows = tuple(_charge(shown, charge) for charge in made[name])
        if rows:
            yield ChargeGroup(title, rows)
    adjusted = tuple(_adjustment(shown, one) for one in made["adjustments"])
    if adjusted:
        yield ChargeGroup("Adjustments of closed statements", adjusted)


def _charge(shown: _Shown, charge: Mapping[str, Any]) -> ChargeRow:
    currency = shown.document["currency"]
    unit = _unit(shown, charge)
    is_metered = charge["kind"] in {"line", "meter_group"}
    return ChargeRow(
        charge["name"] or charge["product"] or charge["code"],
        charge["code"],
        _KINDS[charge["kind"]],
        says.decimal(charge["quantity"]) if is_metered else None,
        says.decimal(charge["billable_quantity"]) if is_metered else None,
        unit,
        says.decimal(charge["amount"]),
        tuple(worked.steps(charge, unit, currency)),
        tuple(worked.parts(charge, unit, currency)),
        _days(shown, charge),
    )


def _unit(shown: _Shown, charge: Mapping[str, Any]) -> str:
    """Return the unit of a charge: its own, else that of what was counted."""
    if charge["unit"]:
        return str(charge["unit"])
    keys = [key for one in charge["explanation"].get("use") or () for key in one["meters"]]
    meters = [shown.basis.directory.meter(key) for key in keys]
    return next((meter.unit for meter in meters if meter), "")


def _days(shown: _Shown, charge: Mapping[str, Any]) -> Link | None:
    """Return the way to the days, and their events, on which a line was used."""
    counted = [one for one in charge["explanation"].get("use") or () if one["meters"]]
    if charge["kind"] != "line" or not counted:
        return None
    span = {
        "period": "custom",
        "from": counted[0]["start"],
        "until": str(date.fromisoformat(counted[-1]["end"]) - _DAY),
        "view": "table",
    }
    path = line_page(shown.found.contract, charge["code"])
    return Link("Its days and events", with_query(path, span))


def _adjustment(shown: _Shown, one: Mapping[str, Any]) -> ChargeRow:
    """Say what a closed statement should have said; the difference is charged here."""
    day = date.fromisoformat(one["period_start"])
    place = shown.course.place(day)
    closed = place if isinstance(place, ClosedStatement) else None
    span = words.span(day, closed.end_date - _DAY) if closed else words.day(day, year=True)
    when = f", closed on {words.day(closed.closed_at.date(), year=True)}," if closed else ""
    text = (
        f"The statement of {span}{when} never changes. Events or terms that came to be known after "
        f"it make this {_KINDS[one['kind']]} differ by this amount: worked out anew, less what was "
        "closed and what earlier adjustments said."
    )
    return ChargeRow(
        f"{one['code']}, {span}",
        one["code"],
        _KINDS[one["kind"]],
        None,
        None,
        "",
        says.decimal(one["amount"]),
        (Step("Why", text),),
        link=Link("The closed statement", statement_url(shown.found.contract, day)),
    )


def _credit(one: Mapping[str, Any], currency: str) -> ChargeRow:
    amount = says.decimal(one["amount"])
    left = says.money(one["left"], currency) if says.decimal(one["left"]) else "Nothing"
    return ChargeRow(
        f"Credit {one['name']}",
        one["name"],
        "credit",
        None,
        None,
        "",
        None if amount is None else Decimal(0) - amount,
        (Step("Left", f"{left} is left of it."),) if one["left"] is not None else (),
    )
