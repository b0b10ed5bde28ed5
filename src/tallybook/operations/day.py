"""The events behind one day of one line, with what the meter took from each. Reads only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid
from tallybook.model.ports import Events, Ledger
from tallybook.model.scope import Member, Scope
from tallybook.model.time import format_instant
from tallybook.model.usage import UsageQuery
from tallybook.operations.events import EventItem, EventsRequest, counted_by, list_events
from tallybook.operations.position import Instants, find_line

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayEvents:
    """A page of the events of a day, newest first, and the day's use over all pages.

    `items` pair an event with the quantity that the meter took from it, None where it took none.
    """

    unit: str
    start: datetime
    end: datetime
    used: Decimal | None
    events: int
    items: tuple[tuple[EventItem, Decimal | None], ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DayQuery:
    """One local day of one line, and the page of its events; `rollup` as in `find_line`."""

    key: tuple[str, str]
    day: date
    rollup: bool | None = None
    cursor: str | None = None


def day_events(
    scope: Scope,
    directory: Directory,
    ledger: Ledger,
    events: Events,
    asked: DayQuery,
    when: Instants,
) -> DayEvents:
    """Return the events that a line's meter read on one of its local days.

    Raises:
        NotFound: as `operations.position.find_line`.
        Invalid: `day_outside_period`, `cursor_invalid`.
    """
    scope.require("read")
    line = find_line(scope, directory, asked.key, when, rollup=asked.rollup)
    if not line.period.start_date <= asked.day < line.period.end_date:
        raise Invalid(
            "day_outside_period", "The day lies outside the period shown; go back to the account."
        )
    start, end = (line.calendar.start_of(day) for day in (asked.day, asked.day + _DAY))
    tree = (
        Member(m.account, max(m.start, start), min(m.end, end))
        for m in line.members(directory, 0)
        if max(m.start, start) < min(m.end, end)
    )
    members = tuple(tree)
    request = EventsRequest(
        type=line.meter.event_type,
        start=format_instant(start),
        end=format_instant(end),
        cursor=asked.cursor,
        members=members,
    )
    page = list_events(scope, directory, ledger, events, request, mark=when.mark)
    query = UsageQuery(line.meter, (start, end), when.mark.seq, members)
    counting = line.meter.model_copy(update={"aggregation": "count"})
    count = UsageQuery(counting, (start, end), when.mark.seq, members)
    return DayEvents(
        line.meter.unit,
        start,
        end,
        next((cell.value for cell in events.usage(scope, query)), None),
        next((int(cell.value or 0) for cell in events.usage(scope, count)), 0),
        tuple((item, counted_by(line.meter, item)) for item in page.items),
        page.next_cursor,
    )
