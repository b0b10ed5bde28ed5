"""The rows beside the chart: a period by its days, or by its months, newest or oldest first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final, Literal

from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.operations.portfolio import CourseDay
from tallybook.positions.position import percent
from tallybook.web.pages.account_view import DayRow
from tallybook.web.pages.charted import LinkTo
from tallybook.web.pages.frame import with_query
from tallybook.web.pages.view import Link, Segment

Interval = Literal["day", "month"]

#: From so many days on a period has rows for months, and so many make them what is shown first.
_MONTHS_FROM: Final = 45
_MONTHS_FIRST: Final = 93
_DAY: Final = timedelta(days=1)
_ZERO: Final = Decimal(0)
_WHOLE: Final = Decimal(100)
_SO_FAR: Final = "so far"
#: What the events of a day need to know of the page they are reached from.
_KEPT: Final = frozenset({"period", "on", "rollup"})


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Use from one day to another, both inside, and the running use at its end."""

    first: date
    last: date
    used: Decimal
    to_date: Decimal | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A line's period: its position, its course, the last complete day, and what an address says.

    `limit` is what is included; `path` and `query` are those of the page.
    """

    found: Position
    course: Sequence[CourseDay]
    last_complete: date
    limit: Decimal | None
    path: str
    query: Mapping[str, str]

    @property
    def interval(self) -> Interval:
        """Return what a row is."""
        asked = self.query.get("by", "")
        if self.found.period.days < _MONTHS_FROM or not self._runs:
            return "day"
        if asked in {"day", "month"}:
            return "month" if asked == "month" else "day"
        return "month" if self.found.period.days >= _MONTHS_FIRST else "day"

    def forms(self, link: LinkTo) -> tuple[Segment, ...]:
        """Return the links to the other forms of the table."""
        is_oldest = self.query.get("order") == "oldest"
        order = (
            Link("Newest", link(order=None), not is_oldest),
            Link("Oldest", link(order="oldest"), is_oldest),
        )
        forms = [Segment("Order", order)]
        if self.found.period.days >= _MONTHS_FROM and self._runs:
            by = self.interval
            rows = (
                Link("Days", link(by="day"), by == "day"),
                Link("Months", link(by="month"), by == "month"),
            )
            forms.insert(0, Segment("Rows", rows))
        return tuple(forms)

    def rows(self, link: LinkTo) -> tuple[DayRow, ...]:
        """Return the complete days and the one that is not over, or their months."""
        with localcontext(EXACT):
            days = list(self._days())
            adds = self.found.kind != "stock"
            buckets = days if self.interval == "day" else list(_by_month(days, adds=adds))
        busiest = max((bucket.used for bucket in buckets), default=_ZERO)
        rows = [self._row(bucket, busiest, link) for bucket in buckets]
        return tuple(rows if self.query.get("order") == "oldest" else rows[::-1])

    @property
    def _runs(self) -> bool:
        """Tell whether days add up to the period, so that there is a running use."""
        known = [day for day in self.course if day.used is not None]
        return not known or known[-1].to_date is not None

    def _days(self) -> Iterable[_Bucket]:
        complete = {day.day: day.to_date for day in self.course if day.used is not None}
        for day in self.found.daily:
            if day.used is None or day.date < self.found.period.start_date:
                continue
            rest = self.found.used if self._runs else None
            note = "" if day.date <= self.last_complete else _SO_FAR
            to_date = complete.get(day.date, rest)
            yield _Bucket(day.date, day.date, day.used, to_date, note)

    def _row(self, bucket: _Bucket, busiest: Decimal, link: LinkTo) -> DayRow:
        limit, to_date = self.limit, bucket.to_date
        with localcontext(EXACT):
            share = min(bucket.used / busiest * 100, _WHOLE) if busiest > 0 else _ZERO
            past = _ZERO if limit is None or to_date is None else max(to_date - limit, _ZERO)
        if self.interval == "day":
            url = events_url(self.path, self.query, bucket.first)
        else:
            days = {"from": bucket.first.isoformat(), "until": bucket.last.isoformat()}
            url = link(period="custom", interval="day", **days)
        return DayRow(
            bucket.first,
            bucket.used,
            to_date,
            max(share, _ZERO),
            None if to_date is None else percent(to_date, limit),
            past,
            url,
            bucket.note,
        )


def events_url(path: str, query: Mapping[str, str], day: date) -> str:
    """Return where the events of a day are, of the period that an address shows."""
    kept = {name: value for name, value in query.items() if name in _KEPT}
    return with_query(f"{path}/events", kept, day=day.isoformat())


def _by_month(days: Iterable[_Bucket], *, adds: bool) -> Iterable[_Bucket]:
    """Join days of a month; a level is that of its last day."""
    month: _Bucket | None = None
    for day in days:
        if month is not None and day.first.replace(day=1) == month.first.replace(day=1):
            used = month.used + day.used if adds else day.used
            month = _Bucket(month.first, day.last, used, day.to_date, day.note)
            continue
        if month is not None:
            yield month
        month = day
    if month is not None:
        yield month
