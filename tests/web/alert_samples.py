"""Rich sample values for the pages of alerts, for the tests and for looking at them."""

from datetime import UTC, datetime
from decimal import Decimal

from tallybook.web.pages.alerts.view import (
    AddressForm,
    CatalogueGroup,
    CataloguePage,
    CheckCard,
    CheckPage,
    DeliveryPage,
    DeliveryRow,
    Field,
    FindingPage,
    FindingRow,
    FindingsPage,
    FindingStep,
    OutboxPage,
    PreviewTable,
    RunRow,
    Sample,
    Snooze,
    SubscriptionForm,
    SubscriptionPage,
    SubscriptionRow,
    SubscriptionsPage,
)
from tallybook.web.pages.view import (
    Chip,
    Column,
    Fact,
    Find,
    Link,
    ListControls,
    Money,
    Option,
    Pager,
)
from tests.web.page_samples import ZONE, frame

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CRUMBS = (Link("Alerts", "/alerts"), Link("Base rate against coverage", "#"))
RISK = Money(Decimal("18.00"), "USD")
MESSAGE = "The base is 37.5 % less than what the coverage is worth."
PRESETS = (
    Option("weekday_mornings", "Weekdays at 07:00", selected=True),
    Option("daily", "Every day at 07:00"),
)
PREVIEW = PreviewTable(
    (Column("Base a month"), Column("Covered value a month"), Column("Variance", wide=True)),
    (Sample("C-1044", "/contracts/C-1044", MESSAGE, ("$30.00", "$48.00", "37.5%"), RISK),),
    21,
    1_204,
    (Fact("Overage in tiers has no one rate", "3"),),
    sees_prices=True,
)
FORM = SubscriptionForm(
    (
        Field("v.low", "Ratio below", "A ratio of this is in order.", "text", "0.75", "0.75"),
        Field("v.high", "Ratio above", "The same.", "text", "x", fault="high must be a number."),
    ),
    (Field("branches", "Branches", "One a line.", "lines", "Chicago, North\nChicago, South"),),
    (Field("preset", "Schedule", "By the clock.", "choice", "daily", options=PRESETS),),
    (
        Field("to", "To", "Addresses with commas.", "text", "fay@example.com"),
        Field("csm", "The CSM", "Of each contract found.", "flag", "true"),
    ),
    (Field("subject", "Subject", "Of its mails.", "text", "Rates"),),
)
CHECK = CheckPage(
    frame("Base rate against coverage"),
    CRUMBS,
    "Base rate against coverage",
    "contract.base_vs_coverage",
    "Contracts whose base charges are too low or too high for what their groups cover.",
    "Said once, and again when what it follows from has changed.",
    f"C-1044: base a month $30.00, covered value a month $48.00. {MESSAGE}",
    ("A ratio of 1 is in line.",),
    (Link("Cycles do not fit", "/alerts/cycle.mismatch"),),
    "/alerts/contract.base_vs_coverage",
    FORM,
    PREVIEW,
    (Link("Ours", "/alerts/subscriptions/1"),),
    may_subscribe=True,
)
CATALOGUE = CataloguePage(
    frame("Alerts"),
    (Link("Alerts", "/alerts"), Link("All checks", "/alerts")),
    2,
    (
        CatalogueGroup(
            "Contracts and rates",
            (
                CheckCard(CHECK.title, "#", CHECK.finds, CHECK.code, 21, 2),
                CheckCard("Contract ends", "#", "Whose last day is near.", "contract.expiring"),
            ),
        ),
    ),
    Find("/alerts"),
)
FINDINGS = FindingsPage(
    frame("Findings"),
    (Link("Alerts", "/alerts"), Link("Findings", "/findings")),
    1,
    ListControls(
        (Chip("All that stands", "#", 1, current=True), Chip("Resolved", "#", 0)),
        Find("/findings"),
        (
            Column("Finding", numeric=False),
            Column("Account", numeric=False, wide=True),
            Column("At risk", "#", order="descending"),
            Column("Since", wide=True),
            Column("Status", numeric=False),
        ),
        Pager(1, 1, 1),
        "/findings",
        (Link("Account: quarry", "#"),),
    ),
    (Option("", "All checks", selected=True),),
    (("q", "quarry"),),
    (
        FindingRow(
            "1",
            "C-1044",
            "/findings/1",
            "Quarry Motors Group",
            "#",
            CHECK.title,
            MESSAGE,
            "warning",
            "open",
            RISK,
            AT,
        ),
    ),
    (RISK, Money(Decimal("7.50"), "EUR")),
    ZONE,
    may_mark=True,
    back="/findings",
)
FINDING = FindingPage(
    frame("C-1044"),
    CRUMBS,
    "Base rate against coverage: C-1044",
    MESSAGE,
    "acknowledged",
    "warning",
    (Fact("At risk", "$18.00"), Fact("Ratio", "0.63")),
    (Link("C-1044", "/contracts/C-1044"), Link("Quarry Motors Group", "/volume?account=quarry")),
    (
        FindingStep(AT, "Found", "a run", ""),
        FindingStep(AT, "Acknowledged", "fay@example.com", "Talked to them; renews in May."),
    ),
    ZONE,
    "/findings/1",
    may_mark=True,
)
SUBSCRIPTION = SubscriptionPage(
    frame("Ours"),
    CRUMBS,
    "Ours",
    ZONE,
    (Fact("Owner", "fay@example.com"), Fact("When", "Weekdays at 07:00"), Fact("Low", "0.75")),
    (RunRow(AT, "As scheduled", 1_204, 21, 3, 1, "Overage in tiers has no one rate: 3", "", "#"),),
    Link(CHECK.title, "#"),
    Link("What it found", "#"),
    "/alerts/subscriptions/1",
    enabled=True,
    may_change=True,
    form=FORM,
    asleep=Snooze(AT, "They move to another meter this week."),
    tomorrow="2026-11-23",
    left_out=(Fact("C-1044", "By agreement until March"), Fact("C-1050", "")),
    is_wrong=True,
    is_new=True,
)
SUBSCRIPTIONS = SubscriptionsPage(
    frame("Alert subscriptions"),
    CRUMBS,
    (
        SubscriptionRow(
            "Ours",
            "#",
            CHECK.title,
            "fay@example.com",
            "Weekdays at 07:00",
            ZONE,
            AT,
            "fay@example.com, the CSM",
            enabled=True,
            is_test=True,
            open=21,
        ),
    ),
    AddressForm("fay@example.com", "gus@example.com", (Link("Ours", "#"),)),
)
OUTBOX = OutboxPage(
    frame("Outbox"),
    (Link("Alerts", "/alerts"), Link("Outbox", "/outbox")),
    2,
    (Link("All", "#", current=True), Link("Could not be sent", "#")),
    (
        DeliveryRow("Ours: 3 findings", "#", "fay@example.com", "sent", AT, 1, ""),
        DeliveryRow("Ours: 1 finding", "#", "gone@example.com", "dead", AT, 1, "550 no such user"),
    ),
    ZONE,
    "#",
)
DELIVERY = DeliveryPage(
    frame("Ours: 3 findings"),
    (Link("Outbox", "/outbox"), Link("Ours: 3 findings", "#")),
    "Ours: 3 findings",
    "dead",
    (Fact("To", "gone@example.com"), Fact("Last answer", "550 no such user")),
    f"Ours: 3 findings\n\n* C-1044 (quarry): new\n  {MESSAGE}\n",
    f"<html><body><h1>Ours: 3 findings</h1><p>C-1044: {MESSAGE}</p></body></html>",
    Link("What it is about", "/findings"),
    "/outbox/1",
    may_resend=True,
)
PAGES = {
    "alerts": ("alerts.html", CATALOGUE),
    "alert_check": ("alert_check.html", CHECK),
    "alert_subscriptions": ("alert_subscriptions.html", SUBSCRIPTIONS),
    "alert_subscription": ("alert_subscription.html", SUBSCRIPTION),
    "findings": ("findings.html", FINDINGS),
    "finding": ("finding.html", FINDING),
    "outbox": ("outbox.html", OUTBOX),
    "delivery": ("delivery.html", DELIVERY),
}
