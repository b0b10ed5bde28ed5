"""The list of contracts. Its whole state is in its address; what is not understood is not said."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_args
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.scope import Scope
from tallybook.operations.contracts import Listed, Listing, ListQuery, Sort, contracts
from tallybook.web.pages.asked import ROWS, Address, last_page
from tallybook.web.pages.contracts.view import ContractRow, ContractsPage, Figures
from tallybook.web.pages.frame import frame, with_query
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import (
    Chip,
    Column,
    Command,
    Filters,
    Frame,
    Link,
    ListControls,
    MessagePage,
    Money,
    Option,
    Select,
)
from tallybook.web.services import Service

router = APIRouter()

PATH: Final = "/contracts"
CHIPS: Final = {
    "": "All",
    "active": "Active",
    "ending": "Ending soon",
    "planned": "Planned",
    "draft": "Draft",
    "ended": "Ended",
}
_SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
_SELECTS: Final = {
    "branch": "Branch",
    "csm": "CSM",
    "sales_rep": "Sales rep",
    "type": "Type",
}
_CHOICES_MAX: Final = 100
_COLUMNS: Final[tuple[tuple[Column, Sort | None], ...]] = (
    (Column("Contract", numeric=False), "number"),
    (Column("Account", numeric=False), "account"),
    (Column("Type", numeric=False, wide=True), "type"),
    (Column("From", wide=True), "start_date"),
    (Column("Through", wide=True), "end_date"),
    (Column("Lines", wide=True), None),
    (Column("Base a month"), "base"),
    (Column("CSM", numeric=False, wide=True), "csm"),
    (Column("Status", numeric=False), "status"),
)
_FIRST: Final = (
    Command("A file of contracts, as JSON or YAML", "./tallybook import contracts contracts.yaml"),
    Command("Or first look at sample data, in a folder of its own", "./tallybook demo"),
)


@dataclass(frozen=True, slots=True)
class _Asked(Address):
    @property
    def state(self) -> str:
        return self.get("status", CHIPS)

    @property
    def sort(self) -> Sort:
        return self.sorted_by(_SORTS, "number")

    @property
    def descending(self) -> bool:
        return self.text("dir") == "desc"

    @property
    def listed(self) -> ListQuery:
        return ListQuery(
            self.state,
            self.text("account"),
            self.text("branch"),
            self.text("csm"),
            self.text("sales_rep"),
            self.text("type"),
            self.text("q"),
            self.sort,
            self.descending,
        )


@router.get(PATH)
def listing(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the contracts one may see."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    asked = _Asked(PATH, dict(request.query_params))
    found = contracts(scope, directory, asked.listed, now)
    shell = frame(request, scope, directory.on(now.date()), "Contracts")
    new_url = f"{PATH}/new" if may_define(scope) else ""
    if not found.total:
        return HTMLResponse(page("message.html", _empty(shell, new_url)))
    return HTMLResponse(page("contracts.html", _page(scope, asked, found, shell, new_url)))


def may_define(scope: Scope) -> bool:
    """Tell whether somebody may change contracts: the vendor's people who define."""
    return scope.may("define") and scope.accounts is None


def _empty(shell: Frame, new_url: str) -> MessagePage:
    if not new_url:
        return MessagePage(
            shell, "contract", "No contract of yours yet", "Once one is agreed it is listed here."
        )
    return MessagePage(
        shell,
        "contract",
        "No contracts yet",
        "A contract says what an account was promised and what it pays: allotments, prices, base "
        "charges and when they are billed.",
        (Link("Write the first one here", new_url),),
        commands=_FIRST,
    )


def _page(scope: Scope, asked: _Asked, found: Listing, shell: Frame, new_url: str) -> ContractsPage:
    number = min(asked.number, last_page(len(found.items)))
    shown = found.items[(number - 1) * ROWS : number * ROWS]
    return ContractsPage(
        shell,
        (Link("Contracts", PATH), Link("All accounts", PATH)),
        Filters(PATH, selects=tuple(_selects(asked, found)), hidden=asked.kept(*_SELECTS)),
        _controls(scope, asked, found, number),
        tuple(_row(one) for one in shown),
        Figures(
            len(found.items),
            sum(one.state == "active" for one in found.items),
            sum(one.is_ending for one in found.items),
            len({one.account for one in found.items}),
            tuple(Money(amount, currency) for currency, amount in found.base.items()),
        ),
        scope.sees_prices,
        asked.link(status="ending", page=None),
        new_url,
    )


def _controls(scope: Scope, asked: _Asked, found: Listing, number: int) -> ListControls:
    return ListControls(
        tuple(_chips(asked, found)),
        asked.find(),
        tuple(
            _heading(asked, column, sort)
            for column, sort in _COLUMNS
            if sort != "base" or scope.sees_prices
        ),
        asked.pager(number, len(found.items)),
        asked.link(page=None, q=None, status=None, account=None, **dict.fromkeys(_SELECTS)),
        tuple(_removable(asked, found)),
    )


def _chips(asked: _Asked, found: Listing) -> Iterator[Chip]:
    for state, label in CHIPS.items():
        count = found.counts.get(state, 0) if state else None
        if count != 0 or state == asked.state:
            url = asked.link(status=state, page=None)
            yield Chip(label, url, count, state == asked.state)


def _selects(asked: _Asked, found: Listing) -> Iterator[Select]:
    for name, label in _SELECTS.items():
        values = found.choices[name][:_CHOICES_MAX]
        if len(values) > 1 or asked.text(name):
            options = [Option("", "Any", selected=not asked.text(name))]
            options += [Option(value, value, value == asked.text(name)) for value in values]
            yield Select(label, name, tuple(options))


def _removable(asked: _Asked, found: Listing) -> Iterator[Link]:
    """Yield the filters that no select shows."""
    key = asked.text("account")
    if key:
        names = (one.account_name for one in found.items if one.account == key)
        yield Link(f"Account: {next(names, key)}", asked.link(account=None, page=None))


def _heading(asked: _Asked, column: Column, sort: Sort | None) -> Column:
    if sort is None:
        return column
    return asked.heading(column, sort, asked.sort, descending=asked.descending, first="asc")


def _row(one: Listed) -> ContractRow:
    return ContractRow(
        one.number,
        f"{PATH}/{quote(one.number, safe='')}",
        one.name,
        one.account_name,
        with_query(PATH, {"account": one.account}),
        one.type,
        one.start_date,
        one.end_date,
        one.renewal == "auto",
        one.lines,
        one.csm,
        one.state,
        one.is_ending,
        Money(one.base, one.currency) if one.base else None,
    )
