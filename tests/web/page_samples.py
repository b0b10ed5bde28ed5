"""Rich sample values for every page, for the tests and for looking at them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from tallybook.web.pages.account_view import (
    AccountPage,
    ContractFacts,
    DayRow,
    LatePanel,
    LateRow,
    OveragePanel,
    PoolPanel,
    PoolRow,
)
from tallybook.web.pages.contracts.view import Tier, TierTable
from tallybook.web.pages.view import (
    ChartPoint,
    ChartView,
    Chip,
    Command,
    Contribution,
    Custom,
    EventRow,
    EventsPage,
    Fact,
    Filters,
    Forecast,
    Frame,
    Freshness,
    Link,
    MessagePage,
    Money,
    NavGroup,
    NavItem,
    Note,
    Option,
    Pager,
    Person,
    Segment,
    Select,
    SignInPage,
    Standing,
    Status,
)

FIRST, LAST, THROUGH = date(2026, 11, 1), date(2026, 11, 30), 21
ZONE = "America/Chicago"
FRESH = Freshness(
    datetime(2026, 11, 22, 6, tzinfo=UTC), ZONE, datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
)
# A week from Sunday: quiet at its ends, with a believable unevenness.
WEEK = [Decimal(n) for n in (31, 104, 101, 106, 99, 97, 29)]
NAV = (
    NavGroup(
        (
            NavItem("Volume", "/volume", "chart", "v", current=True),
            NavItem("Usage reports", "/usage", "columns", "u"),
            NavItem("Report catalogue", "/reports", "report", "r"),
        )
    ),
    NavGroup(
        (
            NavItem("Accounts", "/accounts", "account", "a"),
            NavItem("Contracts", "/contracts", "contract", "c"),
            NavItem("Alerts", "/alerts", "bell", "l", badge=12),
            NavItem("Monitors", "/monitors", "pulse", "m"),
        ),
        "Contracts",
    ),
    NavGroup(
        (
            NavItem("Meters", "/meters", "meter", "t"),
            NavItem("Events", "/events", "bolt", "e"),
            NavItem("Users and keys", "/users", "key", "k"),
        ),
        "Set up",
    ),
)


def frame(title: str, **changes: Any) -> Frame:
    return Frame(title, Person("Nadia Berg", "Finance · all accounts"), NAV, **changes)


def daily_quantities(mean: int, days: int = 30) -> list[Decimal]:
    scale = Decimal(mean) * 7 / sum(WEEK)
    wobble = [Decimal(100 + (index * 37) % 11 - 5) / 100 for index in range(days)]
    return [(WEEK[i % 7] * scale * wobble[i]).quantize(Decimal(1)) for i in range(days)]


def points(mean: int, *, through: int = THROUGH, previous: int = 93) -> tuple[ChartPoint, ...]:
    days = daily_quantities(mean)
    used = days[:through]
    totals = list(accumulate(used))
    pace = sum(used[-7:], Decimal(0)) / 7
    last = list(accumulate((value * previous / 100).quantize(Decimal(1)) for value in days))
    known = [
        ChartPoint(FIRST + timedelta(i), used=value, to_date=totals[i], previous=last[i])
        for i, value in enumerate(used)
    ]
    ahead = []
    for index in range(through, 30):
        step = index - through + 1
        projected = totals[-1] + pace * step
        width = pace * step / 6
        ahead.append(
            ChartPoint(
                FIRST + timedelta(index),
                forecast=pace,
                projected=projected,
                low=projected - width,
                high=projected + width,
                previous=last[index],
            )
        )
    return (*known, *ahead)


def standing(mean: int, allotment: int | None, unit: str = "messages") -> Standing:
    made = points(mean)
    used = max(p.to_date for p in made if p.to_date is not None)
    end = made[-1]
    assert end.projected is not None
    limit = Decimal(allotment) if allotment else None
    percent = (used / limit * 100).quantize(Decimal("1E-6")) if limit else None
    over = limit is not None and used > limit
    likely = limit is not None and not over and end.projected > limit
    overage = max(Decimal(0), end.projected - limit) if limit else Decimal(0)
    forecast = Forecast(
        "estimate",
        LAST,
        end.projected,
        end.low,
        end.high,
        end.projected / limit * 100 if limit else None,
        end.forecast,
        9,
        overage,
        (Money(overage * Decimal("0.012"), "USD"),) if overage else (),
        date(2026, 11, 16) if over else date(2026, 11, 28) if likely else None,
    )
    return Standing(
        unit,
        used,
        limit,
        percent,
        max(Decimal(0), used - limit) if limit else Decimal(0),
        _status(percent),
        forecast,
        likely_over=likely,
        low_use=forecast.percent is not None and forecast.percent < 50,
        change=Decimal("5.4"),
    )


def _status(percent: Decimal | None) -> Status:
    if percent is None:
        return "no_allotment"
    if percent >= 100:
        return "over" if percent > 100 else "at_limit"
    return "near" if percent >= 80 else "ok"


def chart(mean: int, allotment: int | None, kind: Any = "cumulative", **changes: Any) -> ChartView:
    links = tuple(
        Link(label, f"?view={value}", value == kind)
        for value, label in (("cumulative", "Cumulative"), ("daily", "Daily"), ("table", "Table"))
    )
    view = ChartView(
        title="Usage and forecast",
        kind=kind,
        views=Segment("View", links),
        unit="messages",
        points=points(mean),
        allotment=Decimal(allotment) if allotment else None,
        pace=Decimal(allotment) / 30 if allotment else None,
    )
    return replace(view, **changes)


def periods() -> Segment:
    labels = ("This period", "Last period", "3 months", "12 months")
    return Segment("Period", tuple(Link(n, f"?period={i}", i == 0) for i, n in enumerate(labels)))


def select(label: str, *options: str) -> Select:
    name = label.lower().replace(" ", "_")
    return Select(label, name, tuple(Option(o, o, i == 0) for i, o in enumerate(options)))


def day_rows(days: Sequence[Decimal], allotment: int) -> tuple[DayRow, ...]:
    top, total, rows = max(days), Decimal(0), []
    for index, used in enumerate(days):
        total += used
        rows.append(
            DayRow(
                FIRST + timedelta(index),
                used,
                total,
                used / top * 100,
                total / allotment * 100,
                max(Decimal(0), total - allotment),
                "/events",
                "25 hours" if index == 0 else "",
            )
        )
    return tuple(reversed(rows))


def account(kind: str = "cumulative", **changes: Any) -> AccountPage:
    rollup = Segment(
        "Roll-up", (Link("With child accounts", "?r=1", current=True), Link("Own usage", "?r=0"))
    )
    facts = (
        Fact("Billing period", "1–30 Nov 2026"),
        Fact("Base rate", "$2,550.00 a month"),
        Fact("Included", "255,000 messages"),
        Fact("Overage rate", "$0.012 a message"),
        Fact("Covered value", "$3,060.00 a month"),
        Fact("Base to covered value", "0.83", "(0.75–1.33)"),
        Fact("Rolls up from", "31 accounts", "with use"),
        Fact("Contract ends", "30 Jun 2027"),
    )
    page = AccountPage(
        frame=frame("Quarry Motors Group · Messaging"),
        crumbs=(
            Link("Volume", "/volume"),
            Link("Quarry Motors Group", "/accounts/quarry"),
            Link("Messaging", "#"),
        ),
        name="Quarry Motors Group",
        service="Messaging",
        zone=ZONE,
        freshness=FRESH,
        filters=Filters(
            "/accounts/quarry",
            (rollup, periods()),
            (
                select("Interval", "Daily", "Weekly", "Monthly"),
                select("Group by", "None", "Channel"),
                select("Zone", "Chicago", "UTC"),
            ),
            (),
            Custom(FIRST, LAST),
        ),
        standing=standing(17_900, 255_000),
        chart=chart(17_900, 255_000, kind),
        contract=ContractFacts("C-2041", 3, facts, "/contracts/C-2041"),
        days=day_rows(daily_quantities(17_900, 21), 255_000),
        notes=(
            Note("over", "over", "Allotment reached", "16 Nov, 07:00 · e-mailed to 3 people"),
            Note("rising", "risk", "75% of the allotment at half the period", "11 Nov, 07:00"),
            Note("check", "good", "Base rate against coverage: within 0.75–1.33", "Fri 20 Nov"),
            Note(
                "clock",
                "plain",
                "1,204 late events counted",
                "Arrived 20 Nov for 14–15 Nov",
                Link("see changes", "#"),
            ),
        ),
        contact_url="/volume/C-1/messages/contact",
        how_url="/help/forecast",
        tables=(
            Segment("Rows", (Link("Days", "?by=day", current=True), Link("Months", "?by=month"))),
            Segment("Order", (Link("Newest", "?", current=True), Link("Oldest", "?order=oldest"))),
        ),
        cycles=Segment(
            "Period shown",
            (Link("Earlier", "?on=2026-10-31"), Link("1–30 Nov 2026", "?", current=True)),
        ),
        pool=pool_panel(),
        overage=OveragePanel(
            (
                Fact("Over since", "Mon 16 Nov 2026"),
                Fact("Over by", "121,014 messages"),
                Fact("Expected at the end", "289,796 messages", "over"),
                Fact("Costs so far", "$1,452.17"),
            ),
            "Beyond the allotment: graduated, each tier's units at that tier's price.",
            TierTable(
                "Beyond what is included",
                ("Each",),
                (Tier("0 – 25,000", ("$0.012",)), Tier("over 25,000", ("$0.0095",))),
            ),
        ),
        late=LatePanel(
            "1,204 events came after their day was over and changed 2 days.",
            (
                LateRow(
                    date(2026, 11, 15), 1_000, Decimal(6_999), Decimal(7_999), Decimal(1_000), "#"
                ),
                LateRow(date(2026, 11, 14), 204, None, Decimal(7_461), None, "#"),
            ),
            "Days before 3 Nov 2026 were loaded as history.",
        ),
    )
    return replace(page, **changes)


def pool_panel() -> PoolPanel:
    return PoolPanel(
        (
            Fact("The pool", "750 over", "20,750 of 20,000"),
            Fact("Each by its own contract", "250 over", "in sum"),
            Fact("All by the sum of theirs", "0 over, 1,250 left", "20,750 of 22,000"),
        ),
        "Why they differ: 250 over by their own contracts, less 1,500 that is left in them and "
        "that others use, plus 2,000 that they include more than the pool: 750 over in the pool.",
        (
            PoolRow(
                "Quarry Motors · Berlin",
                "#",
                Decimal(9_500),
                Decimal("45.8"),
                "500 left of its own 10,000",
            ),
            PoolRow(
                "Quarry Motors · Desert",
                "#",
                Decimal(7_250),
                Decimal("34.9"),
                "250 over of its own 7,000",
                "in the pool from 11 Nov",
            ),
            PoolRow("Quarry Motors · East", "#", Decimal(4_000), None, "no line of its own"),
        ),
        "3 other accounts: 12 messages",
    )


def events() -> EventsPage:
    start = datetime(2026, 11, 16, 14, 3, 9, tzinfo=UTC)
    rows = tuple(
        EventRow(
            start + timedelta(seconds=97 * i),
            start + timedelta(seconds=97 * i + 2),
            f"0192f3a1-7c1e-7b6a-9d0{i:x}-4b1c2d3e4f50",
            "https://gateway.example.com/eu-1",
            "quarry-north",
            None if i == 3 else Decimal(i * 12 + 1),
            "unresolved" if i == 3 else "voided" if i == 5 else "counted",
            ("quantity_missing",) if i == 3 else (),
            "sent twice by the gateway" if i == 5 else None,
        )
        for i in range(12)
    )
    return EventsPage(
        frame("Events of 16 Nov"),
        (*account().crumbs[:2], Link("Messaging", "/accounts/quarry"), Link("16 Nov", "#")),
        date(2026, 11, 16),
        ZONE,
        "messages",
        Decimal(22_991),
        rows,
        Pager(1, 12, 1840, "", "?cursor=2"),
        FRESH,
        (Chip("All", "#", current=True), Chip("Unresolved", "#", 1)),
    )


def contributions() -> tuple[Contribution, ...]:
    parts = (("Own usage", 4_120), ("North", 168_004), ("South", 97_500), ("East", 106_390))
    whole = sum(used for _, used in parts)
    return tuple(
        Contribution(name, Decimal(used), Decimal(used) / whole * 100, "/accounts/x")
        for name, used in parts
    )


def young() -> Standing:
    at = standing(2_000, 60_000)
    return replace(
        at,
        forecast=Forecast("not_enough_data", LAST),
        used=Decimal(3_269),
        percent=Decimal("5.448333"),
        likely_over=False,
    )


def young_points() -> tuple[ChartPoint, ...]:
    """Two known days; the rest of the period is on the axis and empty."""
    made = points(2_000, through=2)
    return (*made[:2], *(ChartPoint(p.start, previous=p.previous) for p in made[2:]))


PAGES: dict[str, tuple[str, Any]] = {
    "account": ("account.html", account()),
    "account-daily": (
        "account.html",
        account("daily", contributions=contributions(), frame=frame("Daily", sample_data=True)),
    ),
    "account-table": ("account.html", account("table")),
    "account-young": (
        "account.html",
        account(
            standing=young(),
            chart=chart(2_000, 60_000, points=young_points()),
            contract=None,
            days=(),
            notes=(),
        ),
    ),
    "events": ("events.html", events()),
    "signin": ("signin.html", SignInPage(Frame("Sign in"))),
    "signin-failed": (
        "signin.html",
        SignInPage(Frame("Sign in"), "nadia@example.com", "/", "E-mail or password is wrong."),
    ),
    "empty": (
        "message.html",
        MessagePage(
            frame("Nothing yet"),
            "tally",
            "Nothing to count yet",
            "No event has arrived. Send the first one, import a file, or look around in a year of"
            " sample data, which can be removed in one step.",
            (Link("How to send events", "/docs"),),
            post=Link("Load sample data", "/sample"),
            commands=(Command("What was used", "./tallybook import events events.ndjson"),),
        ),
    ),
    "missing": (
        "message.html",
        MessagePage(
            Frame("Not found"),
            "search",
            "There is nothing here",
            "The page does not exist, or you may not see it.",
            (Link("Go to Volume", "/volume"),),
            "0192f3a1-7c1e",
        ),
    ),
}
