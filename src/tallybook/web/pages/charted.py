"""From the course of a period to its chart, and the day on which the allotment is passed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import localcontext
from typing import Final, Literal, Protocol

from tallybook.model.quantity import EXACT
from tallybook.operations.portfolio import CourseDay
from tallybook.web.pages.view import ChartPoint, ChartView, Link, Segment, Standing

VIEWS: Final = {"": "Cumulative", "daily": "Daily", "table": "Table"}
_KINDS: Final[dict[str, Literal["cumulative", "daily", "table"]]] = {
    "": "cumulative",
    "daily": "daily",
    "table": "table",
}
_NO_SUM: Final = "Days count some things again, so they do not add up to the period."


class LinkTo(Protocol):
    """Makes the page's own address with some of its query changed."""

    def __call__(self, **changes: str | None) -> str:
        """Return the address."""


def chart(
    course: Sequence[CourseDay], stands: Standing, title: str, view: str, link: LinkTo, note: str
) -> ChartView:
    """Return a chart of a period and the links to its other forms; `view` is one of VIEWS.

    Where days do not add up there is no running total to draw.
    """
    runs = any(day.to_date is not None for day in course) or not course
    offered = VIEWS if runs else {"": "Daily", "table": "Table"}
    view = view if view in offered else ""
    kind = _KINDS[view] if runs or view else "daily"
    pace = None
    if runs and stands.allotment is not None and course:
        with localcontext(EXACT):
            pace = stands.allotment / len(course)
    if not runs:
        note = f"{_NO_SUM} {note}".strip()
    return ChartView(
        title,
        kind,
        views(offered, view, link),
        stands.unit,
        tuple(_points(course)),
        stands.allotment,
        pace,
        note=note,
    )


def views(offered: Mapping[str, str], view: str, link: LinkTo) -> Segment:
    """Return the links to the forms of a chart."""
    links = (Link(label, link(view=value), value == view) for value, label in offered.items())
    return Segment("View", tuple(links))


def _points(course: Iterable[CourseDay]) -> Iterable[ChartPoint]:
    for day in course:
        yield ChartPoint(
            day.day,
            day.used,
            day.to_date,
            day.forecast,
            day.projected,
            day.low,
            day.high,
            day.previous,
        )


def with_crossing(stands: Standing, course: Iterable[CourseDay]) -> Standing:
    """Add the day on which the allotment was, or will be, passed."""
    for day in course:
        reached = day.projected if day.to_date is None else day.to_date
        if stands.allotment is not None and reached is not None and reached > stands.allotment:
            return replace(stands, forecast=replace(stands.forecast, passes_on=day.day))
    return stands
