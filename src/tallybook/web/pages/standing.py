"""From positions to what a page shows of them: standings, charts and money. Adds nothing up that
is not of one unit, and decides no status: `positions` does.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.money import round_money
from tallybook.model.position import ForecastStatus, Position, Total
from tallybook.model.quantity import EXACT
from tallybook.operations.portfolio import CourseDay
from tallybook.positions.position import percent, status
from tallybook.web.pages.view import Forecast, Money, Standing

_ZERO: Final = Decimal(0)
_DAY: Final = timedelta(days=1)


def of_position(found: Position, change: Decimal | None = None) -> Standing:
    """Return where one line stands."""
    ahead = found.forecast
    share = percent(ahead.projected, found.allotment) if ahead.projected is not None else None
    return Standing(
        found.unit,
        found.used or _ZERO,
        found.allotment,
        found.percent_used,
        found.overage,
        found.status,
        Forecast(
            ahead.status,
            found.period.end_date - _DAY,
            ahead.projected,
            ahead.low,
            ahead.high,
            share,
            ahead.daily_mean,
            ahead.remaining_days,
            _expected(found),
            _cost([(found.currency, ahead.projected_amount)]),
            ahead.exhausted_on,
        ),
        found.likely_over,
        found.low_use,
        change,
    )


def _expected(found: Position) -> Decimal:
    ahead = found.forecast.projected_overage
    return found.overage if ahead is None else ahead


def of_service(
    totals: Sequence[Total], lines: Sequence[Position], change: Decimal | None = None
) -> Standing:
    """Return where all lines of one service and unit stand together; `lines` may be some."""
    with localcontext(EXACT):
        used = sum((t.used for t in totals), _ZERO)
        allotment = sum((t.allotment for t in totals), _ZERO) or None
        projected = sum((t.projected for t in totals), _ZERO)
        overage = sum((t.overage for t in totals), _ZERO)
        expected = sum((t.projected_overage for t in totals), _ZERO)
        means = [p.forecast.daily_mean for p in lines if p.forecast.daily_mean is not None]
        forecasts = [p.forecast for p in lines]
        low = sum((f.low if f.low is not None else f.to_date for f in forecasts), _ZERO)
        high = sum((f.high if f.high is not None else f.to_date for f in forecasts), _ZERO)
        mean = sum(means, _ZERO)
    end = max((p.period.end_date for p in lines), default=date.max) - _DAY
    is_over = all(f.status == "actual" for f in forecasts) and bool(forecasts)
    word: ForecastStatus = "actual" if is_over else "estimate" if means else "not_enough_data"
    return Standing(
        totals[0].unit,
        used,
        allotment,
        percent(used, allotment),
        overage,
        status(used, allotment),
        Forecast(
            word,
            end,
            projected if word != "not_enough_data" else None,
            low if word == "estimate" else None,
            high if word == "estimate" else None,
            percent(projected, allotment) if word != "not_enough_data" else None,
            mean if word == "estimate" else None,
            max((f.remaining_days for f in forecasts), default=0),
            expected,
            _cost([(t.currency, t.projected_amount) for t in totals]),
        ),
        allotment is not None and used <= allotment < projected,
        change=change,
    )


def _cost(amounts: Iterable[tuple[str, Decimal | None]]) -> tuple[Money, ...]:
    """Add up amounts by currency, without those of nothing."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        if amount is not None:
            sums[currency] = sums.get(currency, _ZERO) + amount
    return tuple(Money(round_money(sums[c], c), c) for c in sorted(sums) if sums[c])


def change_on_last(course: Sequence[CourseDay]) -> Decimal | None:
    """Return the change in percent against as many days of the period before."""
    known = [day for day in course if day.to_date is not None]
    if not known or not known[-1].previous or known[-1].to_date is None:
        return None
    last = known[-1]
    with localcontext(EXACT):
        return (last.to_date / last.previous - 1) * 100  # type: ignore[operator]


def of_part(line: Position, used: Decimal) -> Standing:
    """Return what one account of a pool used; it has no allotment of its own."""
    ahead = Forecast("not_enough_data", line.period.end_date - _DAY)
    return Standing(line.unit, used, None, None, _ZERO, "no_allotment", ahead)
