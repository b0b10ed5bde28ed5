"""The panel of late events: how many, for which days, and what they changed. Counts nothing."""

from collections.abc import Callable
from datetime import date

from tallybook.operations.late import EVENTS_MAX, Late
from tallybook.web.pages import format as words
from tallybook.web.pages.account_view import LatePanel, LateRow


def panel(came: Late, url_of: Callable[[date], str], until: date) -> LatePanel:
    """Return the panel; `url_of` is where the events of a day are, `until` the last day that
    could have late events.
    """
    note = ""
    if came.since is not None:
        note = f"Days before {words.day(came.since, year=True)} were loaded as history."
    if came.since is not None and came.since > until:
        return LatePanel("None: the days of this period were loaded as history.")
    if not came.days:
        summary = f"None: what is known of the days until {words.day(until)} came in time."
        return LatePanel(summary, (), note)
    count = (
        f"Over {words.number(EVENTS_MAX)} events"
        if came.has_more
        else words.plural(came.events, "event", "events")
    )
    days = words.plural(len(came.days), "day", "days")
    return LatePanel(
        f"{count} came after their day was over and changed {days}.",
        tuple(
            LateRow(day.date, day.events, day.known_then, day.used, day.change, url_of(day.date))
            for day in came.days
        ),
        note,
    )
