"""Sample values of the self-check of an account."""

from datetime import UTC, datetime
from typing import Any

from tallybook.web.pages.self_check import CheckPage, FoundRow
from tallybook.web.pages.view import Link
from tests.web.page_samples import frame

_CHECKED = (("Accounts", "Parents and moves."), ("Events", "Types and quantities."))


def _page(**found: Any) -> CheckPage:
    return CheckPage(
        frame("Self-check of Acme"),
        (Link("Volume", "/volume"), Link("Self-check", "/accounts/acme/check")),
        "Acme",
        datetime(2026, 11, 22, 15, tzinfo=UTC),
        "America/Chicago",
        "3 accounts, 1 contract, 2 lines",
        checked=_CHECKED,
        api_url="/api/v1/accounts/acme/check",
        **{"problems": (), "notices": (), "more": 0, **found},
    )


def _row(detail: str) -> FoundRow:
    return FoundRow("Type unknown", detail, "Define a meter.", Link("Events", "/api/v1/events"))


PAGES: dict[str, tuple[str, Any]] = {
    "self-check": (
        "self_check.html",
        _page(
            problems=(_row("Events of <b>a type, " + "q" * 90), _row("Another.")),
            notices=(_row("Moved."),),
            more=3,
        ),
    ),
    "self-check-right": ("self_check.html", _page()),
}
