"""From the points of a chart view to its drawings and the words under the pointer.

The browser gets finished texts and coordinates: it moves a cross-hair, it never computes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict

from markupsafe import Markup

from tallybook.web.charts import cumulative, daily
from tallybook.web.charts.axis import NARROW, WIDE
from tallybook.web.pages import format as words
from tallybook.web.pages.view import ChartPoint, ChartView


class Reading(TypedDict):
    """What the pointer shows at one place: `at` is a point in each drawing, by its name."""

    at: dict[str, tuple[str, str]]
    title: str
    rows: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """Two drawings of one chart, of which the style sheet shows one, and what they say."""

    drawings: Markup
    readings: tuple[Reading, ...]


def figure(view: ChartView, key: str) -> Figure:
    """Draw a cumulative or daily view; `key` is unique on the page."""
    shown = [point for point in view.points if _value(view, point) is not None]
    if view.kind == "daily":
        chart = _daily(view)
        drawings = [daily.draw(chart, frame, key) for frame in (WIDE, NARROW)]
        places = {frame.name: daily.places(chart, frame) for frame in (WIDE, NARROW)}
    else:
        total = _cumulative(view)
        drawings = [cumulative.draw(total, frame, key) for frame in (WIDE, NARROW)]
        places = {frame.name: cumulative.places(total, frame) for frame in (WIDE, NARROW)}
    readings = tuple(
        Reading(
            at={name: (str(at[index][0]), str(at[index][1])) for name, at in places.items()},
            title=_title(point.start, view.interval),
            rows=list(_rows(view, point)),
        )
        for index, point in enumerate(shown)
    )
    return Figure(Markup("").join(drawings), readings)


def _value(view: ChartView, point: ChartPoint) -> Decimal | None:
    if view.kind == "daily":
        return point.used if point.used is not None else point.forecast
    return point.to_date if point.to_date is not None else point.projected


def _cumulative(view: ChartView) -> cumulative.Cumulative:
    points = view.points
    label = f"Allotment {words.number(view.allotment)}"
    return cumulative.Cumulative(
        title=f"{view.title}, {view.unit}",
        description="Running total of the period. The table view holds the same numbers.",
        captions=tuple(words.bucket(point.start, view.interval) for point in points),
        used=_known(point.to_date for point in points),
        forecast=_known(point.projected for point in points),
        low=_known(point.low for point in points),
        high=_known(point.high for point in points),
        previous=_known(point.previous for point in points),
        allotment=view.allotment,
        allotment_label=label if view.allotment is not None else "",
    )


def _daily(view: ChartView) -> daily.Daily:
    points = view.points
    return daily.Daily(
        title=f"{view.title}, {view.unit}",
        description="One column a bucket. The table view holds the same numbers.",
        captions=tuple(words.bucket(point.start, view.interval) for point in points),
        used=_known(point.used for point in points),
        forecast=_known(point.forecast for point in points),
        pace=view.pace,
    )


def _known(values: Iterable[Decimal | None]) -> tuple[Decimal, ...]:
    return tuple(value for value in values if value is not None)


def _title(start: date | datetime, interval: str) -> str:
    if interval == "day":
        return words.day(start, weekday=True)
    return words.bucket(start, interval)


def _rows(view: ChartView, point: ChartPoint) -> Iterable[tuple[str, str]]:
    """The lines of the tooltip; a forecast is named one and rounded to whole units."""
    if point.used is not None:
        yield "Used", words.number(point.used)
    if point.to_date is not None:
        yield "To date", words.number(point.to_date)
    if point.projected is not None:
        yield "Forecast", words.estimate(point.projected)
    if point.low is not None and point.high is not None:
        low, high = words.estimate(point.low), words.estimate(point.high)
        yield "80% range", f"{low} {words.DASH} {high}"
    running = point.to_date if point.to_date is not None else point.projected
    if view.allotment and running is not None:
        yield "Of allotment", words.percent(running / view.allotment * 100, 1)
    if point.previous is not None:
        yield "Previous period", words.number(point.previous)
