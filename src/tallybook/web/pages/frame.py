"""The frame that every signed-in page shares, addresses with their query, and plain states."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from fastapi import Request

from tallybook.model import limits
from tallybook.model.alert import FindingQuery
from tallybook.model.case import CaseQuery
from tallybook.model.directory import Directory
from tallybook.model.scope import Role, Scope
from tallybook.operations import findings
from tallybook.operations.cases import list_cases
from tallybook.web.pages.sign_in import theme
from tallybook.web.pages.view import Frame, NavGroup, NavItem, Person
from tallybook.web.services import Services

#: No page understands more names in its address, nor a name with a longer value.
_NAMES_MAX: Final = 50
_CARRIED_CHARS_MAX: Final = limits.CURSOR_CHARS_MAX + len("cursor")
SUBSCRIPTIONS: Final = "/subscriptions"
_SEES: Final[Mapping[Role, str]] = {
    "admin": "Administrator · all accounts",
    "finance": "Finance · all accounts",
    "csm": "Customer success",
    "analyst": "Analyst",
    "sales_rep": "Sales",
}


def frame(request: Request, scope: Scope, directory: Directory, title: str) -> Frame:
    """Return the frame of a page for who asks."""
    name = scope.who.partition("@")[0].replace(".", " ").title()
    return Frame(
        title,
        Person(name, _SEES.get(scope.role, scope.role.replace("_", " ").capitalize())),
        _places(request, scope),
        theme(request),
        sample_data=has_samples(directory),
        back=str(request.url.replace(scheme="", netloc="")),
    )


def _places(request: Request, scope: Scope) -> tuple[NavGroup, ...]:
    path = request.url.path
    is_contract, is_case = path.startswith(("/contracts", "/statements")), path.startswith("/cases")
    return (
        NavGroup(
            (
                NavItem("Volume", "/volume", "chart", "v", current=path.startswith("/volume")),
                NavItem("Cases", "/cases", "pencil", "a", is_case, _waiting(request, scope)),
                NavItem("Subscriptions", SUBSCRIPTIONS, "mail", "s", current=path == SUBSCRIPTIONS),
            )
        ),
        NavGroup(
            (
                NavItem("Alerts", "/alerts", "bell", "l", path.startswith("/alerts")),
                NavItem(
                    "Findings",
                    "/findings",
                    "pulse",
                    "f",
                    path.startswith("/findings"),
                    _found(request, scope),
                ),
                NavItem("Outbox", "/outbox", "mail", "o", path.startswith("/outbox")),
            ),
            "Checks",
        ),
        NavGroup(
            (NavItem("Contracts", "/contracts", "contract", "c", current=is_contract),), "Contracts"
        ),
    )


def _waiting(request: Request, scope: Scope) -> int | None:
    """Count the cases that wait for the vendor's people; a customer's wait for nobody of theirs."""
    if scope.accounts is not None:
        return None
    services: Services = request.app.state.services
    return list_cases(scope, services.cases, CaseQuery(services.clock.now(), limit=1)).counts.get(
        "open"
    )


def _found(request: Request, scope: Scope) -> int | None:
    """Count the findings that nobody has dealt with."""
    services: Services = request.app.state.services
    now = services.clock.now()
    query = FindingQuery(now, statuses=frozenset({"open"}), limit=1)
    directory = services.directories.current(scope)
    return findings.listed(scope, services.alerts, directory, query).total or None


def zone_of(directory: Directory, contract: str, account: str) -> str:
    """Return the zone of a contract's days: its own, else its account's."""
    agreed = directory.contract(contract)
    owner = directory.account(account)
    named = agreed.timezone if agreed else None
    return named or (owner.timezone if owner else "UTC")


def has_samples(directory: Directory) -> bool:
    """Tell whether the data was made up: the first account says so in its attributes."""
    first = next(iter(directory.accounts.values()), None)
    return first is not None and first.attributes.get("sample") is True


def with_query(path: str, query: Mapping[str, str], **changes: str | None) -> str:
    """Return an address whose query is `query` with some values changed; None takes one out."""
    kept = {name: value for name, value in {**carried(query), **changes}.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def carried(query: Mapping[str, str]) -> dict[str, str]:
    """Return what the links and forms of a page keep of its query: nothing that is too long, or too
    much, for any page to understand, as it would come back in each of them.
    """
    if len(query) > _NAMES_MAX:
        return {}
    return {n: v for n, v in query.items() if v and len(n) + len(v) <= _CARRIED_CHARS_MAX}
