"""The catalogue of checks, by category, with what each has found."""

from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from tallybook.model import limits
from tallybook.model.alert import FindingQuery
from tallybook.operations import checks as checks_op
from tallybook.operations import findings as findings_op
from tallybook.operations import subscriptions as subscriptions_op
from tallybook.operations.checks import Listed
from tallybook.web.pages.alerts.view import CatalogueGroup, CataloguePage, CheckCard
from tallybook.web.pages.alerts.words import ALERTS
from tallybook.web.pages.asked import Address
from tallybook.web.pages.frame import frame
from tallybook.web.pages.render import page
from tallybook.web.pages.session import SignedIn
from tallybook.web.pages.view import Link
from tallybook.web.services import Service

router = APIRouter()

#: The groups that the page shows, and the categories of each; one that is new has its own.
GROUPS: Final = {
    "Use and allotments": ("allotment", "overage", "usage", "pool", "volume"),
    "Money": ("spend", "commitment", "prepaid", "balance"),
    "Contracts and rates": ("contract", "rate", "group", "cycle", "hierarchy"),
    "Billing": ("billing", "invoice", "meter"),
}


@router.get(ALERTS)
def catalogue(request: Request, scope: SignedIn, service: Service) -> Response:
    """Show the checks one may run."""
    now = service.clock.now()
    directory = service.directories.current(scope).on(now.date())
    asked = Address(ALERTS, dict(request.query_params))
    every = checks_op.catalogue(scope)
    wanted = [one for one in every if _has(one, asked.text("q").casefold())]
    found = findings_op.listed(scope, service.alerts, directory, FindingQuery(now, limit=1))
    held = [
        one.check
        for one in subscriptions_op.mine(scope, service.alerts, limit=limits.PAGE_ROWS_MAX).items
    ]
    cards: dict[str, list[CheckCard]] = {}
    for one in wanted:
        card = CheckCard(
            one.title,
            f"{ALERTS}/{one.code}",
            one.finds,
            one.code,
            found.by_check.get(one.code, 0),
            held.count(one.code),
        )
        cards.setdefault(_group(one.category), []).append(card)
    view = CataloguePage(
        frame(request, scope, directory, "Alerts"),
        (Link("Alerts", ALERTS), Link("All checks", ALERTS)),
        len(wanted),
        tuple(CatalogueGroup(name, tuple(cards[name])) for name in _ordered(cards)),
        asked.find(),
    )
    return HTMLResponse(page("alerts.html", view))


def _has(one: Listed, text: str) -> bool:
    return text in f"{one.title} {one.finds} {one.code}".casefold()


def _group(category: str) -> str:
    return next((name for name, some in GROUPS.items() if category in some), category.title())


def _ordered(names: Iterable[str]) -> list[str]:
    known = [*GROUPS]
    return sorted(names, key=lambda n: (known.index(n) if n in known else len(known), n))
