"""Rich sample values for the pages of cases, for the tests and for looking at them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tallybook.web.pages.cases.view import (
    CasePageView,
    CaseRow,
    CasesPage,
    ContactPage,
    Letter,
    MessageRow,
    Numbers,
)
from tallybook.web.pages.view import Chip, Column, Fact, Find, Link, ListControls, Pager
from tests.web.page_samples import ZONE, frame

TITLE = "Numbers look wrong: Messaging, Quarry Motors Group"
NUMBERS = Numbers(
    "Quarry Motors Group, Messaging",
    "/volume/C-1001/messaging",
    (
        Fact("Period", "1–30 Nov 2026"),
        Fact("Used", "268,640 messages"),
        Fact("Allotment", "255,000 messages"),
        Fact("Past allotment", "13,640 messages"),
        Fact("Projected", "351,000 messages", "estimate"),
        Fact("Known at", "m1.8de6.46.3f827d1c", "the mark they rest on"),
    ),
)
LETTER = Letter("/cases/1", "0190", "We count fewer.", hidden=(("at", "2026-11-22T00:00:00Z"),))
AT = datetime(2026, 11, 22, 14, 3, 9, tzinfo=UTC)


def message(number: int, **changes: Any) -> MessageRow:
    fields: dict[str, Any] = {
        "number": number,
        "author": "casey@quarry.example",
        "side": "Customer",
        "at": AT + timedelta(hours=number),
        "text": "We count 1,240 fewer.\n\nWas the batch counted twice?",
        "note": "recorded, not sent by mail yet",
        "mine": number == 1,
    }
    return MessageRow(**{**fields, **changes})


def contact(**changes: Any) -> ContactPage:
    fields: dict[str, Any] = {
        "frame": frame("Contact your CSM"),
        "crumbs": (Link("Volume", "/volume"), Link("Contact", "#")),
        "manager_name": "Nadia Berg",
        "manager_email": "nadia@example.com",
        "numbers": NUMBERS,
        "letter": LETTER,
        "kind": "question",
        "kinds": (("question", "I have a question"), ("discrepancy", "The numbers look wrong")),
        "back_url": "/volume/C-1001/messaging",
    }
    return ContactPage(**{**fields, **changes})


def case(**changes: Any) -> CasePageView:
    fields: dict[str, Any] = {
        "frame": frame(TITLE),
        "crumbs": (Link("Cases", "/cases"), Link(TITLE, "#")),
        "title": TITLE,
        "status": "answered",
        "zone": ZONE,
        "messages": (message(1), message(2, author="nadia@example.com", side="Vendor")),
        "numbers": NUMBERS,
        "about": (Link("Quarry Motors Group", "/volume"), Link("Contract C-1001", "/contracts")),
        "letter": LETTER,
        "post": Link("Close this case", "/cases/1"),
        "post_status": "closed",
    }
    return CasePageView(**{**fields, **changes})


def cases(rows: int = 3) -> CasesPage:
    statuses = ("open", "answered", "closed")
    quotes = (
        "We count 1,240 fewer messages on 12 November than the daily breakdown shows…",
        f"https://example.com/{'w' * 100}…",
    )
    made = (
        CaseRow(
            f"{TITLE} {n}",
            f"/cases/{n}",
            quotes[n % 2],
            "Quarry Motors Group",
            "/cases?account=quarry",
            statuses[n % 3],  # type: ignore[arg-type]  # a tuple's item is a plain text to mypy
            n + 1,
            date(2026, 11, 20),
            date(2026, 11, 22),
        )
        for n in range(rows)
    )
    controls = ListControls(
        (Chip("All", "/cases", current=True), Chip("Open", "/cases?status=open", rows)),
        Find("/cases"),
        (Column("Case", numeric=False), Column("Status", numeric=False)),
        Pager(1 if rows else 0, rows, rows),
        "/cases",
        (Link("Account: quarry", "/cases"),),
    )
    crumbs = (Link("Cases", "/cases"), Link("All accounts", "/cases"))
    return CasesPage(frame("Cases"), crumbs, rows, controls, tuple(made))


PAGES: dict[str, tuple[str, Any]] = {
    "contact": ("contact.html", contact()),
    "contact-no-csm": (
        "contact.html",
        contact(
            manager_name="",
            manager_email="",
            letter=Letter("/volume/C-1/x/contact", "1", "", "Write what it is about."),
        ),
    ),
    "case": ("case.html", case()),
    "case-closed": (
        "case.html",
        case(
            status="closed",
            letter=None,
            post=Link("Reopen this case", "/cases/1"),
            post_status="open",
            problem="This case is closed; reopen it, then write.",
        ),
    ),
    "case-read-only": ("case.html", case(letter=None, post=None)),
    "cases": ("cases.html", cases()),
    "cases-unmatched": ("cases.html", cases(0)),
}
