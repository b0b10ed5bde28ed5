"""The self-check of an account as a page: what was found, what to do next, and what was checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.operations.self_check import LOOKED_BACK_DAYS, Area, SelfCheck, self_check
from tallybook.positions.self_check import Finding
from tallybook.web.api.positions import instants
from tallybook.web.api.self_check import seen_at
from tallybook.web.pages import format as words
from tallybook.web.pages.frame import frame, with_query
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Frame, Link
from tallybook.web.services import Service

router = APIRouter()

#: Findings on the page; the API answers more of them.
_SHOWN_MAX: Final = 100
_CHECKED: Final[Mapping[Area, tuple[str, str]]] = {
    "hierarchy": (
        "Accounts",
        "Parents that lead back, are missing or closed; moves in the period; zones and currencies.",
    ),
    "contracts": (
        "Contracts",
        "Lines whose meter is not there; use that two contracts charge; units; what has no price.",
    ),
    "meters": (
        "Meters",
        "Whether each line's meter counted anything in its period, or ever.",
    ),
    "sources": (
        "Sources",
        f"The last {LOOKED_BACK_DAYS} days: who is silent for three times the usual pause.",
    ),
    "events": (
        "Events",
        "Types that no meter counts, quantities that cannot be read, keys that are nearly right.",
    ),
}


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One finding: its title in words, and where it is seen."""

    title: str
    detail: str
    next_step: str
    seen: Link


@dataclass(frozen=True, slots=True)
class CheckPage:
    """The self-check of an account, with what was looked at as (title, sentence); `at` is when, in
    `zone`.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    name: str
    at: datetime
    zone: str
    reach: str
    problems: tuple[FoundRow, ...]
    notices: tuple[FoundRow, ...]
    checked: tuple[tuple[str, str], ...]
    more: int
    api_url: str


def check_url(account: str) -> str:
    """Return the address of an account's self-check."""
    return f"/accounts/{quote(account, safe='')}/check"


@router.get("/accounts/{key}/check")
def check(request: Request, scope: SignedIn, service: Service, key: str) -> Response:
    """Show what is odd about an account and all below it."""
    when = instants(scope, service, None, None)
    directory = service.directories.at(scope, when.mark.revision).on(when.now.date())
    found = self_check(scope, directory, service.events, key, when)
    owner = directory.account_at(key, when.at)
    name = owner.title if owner else key
    shown = found.findings[:_SHOWN_MAX]
    view = CheckPage(
        frame(request, scope, directory, f"Self-check of {name}"),
        (
            Link("Volume", "/volume"),
            Link(name, with_query("/volume", {"account": key})),
            Link("Self-check", check_url(key)),
        ),
        name,
        when.at,
        owner.timezone if owner else "UTC",
        _reach(found),
        tuple(_row(finding) for finding in shown if finding.severity == "problem"),
        tuple(_row(finding) for finding in shown if finding.severity == "notice"),
        tuple(_CHECKED[area] for area in found.checked),
        found.problems + found.notices - len(shown),
        f"/api/v1{check_url(key)}",
    )
    return HTMLResponse(page("self_check.html", view))


def _reach(found: SelfCheck) -> str:
    counts = (
        words.plural(found.accounts, "account", "accounts"),
        words.plural(found.contracts, "contract", "contracts"),
        words.plural(found.lines, "line", "lines"),
    )
    return ", ".join(counts)


def _row(finding: Finding) -> FoundRow:
    url = seen_at(finding)
    label = f"Line {finding.line}" if finding.line else f"Contract {finding.contract}"
    if url.startswith("/api/"):
        label = "Events, as JSON" if "/events" in url else "History, as JSON"
    title = finding.code.replace("_", " ").capitalize()
    return FoundRow(title, finding.detail, finding.next_step, Link(label, url))
