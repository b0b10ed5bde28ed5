"""Columns, one a day: what was used, what is forecast, and the pace that meets the allotment."""

from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from tallybook.web.charts.axis import ZERO, Frame, Scale, captions, grid, line, pixel, svg, ticks

_FILL = Decimal("0.68")  # of a column's place; the rest is the gap
_WIDEST = Decimal(44)
_ROUNDING = Decimal(3)


@dataclass(frozen=True, slots=True)
class Daily:
    """Quantities, one a caption: `used` for the complete days, `forecast` for those after.

    `pace` is the quantity a day that would use up the allotment exactly.
    """

    title: str
    description: str
    captions: tuple[str, ...]
    used: tuple[Decimal, ...] = ()
    forecast: tuple[Decimal, ...] = ()
    pace: Decimal | None = None


def places(chart: Daily, frame: Frame) -> tuple[tuple[Decimal, Decimal], ...]:
    """The middle of each column's top, used days first, then the forecast."""
    to_scale, _ = _scale(chart, frame)
    return line(to_scale, chart.used + chart.forecast)


def draw(chart: Daily, frame: Frame, key: str) -> Markup:
    """The chart in one frame. Back to front: grid, columns, pace."""
    to_scale, marks = _scale(chart, frame)
    columns = [
        _column(to_scale, index, value, hatched=index >= len(chart.used))
        for index, value in enumerate(chart.used + chart.forecast)
    ]
    body = Markup("").join(
        (
            grid(to_scale, marks),
            captions(to_scale, chart.captions),
            *columns,
            _pace(chart, to_scale),
        )
    )
    return svg(frame, key, chart.title, chart.description, body)


def _scale(chart: Daily, frame: Frame) -> tuple[Scale, tuple[Decimal, ...]]:
    shown = (ZERO, *chart.used, *chart.forecast, chart.pace or ZERO)
    marks = ticks(min(shown), max(shown), frame.ticks)
    return Scale(frame, len(chart.captions), marks[0], marks[-1], columns=True), marks


def _column(to_scale: Scale, index: int, value: Decimal, *, hatched: bool) -> Markup:
    if not value:
        return Markup("")
    width = pixel(min(to_scale.place * _FILL, _WIDEST))
    top, base = sorted((to_scale.y(value), to_scale.y(ZERO)))
    return Markup(
        '<rect class="column"{fill} x="{x}" y="{y}" width="{width}" height="{height}" rx="{rx}"/>'
    ).format(
        fill=Markup(' fill="url(#hatch-plain)"') if hatched else "",
        x=pixel(to_scale.x(index) - width / 2),
        y=top,
        width=width,
        height=base - top,
        rx=min(_ROUNDING, pixel(width / 4)),
    )


def _pace(chart: Daily, to_scale: Scale) -> Markup:
    if chart.pace is None:
        return Markup("")
    frame = to_scale.frame
    return Markup('<path class="pace" d="M{},{}H{}"/>').format(
        frame.left, to_scale.y(chart.pace), frame.end
    )
