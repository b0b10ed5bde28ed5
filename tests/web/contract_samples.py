"""Rich sample values for the pages of contracts, for the tests and for looking at them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tallybook.web.pages.contracts import form
from tallybook.web.pages.contracts.edit_view import EditPage, MoneyChange, Preview
from tallybook.web.pages.contracts.statement_view import (
    ChargeGroup,
    ChargeRow,
    Close,
    PartRow,
    StatementPage,
    StatementRow,
    StatementsPage,
    Totals,
)
from tallybook.web.pages.contracts.view import (
    Band,
    BaseRow,
    Change,
    Clause,
    ContractPage,
    ContractRow,
    ContractsPage,
    Figures,
    Phase,
    Said,
    State,
    Terms,
    Tier,
    TierTable,
    VersionRow,
)
from tallybook.web.pages.view import (
    Chip,
    Column,
    Filters,
    Find,
    Frame,
    Link,
    ListControls,
    Money,
    Note,
    Pager,
    Step,
)
from tests.web.page_samples import FRESH, ZONE, frame, select, standing

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
    controls = ListControls(
        (
            Chip("All", "/contracts", current=True),
            Chip("Active", "?status=active", 25),
            Chip("Ending soon", "?status=ending", 8),
            Chip("Draft", "?status=draft", 8),
        ),
        Find("/contracts"),
        columns,
        Pager(1, 50, 212, "", "?page=2"),
        "/contracts",
        (Link("Account: Quarry Motors Group", "/contracts"),),
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
        controls,
        tuple(row(index) for index in range(50)),
        Figures(212, 106, 34, 71, (Money(Decimal(182400), "USD"), Money(Decimal(31250), "EUR"))),
        sees_prices=True,
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


def terms(**changes: Any) -> Terms:
    tiers = TierTable(
        "Beyond what is included",
        ("Each", "Flat"),
        (Tier("0 – 50,000", ("$0.012", "–")), Tier("over 50,000", ("$0.009", "$100.00"))),
    )
    lines = (
        Clause(
            "messaging",
            "Messaging",
            "messaging",
            ("Each month includes 255,000 messages.", "Beyond that: graduated, each at its price."),
            tiers,
            "/volume/C-2041/messaging",
            standing(17_900, 255_000),
        ),
        Clause("seats", "Seats", "fixed", ("A fixed 25.", "Price: $12.00 a seat.", "10% off.")),
    )
    groups = (
        Clause("copies", "Copies", "pool", ("Pools black and colour.", "Every 3 months covers 9.")),
    )
    made = Terms(
        (
            Said("Account", "Quarry Motors Group", "quarry", "/volume?q=quarry"),
            Said("Sales rep", "Omar Haddad", url="mailto:omar@example.com"),
        ),
        (Said("First day", "1 Jan 2026"), Said("Last day", "31 Dec 2027")),
        (Said("Period", "Month"), Said("Currency", "USD")),
        "USD",
        (
            BaseRow("platform", Decimal(2550), "a month", "in advance", ""),
            BaseRow("copies", Decimal("99.5"), "every 3 months", "in arrears", "group copies"),
        ),
        lines,
        groups,
        (Said("Commitment", "At least $4,000.00 a month", "minimum"),),
        (Said("purchase_order", "PO-88120"),),
        Band(
            FIRST,
            date(2027, 12, 31),
            is_open=False,
            phases=(
                Phase("Ramp", FIRST, date(2026, 3, 31), Decimal(0), Decimal("12.3"),
                      changes=("platform: $1,275.00 a month",)),
                Phase("Full", date(2026, 4, 1), None, Decimal("12.3"), Decimal("87.7"),
                      is_current=True),
            ),
            today=Decimal("44.5"),
        ),
        "Full",
    )  # fmt: skip
    return replace(made, **changes)


def contract(**changes: Any) -> ContractPage:
    versions = tuple(
        VersionRow(
            number,
            date(2026, number, 1) if number > 1 else None,
            datetime(2026, number, 3, 15, 4, 5, tzinfo=UTC),
            "nadia@example.com",
            "Amendment" if number > 1 else "",
            f"?on=2026-0{number}-01",
            number == 3,
            changes=(
                Change("lines › messaging › allotment › quantity", "200000", "255000"),
                Change("end date", "", "2027-12-31"),
                Change("discounts › partner", "percent 5", ""),
            )
            if number > 1
            else (),
        )
        for number in (3, 2, 1)
    )
    made = ContractPage(
        nav_at_contracts("C-2041"),
        (Link("Contracts", "/contracts"), Link("C-2041", "/contracts/C-2041")),
        "C-2041",
        "Platform agreement 2026",
        "active",
        is_ending=True,
        zone=ZONE,
        on=date(2026, 11, 22),
        known="",
        path="/contracts/C-2041",
        terms=terms(),
        versions=versions,
        statements_url="/contracts/C-2041/statements",
        sees_prices=True,
        findings=(
            Note("near", "risk", "A child has a contract of its own", "quarry-east is in the pool.",
                 Link("Open it", "/contracts/C-9")),
        ),
        edit_url="/contracts/C-2041/edit",
    )  # fmt: skip
    return replace(made, **changes)


LINK = Link("Its days and events", "/volume/C-2041/messaging?period=custom")


def charge(title: str, amount: str | None, quantity: int | None = None, **more: Any) -> ChargeRow:
    shown = None if quantity is None else Decimal(quantity)
    sum_of = None if amount is None else Decimal(amount)
    steps = (Step("Counted", "245,498 messages."), Step("Rounded", "$1.005 once to $1.01."))
    made = ChargeRow(title, title.lower(), "line", shown, shown, "messages", sum_of, steps)
    return replace(made, **more)


def statement(**changes: Any) -> StatementPage:
    parts = (
        PartRow("Tier 1", "25,000 messages", "$0.012", "$300.00"),
        PartRow("Tier 2", "75,000 messages", "$0.0095 + $20.00 flat", "$732.50"),
    )
    use = charge("Messaging", "1032.50", 245_498, parts=parts, link=LINK)
    groups = (
        ChargeGroup("Use", (use, charge("Seats", "270", 25))),
        ChargeGroup("Base charges", (charge("platform", "2550", steps=()),)),
        ChargeGroup("Discounts", (charge("partner", "-51.63", steps=()),)),
        ChargeGroup("Adjustments of closed statements", (charge("Old", "250", link=LINK),)),
    )
    made = StatementPage(
        nav_at_contracts("Statement"),
        (Link("Contracts", "/contracts"), Link("C-2041", "/contracts/C-2041")),
        "C-2041",
        "Quarry Motors Group",
        "Quarry Holding",
        date(2026, 10, 1),
        date(2026, 10, 31),
        is_stub=True,
        is_supplementary=False,
        state="open",
        currency="USD",
        zone=ZONE,
        known_at=datetime(2026, 11, 22, 17, 31, tzinfo=UTC),
        groups=groups,
        totals=Totals(
            Decimal("4050.87"), (charge("Credit welcome", "-300", kind="credit"),),
            Decimal("3750.87"),
        ),
        sees_prices=True,
        contract_url="/contracts/C-2041",
        list_url="/contracts/C-2041/statements",
        freshness=FRESH,
        sha256="40319ff00f9c55506267322035359c2f68a5f056861537a4ace3ecc411f5e535",
        previous_url="?period=2026-09-01",
        next_url="?period=2026-11-01",
        close=Close("/statements/C-2041/close", date(2026, 10, 1), is_held=False),
    )  # fmt: skip
    return replace(made, **changes)


def statements(**changes: Any) -> StatementsPage:
    rows = tuple(
        StatementRow(
            date(2026, month, 1),
            date(2026, month, 28),
            f"?period=2026-{month:02}-01",
            "open" if month > 9 else "held" if month == 9 else "closed",
            is_stub=month == 1,
            is_supplementary=False,
            subtotal=Decimal(4000 + month),
            total=Decimal(3700 + month),
            sha256="" if month > 8 else "40319ff00f9c5550",
            closed_at=None if month > 8 else datetime(2026, month + 1, 3, 9, 5, tzinfo=UTC),
        )
        for month in range(11, 0, -1)
    )
    made = StatementsPage(
        nav_at_contracts("Statements"),
        (Link("Contracts", "/contracts"), Link("Statements", "/contracts/C-2041/statements")),
        "C-2041",
        "Quarry Motors Group",
        "USD",
        ZONE,
        rows,
        11,
        sees_prices=True,
        contract_url="/contracts/C-2041",
        more_url="?cursor=x",
        first_url="?",
    )
    return replace(made, **changes)


DOCUMENT: dict[str, Any] = {
    "name": "Platform agreement",
    "start_date": "2026-01-01",
    "lines": [
        {"code": "messaging", "meter": "messaging", "allotment": {"quantity": None},
         "price": {"model": "graduated", "tiers": [{"up_to": "5", "unit_amount": "1"}]}},
        {"code": "area", "meter": "area", "price": {"model": "matrix", "dimensions": ["region"]}},
        {"code": "fee", "quantity": "1", "price": {"model": "package"}},
    ],
    "meter_groups": [{"name": "copies", "meters": ["a", "b"], "overage_rate": "0.1"}],
    "base_charges": [{"name": "platform", "amount": "much"}],
}  # fmt: skip


def edit(**changes: Any) -> EditPage:
    faults = {"base_charges.0.amount": "must be a decimal number.", "lines.2": "What is it?"}
    made = EditPage(
        nav_at_contracts("Edit"),
        (Link("Contracts", "/contracts"), Link("C-2041", "/contracts/C-2041"), Link("Edit", "")),
        "Edit C-2041",
        "/contracts/C-2041/edit",
        "/contracts/C-2041",
        "form",
        is_new=False,
        number="C-2041",
        account="quarry",
        document="{}",
        sections=tuple(form.sections(DOCUMENT, faults)),
        version=3,
        valid_from="2026-11-01",
        applies="next_period",
        reason="Amendment",
        faults=(Link("Amount: must be a decimal.", "#f-base_charges-0-amount"), Link("Odd.", "")),
        field_faults=faults,
    )
    return replace(made, **changes)


PREVIEW = Preview(
    date(2026, 11, 1),
    (Change("base charges › platform › amount", "1500", "2500"), Change("end date", "x", "")),
    "1–30 Nov 2026",
    (MoneyChange("Total", Money(Decimal(1), "USD"), Money(Decimal(2), "USD")),
     MoneyChange("support", None, Money(Decimal(2), "USD"))),
    (Note("near", "risk", "Line without price", "Nothing is charged. (lines.0)"),),
)  # fmt: skip


RICHEST = ("contracts", "contract", "statement-held", "statements", "edit", "edit-conflict")
PAGES: dict[str, tuple[str, Any]] = {
    "contracts": ("contracts.html", contracts()),
    "contracts-empty": (
        "contracts.html",
        contracts(
            controls=replace(contracts().controls, pager=Pager(0, 0, 0), removable=()),
            rows=(),
            figures=Figures(0, 0, 0, 0),
            new_url="",
        ),
    ),
    "contracts-unpriced": (
        "contracts.html",
        contracts(
            controls=replace(
                contracts().controls,
                columns=tuple(c for c in contracts().controls.columns if c.label != "Base a month"),
            ),
            rows=tuple(replace(row(index), base=None) for index in range(20)),
            figures=Figures(212, 106, 1, 71),
            sees_prices=False,
            new_url="",
        ),
    ),
    "contract": ("contract.html", contract()),
    "contract-past": (
        "contract.html",
        contract(
            past="as it is agreed for 1 Mar 2026",
            known="2026-03-03",
            edit_url="",
            findings=(),
            terms=terms(band=None, groups=(), phase=""),
        ),
    ),
    "contract-unpriced": (
        "contract.html",
        contract(sees_prices=False, edit_url="", terms=terms(base=(), others=(), lines=())),
    ),
    "statement": ("statement.html", statement()),
    "statement-held": (
        "statement.html",
        statement(
            state="held",
            held_above=Decimal(1000),
            close=Close("/close", FIRST, is_held=True, problem="It is held: say why."),
        ),
    ),
    "statement-closed": (
        "statement.html",
        statement(state="closed", freshness=None, close=None, note="Closed on 3 Nov 2026 by Ada."),
    ),
    "statement-unpriced": (
        "statement.html",
        statement(
            groups=(ChargeGroup("Use", (charge("Messaging", None, 5), charge("S", None, 1))),),
            totals=Totals(None, (), None),
            sees_prices=False,
            sha256="",
            close=None,
        ),
    ),
    "statement-nothing": ("statement.html", statement(groups=(), close=None)),
    "statements": ("statements.html", statements()),
    "statements-none": ("statements.html", statements(rows=(), count=0, sees_prices=False)),
    "edit": ("contract_edit.html", edit()),
    "edit-preview": ("contract_edit.html", edit(preview=PREVIEW, faults=(), field_faults={})),
    "edit-conflict": (
        "contract_edit.html",
        edit(preview=PREVIEW, conflict="Somebody was first.", theirs=PREVIEW.changes, faults=()),
    ),
    "edit-text": ("contract_edit.html", edit(mode="text", sections=(), document='{"a": "<b>"}')),
    "edit-new": ("contract_edit.html", edit(is_new=True, number="", title="New contract")),
}
