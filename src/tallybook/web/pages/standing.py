"""From positions to what a page shows of them: standings, charts and money. Adds nothing up that
is not of one unit, and decides no status: `positions` does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.money import round_money
from tallybook.model.position import Contribution, ForecastStatus, Position, Total
from tallybook.model.position import Forecast as Ahead
from tallybook.model.quantity import EXACT
from tallybook.operations.portfolio import CourseDay
from tallybook.positions.position import percent, status
from tallybook.web.pages.view import Forecast, Money, Standing

_ZERO: Final = Decimal(0)
_BASES: Final = {
    "days": "An estimate from the last seven complete days.",
    "distinct": "An estimate from the complete days of the period.",
    "level": "An estimate: it is expected to stay as it is.",
}
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
            cost([(found.currency, _charge(found))]),
            ahead.exhausted_on,
            _basis([ahead]),
        ),
        found.likely_over,
        found.low_use,
        change,
    )


def _expected(found: Position) -> Decimal:
    ahead = found.forecast.projected_overage
    return found.overage if ahead is None else ahead


def _charge(found: Position) -> Decimal | None:
    """Return the amount at the projected use, without a forecast that so far."""
    ahead = found.forecast.projected_amount
    return found.amount if ahead is None else ahead


def of_service(totals: Sequence[Total]) -> Standing:
    """Return where the lines of one service and unit stand together, as far as sums tell."""
    with localcontext(EXACT):
        used = sum((t.used for t in totals), _ZERO)
        allotment = sum((t.allotment for t in totals), _ZERO) or None
        projected = sum((t.projected for t in totals), _ZERO)
        overage = sum((t.overage for t in totals), _ZERO)
        expected = sum((t.projected_overage for t in totals), _ZERO)
    is_growing = projected > used
    return Standing(
        totals[0].unit,
        used,
        allotment,
        percent(used, allotment),
        overage,
        status(used, allotment),
        Forecast(
            "estimate" if is_growing else "not_enough_data",
            date.max,
            projected,
            percent=percent(projected, allotment) if is_growing else None,
            overage=max(expected, overage),
            cost=cost((t.currency, t.projected_amount) for t in totals),
        ),
        allotment is not None and used < allotment < projected,
    )


def with_lines(
    stands: Standing, lines: Sequence[Position], change: Decimal | None = None
) -> Standing:
    """Add to a service what only its lines tell: the days, the range and the end of the period."""
    ahead = [line.forecast for line in lines]
    end = max((line.period.end_date for line in lines), default=date.max) - _DAY
    word = _word({f.status for f in ahead})
    with localcontext(EXACT):
        low = sum((f.to_date if f.low is None else f.low for f in ahead), _ZERO)
        high = sum((f.to_date if f.high is None else f.high for f in ahead), _ZERO)
        mean = sum((f.daily_mean for f in ahead if f.daily_mean is not None), _ZERO)
    is_estimate = word == "estimate"
    grows = any(f.daily_mean is not None for f in ahead)
    known = stands.forecast.projected if word != "not_enough_data" else None
    forecast = replace(
        stands.forecast,
        status=word,
        period_end=end,
        projected=known,
        percent=None if known is None else percent(known, stands.allotment),
        low=low if is_estimate and low != high else None,
        high=high if is_estimate and low != high else None,
        daily_mean=mean if is_estimate and grows else None,
        remaining_days=max((f.remaining_days for f in ahead), default=0),
        basis=_basis(ahead),
    )
    return replace(stands, forecast=forecast, change=change)


def _basis(forecasts: Sequence[Ahead]) -> str:
    """Return the sentence on what forecasts rest on."""
    if any(f.is_estimate_of_distinct for f in forecasts):
        return _BASES["distinct"]
    return _BASES["days" if any(f.daily_mean is not None for f in forecasts) else "level"]


def _word(words: set[ForecastStatus]) -> ForecastStatus:
    """Return what a forecast of several lines is: an estimate as soon as one of them is."""
    if words == {"actual"}:
        return "actual"
    return "estimate" if "estimate" in words else "not_enough_data"


def cost(amounts: Iterable[tuple[str, Decimal | None]]) -> tuple[Money, ...]:
    """Add up amounts by currency, without those of nothing and those that may not be seen."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        if amount is not None:
            sums[currency] = sums.get(currency, _ZERO) + amount
    return tuple(Money(round_money(sums[c], c), c) for c in sorted(sums) if sums[c])


def change_on_last(course: Sequence[CourseDay]) -> Decimal | None:
    """Return the change in percent against as many days of the period before."""
    known = [day for day in course if day.to_date is not None]
    if not known:
        return None
    so_far, previous = known[-1].to_date, known[-1].previous
    if not previous or so_far is None:
        return None
    with localcontext(EXACT):
        return (so_far / previous - 1) * 100


def of_part(line: Position, used: Decimal) -> Standing:
    """Return what one account of a pool used; it has no allotment of its own."""
    ahead = Forecast("not_enough_data", line.period.end_date - _DAY)
    return Standing(line.unit, used, None, None, _ZERO, "no_allotment", ahead)


def children(line: Position) -> tuple[Contribution, ...]:
    """Return the accounts of a pool beside the one that holds the contract."""
    return tuple(part for part in line.contributions if part.account != line.account)
