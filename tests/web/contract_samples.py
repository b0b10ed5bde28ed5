"""Rich sample values for the pages of contracts, for the tests and for looking at them."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tallybook.web.pages.contracts.view import ContractRow, ContractsPage, Figures, State
from tallybook.web.pages.view import Chip, Column, Filters, Find, Frame, Link, Money, Pager
from tests.web.page_samples import frame, select

FIRST = date(2026, 1, 1)
STATES: tuple[State, ...] = ("active", "active", "active", "planned", "draft", "ended")


def row(index: int) -> ContractRow:
    state = STATES[index % len(STATES)]
    return ContractRow(
        f"C-{2000 + index}",
        f"/contracts/C-{2000 + index}",
        f"Platform agreement {2024 + index % 3}",
        ("Quarry Motors Group", "Lumen Bank", "Nordlicht Versicherung")[index % 3],
        "/contracts?account=quarry",
        ("Enterprise", "Growth", "")[index % 3],
        FIRST + timedelta(31 * (index % 7)),
        None if index % 4 == 0 else date(2027, 1 + index % 12, 28),
        index % 5 == 1,
        1 + index % 6,
        ("Nadia Berg", "Priya Raman", "Jonas Weber")[index % 3],
        state,
        state == "active" and index % 6 == 2,
        Money(Decimal(1200 + 350 * (index % 9)), "EUR" if index % 3 == 2 else "USD")
        if index % 4
        else None,
    )


def contracts(**changes: Any) -> ContractsPage:
    columns = (
        Column("Contract", "?sort=number", numeric=False, order="ascending"),
        Column("Account", "?sort=account", numeric=False),
        Column("Type", "?sort=type", numeric=False, wide=True),
        Column("From", "?sort=start_date", wide=True),
        Column("Through", "?sort=end_date", wide=True),
        Column("Lines", wide=True),
        Column("Base a month", "?sort=base"),
        Column("CSM", "?sort=csm", numeric=False, wide=True),
        Column("Status", "?sort=status", numeric=False),
    )
    made = ContractsPage(
        nav_at_contracts("Contracts"),
        (Link("Contracts", "/contracts"), Link("All accounts", "/contracts")),
        Filters(
            "/contracts",
            selects=(
                select("Branch", "Any", "EMEA", "North America"),
                select("CSM", "Any", "Nadia Berg"),
                select("Sales rep", "Any", "Omar Haddad"),
                select("Type", "Any", "Enterprise"),
            ),
        ),
        (Link("Account: Quarry Motors Group", "/contracts"),),
        (
            Chip("All", "/contracts", current=True),
            Chip("Active", "?status=active", 25),
            Chip("Ending soon", "?status=ending", 8),
            Chip("Draft", "?status=draft", 8),
        ),
        Find("/contracts"),
        columns,
        tuple(row(index) for index in range(50)),
        Pager(1, 50, 212, "", "?page=2"),
        Figures(212, 106, 34, 71, (Money(Decimal(182400), "USD"), Money(Decimal(31250), "EUR"))),
        sees_prices=True,
        clear_url="/contracts",
        ending_url="?status=ending",
        new_url="/contracts/new",
    )
    return replace(made, **changes)


def nav_at_contracts(title: str, **changes: Any) -> Frame:
    """The frame with Contracts as the place where one is."""
    shell = frame(title, **changes)
    nav = tuple(
        replace(
            group,
            items=tuple(replace(one, current=one.label == "Contracts") for one in group.items),
        )
        for group in shell.nav
    )
    return replace(shell, nav=nav)


PAGES: dict[str, tuple[str, Any]] = {
    "contracts": ("contracts.html", contracts()),
    "contracts-empty": (
        "contracts.html",
        contracts(
            rows=(), pager=Pager(0, 0, 0), figures=Figures(0, 0, 0, 0), new_url="", removable=()
        ),
    ),
    "contracts-unpriced": (
        "contracts.html",
        contracts(
            columns=tuple(c for c in contracts().columns if c.label != "Base a month"),
            rows=tuple(replace(row(index), base=None) for index in range(20)),
            figures=Figures(212, 106, 1, 71),
            sees_prices=False,
            new_url="",
        ),
    ),
}
