"""The list of cases, newest first. Its whole state is in its address."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, get_args
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.case import Case, CasePage, CaseQuery, CaseStatus
from tallybook.model.directory import Directory
from tallybook.model.scope import Scope
from tallybook.operations import cases as cases_op
from tallybook.operations.position import reach
from tallybook.web.pages.asked import ROWS, Address, last_page
from tallybook.web.pages.cases.view import CaseRow, CasesPage
from tallybook.web.pages.frame import frame, zone_of
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Chip, Column, Frame, Link, ListControls, MessagePage
from tallybook.web.services import Service, Services

router = APIRouter()

PATH: Final = "/cases"
_CHIPS: Final = {"open": "Open", "answered": "Answered", "closed": "Closed"}
_STATUSES: Final[tuple[CaseStatus, ...]] = get_args(CaseStatus)
_QUOTE_CHARS: Final = 120
_PAGE_MAX: Final = 10_000
_COLUMNS: Final = (
    Column("Case", numeric=False),
    Column("Account", numeric=False, wide=True),
    Column("Messages", wide=True),
    Column("Opened", wide=True),
    Column("Last change", wide=True),
    Column("Status", numeric=False),
)


@dataclass(frozen=True, slots=True)
class _Asked(Address):
    @property
    def status(self) -> CaseStatus | None:
        return next((one for one in _STATUSES if one == self.text("status")), None)


@router.get(PATH)
def listing(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the cases one may see."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    asked = _Asked(PATH, dict(request.query_params))
    shell = frame(request, scope, directory.on(now.date()), "Cases")
    accounts = reach(scope, directory, asked.text("account") or None, now)
    query = CaseQuery(now, accounts, asked.status, asked.text("q") or None)
    number = min(asked.number, _PAGE_MAX)
    found = _read(scope, service, query, number)
    if not found.total and not any(map(asked.text, ("status", "q", "account"))):
        return HTMLResponse(page("message.html", _empty(shell)))
    last = last_page(found.total)
    if number > last:
        number, found = last, _read(scope, service, query, last)
    view = CasesPage(
        shell,
        (Link("Cases", PATH), Link("All accounts", PATH)),
        found.total,
        _controls(asked, found, number),
        tuple(_row(asked, directory.on(now.date()), case) for case in found.items),
    )
    return HTMLResponse(page("cases.html", view))


def _read(scope: Scope, service: Services, query: CaseQuery, number: int) -> CasePage:
    asked = replace(query, offset=(number - 1) * ROWS, limit=ROWS)
    return cases_op.list_cases(scope, service.cases, asked)


def _empty(shell: Frame) -> MessagePage:
    return MessagePage(
        shell,
        "mail",
        "No cases yet",
        "Somebody who has a question about a number, or thinks that it is wrong, opens a case on "
        "the page of its line: Contact your CSM. Both sides then see it here.",
        (Link("Go to Volume", "/volume"),),
    )


def _controls(asked: _Asked, found: CasePage, number: int) -> ListControls:
    key = asked.text("account")
    here = Link(f"Account: {key}", asked.link(account=None, page=None))
    return ListControls(
        tuple(_chips(asked, found)),
        asked.find(),
        _COLUMNS,
        asked.pager(number, found.total),
        PATH,
        (here,) if key else (),
    )


def _chips(asked: _Asked, found: CasePage) -> Iterator[Chip]:
    yield Chip("All", asked.link(status=None, page=None), None, asked.status is None)
    for status in _STATUSES:
        url = asked.link(status=status, page=None)
        yield Chip(_CHIPS[status], url, found.counts.get(status, 0), status == asked.status)


def _row(asked: _Asked, directory: Directory, case: Case) -> CaseRow:
    zone = ZoneInfo(zone_of(directory, case.contract, case.account))
    quote = " ".join(case.opening.split())
    return CaseRow(
        cases_op.title(case),
        f"{PATH}/{case.id}",
        quote if len(quote) <= _QUOTE_CHARS else f"{quote[:_QUOTE_CHARS]}…",
        case.shown["account_name"],
        asked.link(account=case.account, page=None),
        case.status,
        case.messages_count,
        case.created_at.astimezone(zone).date(),
        case.changed_at.astimezone(zone).date(),
    )
