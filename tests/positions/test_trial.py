"""Methods of forecasting tried on periods that are over: by hand, and on the sample year."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tallybook.positions.trial import METHODS, Guess, Over, guesses
from tallybook.samples.plan import Stream, plan

DAY = timedelta(days=1)
D = Decimal
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
FIRST = date(2026, 2, 1)


def over(days: dict[date, int]) -> Over:
    return Over(MARCH, APRIL, FIRST, {day: D(use) for day, use in days.items()})


def dates(first: date, end: date) -> list[date]:
    return [first + i * DAY for i in range((end - first).days)]


def test_equal_days_are_forecast_without_error_by_every_method() -> None:
    found = list(guesses(over(dict.fromkeys(dates(FIRST, APRIL), 10))))
    assert {guess.method for guess in found} == {*METHODS}
    assert {end for g in found for end in (g.projected, g.low, g.high, g.used)} == {D(310)}
    assert {guess.error for guess in found} == {D(0)}
    assert all(guess.is_covered for guess in found)


def test_a_period_is_forecast_on_each_day_from_the_third_to_the_last_but_one() -> None:
    found = [g.made_on for g in guesses(over({})) if g.method == "linear"]
    assert found == dates(date(2026, 3, 3), date(2026, 3, 31))


def test_nothing_is_known_of_the_days_to_come() -> None:
    plain = dict.fromkeys(dates(FIRST, date(2026, 3, 16)), 10)
    leap = plain | dict.fromkeys(dates(date(2026, 3, 16), APRIL), 50)
    early = [
        [(g.method, g.projected, g.low, g.high) for g in guesses(over(days)) if g.made_on.day < 16]
        for days in (plain, leap)
    ]
    assert early[0] == early[1]
    wrong = next(g for g in guesses(over(leap)) if g.made_on == date(2026, 3, 15))
    assert [wrong.projected, wrong.used, wrong.error] == [310, 950, 640]
    assert not wrong.is_covered


def test_a_week_that_repeats_is_forecast_by_weekday_without_error() -> None:
    week = [90, 100, 110, 100, 100, 30, 20]
    days = {day: week[day.weekday()] for day in dates(FIRST, APRIL)}
    errors: dict[str, Decimal] = {}
    for guess in guesses(over(days)):
        errors[guess.method] = errors.get(guess.method, D(0)) + guess.error
    assert errors["weekday"] == 0
    assert errors["mean_7"] > 0 < errors["linear"]


def test_a_line_that_began_in_the_period_is_forecast_from_its_third_day_on() -> None:
    began = Over(MARCH, APRIL, date(2026, 3, 10), {date(2026, 3, 12): D(7)})
    assert min(guess.made_on for guess in guesses(began)) == date(2026, 3, 12)


def _closed_months(stream: Stream) -> Iterator[Over]:
    days = {day: D(use) for day, use in stream.days.items() if day < stream.today}
    first = min(days)
    start = (first.replace(day=1) + 32 * DAY).replace(day=1)
    while (end := (start + 32 * DAY).replace(day=1)) <= stream.today:
        yield Over(start, end, first, days)
        start = end


@pytest.mark.thorough
def test_on_the_sample_year_by_weekday_is_nearer_and_its_range_holds() -> None:
    streams = [s for s in plan(datetime(2026, 3, 10, 12, tzinfo=UTC)) if s.service.kind == "flow"]
    made: dict[str, list[Guess]] = {method: [] for method in METHODS}
    for stream in streams:
        for month in _closed_months(stream):
            for guess in guesses(month):
                made[guess.method].append(guess)
    error = {name: sum(g.error / g.used for g in found) for name, found in made.items()}
    assert len(made["weekday"]) == len(made["mean_7"]) > 10_000
    assert error["weekday"] < error["mean_7"] < error["linear"]
    covered = sum(g.is_covered for g in made["weekday"]) * 100 / len(made["weekday"])
    assert 70 <= covered <= 90
