"""Sample values of the page of subscriptions."""

from datetime import UTC, datetime
from typing import Any

from tallybook.web.pages.subscriptions import Subscription, SubscriptionsPage
from tests.web.page_samples import frame


def _subscription(number: int, name: str, *, enabled: bool = True) -> Subscription:
    return Subscription(
        f"id-{number}",
        name,
        "/volume?status=over",
        "Excel",
        "Weekdays at 07:00",
        "America/Chicago",
        datetime(2026, 11, 23, 13, tzinfo=UTC) if enabled else None,
        ("ada.admin@example.com",),
        enabled,
        is_new=number == 1,
    )


PAGES: dict[str, tuple[str, Any]] = {
    "subscriptions": (
        "subscriptions.html",
        SubscriptionsPage(
            frame("Subscriptions"),
            (
                _subscription(1, "Volume, status over"),
                _subscription(2, "C-1001 · messaging", enabled=False),
                _subscription(3, "<b>A very long name, " + "q" * 90),
            ),
        ),
    ),
    "subscriptions-empty": ("subscriptions.html", SubscriptionsPage(frame("Subscriptions"), ())),
}
