"""Lines that are alike as if they were one, for a chart of more lines than can be read: their days
and where they are heading, as sums of whole numbers that `totals` keeps.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec

from tallybook.model.ports import SnapshotState
from tallybook.model.position import DayUse, Forecast, ForecastStatus, Period, Position
from tallybook.model.quantity import EXACT
from tallybook.model.time import from_micros, micros

_DAY: Final = timedelta(days=1)
_PLACES: Final = 12
_LEAST: Final = Decimal(10**_PLACES)
_ZERO: Final = Decimal(0)
#: What is summed before the days; a line without a value counts with its use so far.
_AHEAD: Final = ("to_date", "projected", "low", "high")


class _Alike(msgspec.Struct, array_like=True, frozen=True):
    """What lines share that are added up day by day; instants are microseconds."""

    start_date: date
    end_date: date
    starts_at: int
    ends_at: int
    data_through: int
    timezone: str
    kind: Literal["flow", "stock"]
    status: ForecastStatus
    remaining_days: int
    is_estimate_of_distinct: bool
    has_mean: bool
    has_end: bool
    has_range: bool
    days: int


@lru_cache(256)
def _written(alike: _Alike) -> str:
    return msgspec.json.encode(alike).decode()


def split(position: Position) -> tuple[str, list[int]]:
    """Return what tells a line's course from others, and what is added up of it."""
    period, ahead = position.period, position.forecast
    days = [day.used for day in position.daily if day.date >= period.start_date]
    alike = _Alike(
        period.start_date,
        period.end_date,
        micros(period.starts_at),
        micros(period.ends_at),
        micros(position.data_through),
        position.timezone,
        position.kind,
        ahead.status,
        ahead.remaining_days,
        ahead.is_estimate_of_distinct,
        ahead.daily_mean is not None,
        ahead.projected is not None,
        ahead.low is not None and ahead.high is not None,
        len(days),
    )
    ends = (getattr(ahead, name) for name in _AHEAD)
    so_far = [ahead.to_date if end is None else end for end in ends]
    with localcontext(EXACT):
        return _written(alike), [*map(_whole, (*so_far, ahead.daily_mean, *days))]


def joined(group: Sequence[Any], sums: Sequence[int], state: SnapshotState) -> Position:
    """Return lines that are alike as one, which is of no contract and no account.

    `group` is service, unit, currency, status, flags and what `split` told of them; `sums` are what
    it added up.
    """
    service, unit, currency, status, likely_over, low_use, text = group
    alike = msgspec.json.decode(text, type=_Alike)
    with localcontext(EXACT):
        to_date, projected, low, high, mean, *days = [Decimal(n).scaleb(-_PLACES) for n in sums]
    first, end = alike.start_date, alike.end_date
    return Position(
        contract="",
        line="",
        account="",
        product=None,
        service=service,
        unit=unit,
        kind=alike.kind,
        period=Period(
            first,
            end,
            from_micros(alike.starts_at),
            from_micros(alike.ends_at),
            is_stub=False,
            index=0,
            cycle_start_date=first,
            cycle_days=(end - first).days,
        ),
        used=None,
        allotment=None,
        remaining=None,
        percent_used=None,
        overage=_ZERO,
        overage_amount=None,
        amount=None,
        currency=currency,
        status=status,
        likely_over=likely_over,
        low_use=low_use,
        forecast=Forecast(
            alike.status,
            to_date,
            daily_mean=mean if alike.has_mean else None,
            remaining_days=alike.remaining_days,
            projected=projected if alike.has_end else None,
            low=low if alike.has_range else None,
            high=high if alike.has_range else None,
            is_estimate_of_distinct=alike.is_estimate_of_distinct,
        ),
        contributions=(),
        daily=tuple(DayUse(first + i * _DAY, used) for i, used in enumerate(days)),
        branch=None,
        csm=None,
        data_through=from_micros(alike.data_through),
        refreshed_at=state.refreshed_at,
        known_at=state.mark,
        timezone=alike.timezone,
    )


def _whole(value: Decimal | None) -> int:
    """Return a quantity in its least unit, rounded to it."""
    return 0 if value is None else int((value * _LEAST).to_integral_value(ROUND_HALF_UP))
