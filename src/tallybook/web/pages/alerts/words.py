"""How the pages of alerts say things: cells of findings, times, policies, states."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from tallybook.model.alert import Finding, Recipients
from tallybook.model.check import Column as CheckColumn
from tallybook.model.check import Found, RepeatPolicy
from tallybook.model.pages import contract_page, line_page
from tallybook.model.schedule import PRESETS
from tallybook.web.pages import format as words
from tallybook.web.pages.view import Column, Money

ALERTS: Final = "/alerts"
FINDINGS: Final = "/findings"
OUTBOX: Final = "/outbox"
SUBSCRIBED: Final = "/alerts/subscriptions"

_WHOLE: Final = Decimal(1)
_PLACES: Final = Decimal("0.01")

TIMES: Final[Mapping[str, str]] = {
    "hourly": "Every hour",
    "weekday_mornings": "Weekdays at 07:00",
    "daily": "Every day at 07:00",
    "weekly": "Mondays at 07:00",
    "monthly": "The 1st of each month at 07:00",
}
REPEATS: Final[Mapping[RepeatPolicy, str]] = {
    "once_until_changed": "Said once, and again when what it follows from has changed.",
    "every_run": "Said on each run until it is in order.",
    "once_per_threshold_per_period": "Each threshold is said once a period.",
    "once_per_bucket": "Said once for each stage.",
    "on_transition": "Said when its state changes, also when it is in order again.",
    "per_event": "Said once for each event.",
    "new_within_days": "Said once, while it is new.",
}
ACTS: Final = {
    "found": "Found",
    "changed": "Changed",
    "said": "Told",
    "acknowledged": "Acknowledged",
    "snoozed": "Snoozed",
    "resolved": "Resolved",
    "reopened": "Opened again",
}
#: Why something could not be judged.
REASONS: Final[Mapping[str, str]] = {
    "data_stale": "What came in lately is not counted yet",
    "incomplete": "Nothing is known of the use",
    "not_enough_data": "Too few days to tell where it is heading",
    "no_unit_rate": "Its price is not one rate for a unit",
    "unsupported_tiered": "Overage in tiers has no one rate",
    "zero_rate": "Covered at a rate of zero",
    "nothing_to_compare": "Neither base nor coverage",
}


def times_of(cron: str) -> str:
    """Return when something is due, in words where it is a preset."""
    return next((TIMES[name] for name, fields in PRESETS.items() if fields == cron), cron)


def cell(column: CheckColumn, figures: Mapping[str, Any], currency: str | None) -> str:
    """Return a figure as its column shows it; a dash for nothing, or what one may not see."""
    value = figures.get(column.key)
    if value is None or value == "":
        return "–"
    if column.kind in {"text", "date"}:
        return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if column.kind == "money" and currency:
        said = words.price if column.is_price else words.money
        return said(number, currency)
    if column.kind == "percent":
        return words.percent(number * 100, 1)
    places = _PLACES if number != number.to_integral_value() else _WHOLE
    return words.number(number.quantize(places, ROUND_HALF_UP))


def cells(columns: tuple[CheckColumn, ...], found: Found | Finding) -> tuple[str, ...]:
    """Return what a finding says, in the order of its check's columns."""
    figures = {**found.inputs, **found.outputs}
    return tuple(cell(column, figures, found.currency) for column in columns)


def headings(columns: tuple[CheckColumn, ...]) -> tuple[Column, ...]:
    """Return the headings of a check's columns; those after the third are for wide screens."""
    return tuple(
        Column(column.title, numeric=column.kind not in {"text", "date"}, wide=place > 1)
        for place, column in enumerate(columns)
    )


def risk(found: Found | Finding, *, shown: bool) -> Money | None:
    """Return the money at risk, for whom amounts are."""
    if not shown or found.money_at_risk is None or found.currency is None:
        return None
    return Money(found.money_at_risk, found.currency)


def place(found: Found | Finding) -> str:
    """Return the page of what a finding is about; of what is about no account, all alerts."""
    if found.contract and found.line:
        return line_page(found.contract, found.line)
    if found.contract:
        return contract_page(found.contract)
    return f"/volume?account={found.account}" if found.account else ALERTS


def told(recipients: Recipients) -> str:
    """Return who is told, in a line."""
    named = [*recipients.to, *recipients.users, *recipients.cc, *recipients.bcc]
    named += [f"every {role.replace('_', ' ')}" for role in recipients.roles]
    named += ["the CSM"] * recipients.csm + ["the sales rep"] * recipients.sales_rep
    named += [f"webhook {one}" for one in recipients.webhooks]
    return ", ".join(named) or "nobody yet"
