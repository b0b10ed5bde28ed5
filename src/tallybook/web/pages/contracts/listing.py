"""The list of contracts. Its whole state is in its address; what is not understood is not said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, get_args
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model.scope import Scope
from tallybook.operations.contracts import Listed, Listing, ListQuery, Sort, contracts
from tallybook.web.pages.asked import ROWS, whole
from tallybook.web.pages.contracts.view import ContractRow, ContractsPage, Figures
from tallybook.web.pages.frame import frame, with_query
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import (
    Chip,
    Column,
    Command,
    Filters,
    Find,
    Frame,
    Link,
    MessagePage,
    Money,
    Option,
    Pager,
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
class _Asked:
    query: Mapping[str, str]

    def link(self, **changes: str | None) -> str:
        return with_query(PATH, self.query, **changes)

    def get(self, name: str) -> str:
        return self.query.get(name, "")

    def kept(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return what a form that sends `names` keeps of the rest; never the page."""
        left = {*names, "page"}
        return tuple((n, v) for n, v in self.query.items() if n not in left and v)

    @property
    def state(self) -> str:
        return self.get("status") if self.get("status") in CHIPS else ""

    @property
    def sort(self) -> Sort:
        return next((known for known in _SORTS if known == self.get("sort")), "number")

    @property
    def descending(self) -> bool:
        return self.get("dir") == "desc"

    @property
    def listed(self) -> ListQuery:
        return ListQuery(
            self.state,
            self.get("account"),
            self.get("branch"),
            self.get("csm"),
            self.get("sales_rep"),
            self.get("type"),
            self.get("q"),
            self.sort,
            self.descending,
        )


@router.get(PATH)
def listing(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the contracts one may see."""
    now = service.clock.now()
    directory = service.directories.current(scope)
    asked = _Asked(dict(request.query_params))
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
    last = max(-(-len(found.items) // ROWS), 1)
    number = min(max(whole(asked.get("page"), 999_999), 1), last)
    first = (number - 1) * ROWS
    shown = found.items[first : first + ROWS]
    return ContractsPage(
        shell,
        (Link("Contracts", PATH), Link("All accounts", PATH)),
        Filters(PATH, selects=tuple(_selects(asked, found)), hidden=asked.kept(*_SELECTS)),
        tuple(_removable(asked, found)),
        tuple(_chips(asked, found)),
        Find(PATH, asked.get("q"), asked.kept("q")),
        tuple(
            _column(asked, column, sort)
            for column, sort in _COLUMNS
            if sort != "base" or scope.sees_prices
        ),
        tuple(_row(one) for one in shown),
        Pager(
            first + 1 if shown else 0,
            first + len(shown),
            len(found.items),
            asked.link(page=str(number - 1)) if number > 1 else "",
            asked.link(page=str(number + 1)) if number < last else "",
        ),
        Figures(
            len(found.items),
            sum(one.state == "active" for one in found.items),
            sum(one.is_ending for one in found.items),
            len({one.account for one in found.items}),
            tuple(Money(amount, currency) for currency, amount in found.base.items()),
        ),
        scope.sees_prices,
        asked.link(page=None, q=None, status=None, account=None, **dict.fromkeys(_SELECTS)),
        asked.link(status="ending", page=None),
        new_url,
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
        if len(values) > 1 or asked.get(name):
            options = [Option("", "Any", selected=not asked.get(name))]
            options += [Option(value, value, value == asked.get(name)) for value in values]
            yield Select(label, name, tuple(options))


def _removable(asked: _Asked, found: Listing) -> Iterator[Link]:
    """Yield the filters that no select shows."""
    key = asked.get("account")
    if key:
        names = (one.account_name for one in found.items if one.account == key)
        yield Link(f"Account: {next(names, key)}", asked.link(account=None, page=None))


def _column(asked: _Asked, column: Column, sort: Sort | None) -> Column:
    if sort is None:
        return column
    current = asked.sort == sort
    down = current and not asked.descending
    url = asked.link(sort=sort, dir="desc" if down else None, page=None)
    if not current:
        return replace(column, url=url)
    return replace(column, url=url, order="descending" if asked.descending else "ascending")


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
