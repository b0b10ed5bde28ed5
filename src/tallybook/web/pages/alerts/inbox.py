"""Findings: the inbox, the dearest first, dealt with several at once; and one of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, get_args
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.model.alert import Finding, FindingPage, FindingQuery, FindingStatus
from tallybook.model.directory import Directory
from tallybook.model.errors import Forbidden, Invalid
from tallybook.model.scope import Scope
from tallybook.model.time import format_instant
from tallybook.operations import checks as checks_op
from tallybook.operations import findings as findings_op
from tallybook.operations import subscriptions as subscriptions_op
from tallybook.operations.position import reach
from tallybook.web.pages import format as say
from tallybook.web.pages.alerts import view as views
from tallybook.web.pages.alerts import words
from tallybook.web.pages.alerts.words import FINDINGS
from tallybook.web.pages.asked import ROWS, Address, last_page
from tallybook.web.pages.cases.contact import Fields
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.sign_in import own_path
from tallybook.web.pages.view import (
    Chip,
    Column,
    Fact,
    Frame,
    Link,
    ListControls,
    MessagePage,
    Money,
    Option,
)
from tallybook.web.services import Service, Services
from tallybook.web.status import status_of

router = APIRouter()

_SEE_OTHER: Final = 303
_PAGE_MAX: Final = 10_000
_ZONE: Final = "UTC"
_CHIPS: Final[Mapping[str, frozenset[FindingStatus]]] = {
    "": frozenset({"open", "acknowledged", "snoozed"}),
    **{status: frozenset({status}) for status in get_args(FindingStatus)},
}
_LABELS: Final = {
    "": "All that stands",
    "open": "Open",
    "acknowledged": "Acknowledged",
    "snoozed": "Snoozed",
    "resolved": "Resolved",
}
_COLUMNS: Final = (
    (Column("Finding", numeric=False), None),
    (Column("Account", numeric=False, wide=True), "account"),
    (Column("At risk"), "money_at_risk"),
    (Column("Since", wide=True), "first_seen"),
    (Column("Status", numeric=False), None),
)
_SORTS: Final = ("money_at_risk", "first_seen", "last_seen", "account")


@dataclass(frozen=True, slots=True)
class _Asked(Address):
    @property
    def sort(self) -> str:
        return self.sorted_by(_SORTS, "money_at_risk")

    @property
    def descending(self) -> bool:
        return self.text("dir") != "asc"

    @property
    def status(self) -> str:
        return self.get("status", _CHIPS)


@router.get(FINDINGS)
def findings(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the findings one may see."""
    asked = _Asked(FINDINGS, dict(request.query_params))
    return _answer(request, scope, service, asked)


@router.post(FINDINGS)
def mark_several(request: Request, scope: SignedIn, service: Service, fields: Fields) -> Response:
    """Acknowledge, snooze or resolve the findings that are ticked."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    back = own_path(fields.get("back", FINDINGS))
    ids = [name.removeprefix("id-") for name in fields if name.startswith("id-")]
    try:
        body = {"ids": ids, **_change(fields, now)}
        findings_op.mark_many(scope, service.alerts, directory, body, now)
    except (Invalid, Forbidden) as e:
        said = "Tick the findings that are meant." if not ids else e.detail
        asked = _Asked(FINDINGS, dict(parse_qsl(urlsplit(back).query)))
        return _answer(request, scope, service, asked, said, status_of(e))
    return RedirectResponse(back, _SEE_OTHER)


@router.get(f"{FINDINGS}/{{finding_id}}")
def finding(request: Request, scope: SignedIn, service: Service, finding_id: str) -> Response:
    """Show a finding with its history."""
    return HTMLResponse(page("finding.html", _one(request, scope, service, finding_id)))


@router.post(f"{FINDINGS}/{{finding_id}}")
def mark(
    request: Request, scope: SignedIn, service: Service, finding_id: str, fields: Fields
) -> Response:
    """Do what the pressed button says with one finding."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    try:
        change = _change(fields, now)
        findings_op.mark(scope, service.alerts, directory, [finding_id], change, now)
    except (Invalid, Forbidden) as e:
        view = _one(request, scope, service, finding_id, e.detail)
        return HTMLResponse(page("finding.html", view), status_of(e))
    return RedirectResponse(f"{FINDINGS}/{finding_id}", _SEE_OTHER)


def _change(fields: Mapping[str, str], now: datetime) -> dict[str, object]:
    change: dict[str, object] = {"status": fields.get("status", "")}
    if fields.get("note"):
        change["note"] = fields["note"]
    if change["status"] == "snoozed":
        days = int(fields.get("days") or 7) if (fields.get("days") or "7").isdecimal() else 7
        change["until"] = format_instant(now + timedelta(days=min(max(days, 1), 366)))
    return change


def _answer(
    request: Request,
    scope: Scope,
    service: Services,
    asked: _Asked,
    problem: str = "",
    status: int = 200,
) -> Response:
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    shell = frame(request, scope, directory, "Findings")
    query = FindingQuery(
        now,
        reach(scope, directory, asked.text("account") or None, now),
        asked.text("contract") or None,
        asked.text("check") or None,
        asked.text("subscription") or None,
        _CHIPS[asked.status],
        asked.text("q") or None,
        asked.sort,  # type: ignore[arg-type]  # one of `_SORTS`
        asked.descending,
    )
    number = min(asked.number, _PAGE_MAX)
    found = _read(scope, service, directory, query, number)
    names = ("status", "check", "q", "account", "contract", "subscription")
    if not sum(found.by_status.values()) and not any(map(asked.text, names)):
        return HTMLResponse(page("message.html", _empty(shell)))
    last = last_page(found.total)
    if number > last:
        number, found = last, _read(scope, service, directory, query, last)
    titles = {one.code: one.title for one in checks_op.catalogue(scope)}
    view = views.FindingsPage(
        shell,
        (Link("Alerts", words.ALERTS), Link("Findings", FINDINGS)),
        found.total,
        _controls(asked, found, number),
        _checks(asked, titles, found),
        asked.kept("check"),
        tuple(_row(asked, scope, directory, titles, one) for one in found.items),
        tuple(Money(amount, currency) for currency, amount in found.money_at_risk.items()),
        _ZONE,
        subscriptions_op.may_subscribe(scope),
        asked.link(),
        problem,
    )
    return HTMLResponse(page("findings.html", view), status)


def _read(
    scope: Scope, service: Services, directory: Directory, query: FindingQuery, number: int
) -> FindingPage:
    asked = replace(query, offset=(number - 1) * ROWS, limit=ROWS)
    return findings_op.listed(scope, service.alerts, directory, asked)


def _empty(shell: Frame) -> MessagePage:
    return MessagePage(
        shell,
        "bell",
        "Nothing found yet",
        "Checks look for contracts that are set up wrong and use that runs away. Subscribe to one, "
        "and what it finds stands here until it is in order.",
        (Link("See the checks", words.ALERTS),),
    )


def _controls(asked: _Asked, found: FindingPage, number: int) -> ListControls:
    return ListControls(
        tuple(_chips(asked, found)),
        asked.find(),
        tuple(
            asked.heading(column, sort, asked.sort, descending=asked.descending, first="desc")
            if sort
            else column
            for column, sort in _COLUMNS
        ),
        asked.pager(number, found.total),
        FINDINGS,
        tuple(_removable(asked)),
    )


def _chips(asked: _Asked, found: FindingPage) -> Iterator[Chip]:
    for status, label in _LABELS.items():
        count = sum(found.by_status.get(one, 0) for one in _CHIPS[status])
        url = asked.link(status=status or None, page=None)
        yield Chip(label, url, count, status == asked.status)


def _removable(asked: _Asked) -> Iterator[Link]:
    for name in ("account", "contract", "subscription"):
        if value := asked.text(name):
            label = "One subscription" if name == "subscription" else f"{name.title()}: {value}"
            yield Link(label, asked.link(page=None, **{name: None}))


def _checks(asked: _Asked, titles: Mapping[str, str], found: FindingPage) -> tuple[Option, ...]:
    chosen = asked.text("check")
    known = sorted({*found.by_check, *filter(None, [chosen])}, key=lambda c: titles.get(c, c))
    named = (
        Option(code, f"{titles.get(code, code)} ({found.by_check.get(code, 0)})", code == chosen)
        for code in known
    )
    return (Option("", "All checks", not chosen), *named)


def _row(
    asked: _Asked, scope: Scope, directory: Directory, titles: Mapping[str, str], one: Finding
) -> views.FindingRow:
    owner = directory.account(one.account)
    return views.FindingRow(
        one.id,
        one.entity,
        f"{FINDINGS}/{one.id}",
        owner.title if owner else one.account or "all",
        asked.link(account=one.account, page=None),
        titles.get(one.check, one.check),
        one.message,
        one.severity,
        one.status,
        words.risk(one, shown=scope.sees_prices),
        one.first_seen,
    )


def _one(
    request: Request, scope: Scope, service: Services, finding_id: str, problem: str = ""
) -> views.FindingPage:
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    history = findings_op.one(scope, service.alerts, directory, finding_id, now)
    found = history.finding
    listed = checks_op.listed(scope, found.check)
    owner = directory.account(found.account)
    columns = listed.check.COLUMNS
    facts = [
        Fact(column.title, text)
        for column, text in zip(columns, words.cells(columns, found), strict=True)
    ]
    risk = words.risk(found, shown=scope.sees_prices)
    if risk is not None and risk.amount is not None:
        facts.insert(0, Fact("At risk", say.money(risk.amount, risk.currency)))
    return views.FindingPage(
        frame(request, scope, directory, found.entity),
        (
            Link("Alerts", words.ALERTS),
            Link("Findings", FINDINGS),
            Link(found.entity, f"{FINDINGS}/{found.id}"),
        ),
        f"{listed.title}: {found.entity}",
        found.message,
        found.status,
        found.severity,
        tuple(facts),
        (
            Link(found.entity, words.place(found)),
            Link(
                owner.title if owner else found.account or "All accounts",
                f"/volume?account={quote(found.account, safe='')}" if found.account else "/volume",
            ),
            Link(listed.title, f"{words.ALERTS}/{found.check}"),
        ),
        tuple(
            views.FindingStep(
                step.at,
                words.ACTS[step.act],
                step.by if "@" in step.by else "a run",
                step.note or "",
            )
            for step in history.events
        ),
        _ZONE,
        f"{FINDINGS}/{found.id}",
        subscriptions_op.may_subscribe(scope),
        problem,
    )
