"""How much each sample customer uses on each local day: weekly rhythm, mild growth, some noise.

All in whole planned units, drawn from fixed seeds; the same `now` always gives the same plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from tallybook.model.time import Calendar
from tallybook.samples.customers import CUSTOMERS, YOUNG_DAYS, Customer
from tallybook.samples.services import Service

DAYS: Final = 365
FORECAST_DAYS: Final = 7

_DAY: Final = timedelta(days=1)
#: Percent of a working day's use, Monday first.
_RHYTHM: Final = (98, 104, 103, 101, 96, 38, 27)
_INDIAN_RHYTHM: Final = (97, 102, 103, 102, 99, 66, 24)
_GROWTH_PERMILLE: Final = 240
_NOISE_PERCENT: Final = 14


@dataclass(frozen=True, slots=True)
class Stream:
    """What one customer uses of one service: planned units by local day, the last day is today."""

    customer: Customer
    service: Service
    calendar: Calendar
    days: dict[date, int]

    @property
    def today(self) -> date:
        """Return the last day, which is not over."""
        return next(reversed(self.days))


@dataclass(frozen=True, slots=True)
class Course:
    """The use of several streams in the current month so far, and where it is heading."""

    so_far: int
    projected: int


def plan(now: datetime, days: int = DAYS) -> list[Stream]:
    """Return the use of a year, or of its last days, up to an instant: one stream a customer
    and service.
    """
    return [
        _stream(customer, service, daily, now, days)
        for customer in CUSTOMERS
        for service, daily in customer.uses
    ]


def course(streams: Iterable[Stream]) -> Course:
    """Add up the current month, and go on with the mean of the last seven complete days."""
    so_far = projected = 0
    for stream in streams:
        if stream.service.kind == "stock":
            level = stream.days[stream.today]
            so_far, projected = so_far + level, projected + level
            continue
        today = stream.today
        used = sum(use for day, use in stream.days.items() if day >= today.replace(day=1))
        complete = [stream.days.get(today - i * _DAY) for i in range(1, FORECAST_DAYS + 1)]
        seen = [use for use in complete if use is not None]
        left = (_next_month(today) - today).days
        to_date = used - stream.days[today]
        so_far += used
        projected += max(used, to_date + sum(seen) * left // max(1, len(seen)))
    return Course(so_far, projected)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + 4 * _DAY).replace(day=1)


def _stream(customer: Customer, service: Service, daily: int, now: datetime, last: int) -> Stream:
    calendar = Calendar(customer.zone)
    today = calendar.day_of(now)
    draw = Random(f"{customer.key} {service.key}")
    days: dict[date, int] = {}
    for ago in range(min(last, customer.began_days_ago), -1, -1):
        day = today - ago * _DAY
        if service.kind == "stock":
            days[day] = _level(daily, DAYS - ago)
        else:
            days[day] = _quantity(customer, daily, day, DAYS - ago, draw)
    if service.kind == "flow":
        days[today] = days[today] * _gone_permille(calendar, today, now) // 1000
    return Stream(customer, service, calendar, days)


def _quantity(customer: Customer, daily: int, day: date, index: int, draw: Random) -> int:
    rhythm = _INDIAN_RHYTHM if customer.zone == "Asia/Kolkata" else _RHYTHM
    percent = rhythm[day.weekday()]
    if customer.began_days_ago == YOUNG_DAYS:
        percent = 100  # it began on any day of the week and should be seen
    growth = 1000 + _GROWTH_PERMILLE * index // DAYS
    noise = 100 + draw.randint(-_NOISE_PERCENT, _NOISE_PERCENT)
    return daily * percent * growth * noise // (100 * 1000 * 100)


def _level(daily: int, index: int) -> int:
    """Fill up over the year, and stay full for its last weeks."""
    return min(daily, daily * (700 + 330 * index // DAYS) // 1000)


def _gone_permille(calendar: Calendar, today: date, now: datetime) -> int:
    start, end = calendar.start_of(today), calendar.start_of(today + _DAY)
    return (now - start) * 1000 // (end - start)
