"""The running total of a period against its allotment, with the forecast to the period's end."""

from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from tallybook.web.charts.axis import (
    ZERO,
    Frame,
    Scale,
    captions,
    grid,
    line,
    path,
    svg,
    ticks,
)

_HEADROOM = Decimal("1.04")  # keeps the allotment's label inside the plot


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Running totals, one a caption; every series starts with the first day of the period.

    `used` covers the complete days. `forecast`, `low` and `high` cover the days after them and
    have one length. `previous` is the period before, day for day, cut to this one's length.
    """

    title: str
    description: str
    captions: tuple[str, ...]
    used: tuple[Decimal, ...] = ()
    forecast: tuple[Decimal, ...] = ()
    low: tuple[Decimal, ...] = ()
    high: tuple[Decimal, ...] = ()
    previous: tuple[Decimal, ...] = ()
    allotment: Decimal | None = None
    allotment_label: str = ""


def places(chart: Cumulative, frame: Frame) -> tuple[tuple[Decimal, Decimal], ...]:
    """Where each day's total is drawn, used days first, then the forecast."""
    return line(_scale(chart, frame)[0], chart.used + chart.forecast)


def draw(chart: Cumulative, frame: Frame, key: str) -> Markup:
    """The chart in one frame. Back to front: grid, previous period, area, band, the part above
    the allotment, allotment, today, forecast, used.
    """
    to_scale, marks = _scale(chart, frame)
    body = Markup("").join(
        (
            grid(to_scale, marks),
            captions(to_scale, chart.captions),
            _stroke("previous", line(to_scale, chart.previous[: to_scale.count])),
            _area(chart, to_scale, f"{key}-{frame.name}"),
            _band(chart, to_scale),
            _above(chart, to_scale, f"{key}-{frame.name}"),
            _allotment(chart, to_scale),
            _today(chart, to_scale),
        )
    )
    return svg(frame, key, chart.title, chart.description, body)


def _scale(chart: Cumulative, frame: Frame) -> tuple[Scale, tuple[Decimal, ...]]:
    shown = (ZERO, *chart.used, *chart.forecast, *chart.low, *chart.high, *chart.previous)
    limit = (chart.allotment or ZERO) * _HEADROOM
    marks = ticks(min(shown), max(*shown, limit), frame.ticks)
    return Scale(frame, len(chart.captions), marks[0], marks[-1]), marks


def _stroke(name: str, points: tuple[tuple[Decimal, Decimal], ...]) -> Markup:
    if not points:
        return Markup("")
    return Markup('<path class="{}" d="{}"/>').format(name, path(points))


def _under(chart: Cumulative, to_scale: Scale, *, forecast: bool) -> str:
    """The outline of what lies between the totals and zero."""
    points = line(to_scale, chart.used + (chart.forecast if forecast else ()))
    return f"{path(points)}V{to_scale.y(ZERO)}H{points[0][0]}Z" if points else ""


def _area(chart: Cumulative, to_scale: Scale, ids: str) -> Markup:
    if not chart.used:
        return Markup("")
    return Markup(
        '<linearGradient id="{ids}-fade" x2="0" y2="1"><stop class="fade-in"/>'
        '<stop class="fade-out" offset="1"/></linearGradient>'
        '<path class="area" fill="url(#{ids}-fade)" d="{outline}"/>'
    ).format(ids=ids, outline=_under(chart, to_scale, forecast=False))


def _band(chart: Cumulative, to_scale: Scale) -> Markup:
    if not chart.high:
        return Markup("")
    joint = line(to_scale, chart.used)[-1:]  # the band opens where the known days end
    upper = line(to_scale, chart.high, len(chart.used))
    lower = line(to_scale, chart.low, len(chart.used))
    outline = path((*joint, *upper, *reversed(lower)))
    return Markup('<path class="band" d="{}Z"/>').format(outline)


def _above(chart: Cumulative, to_scale: Scale, ids: str) -> Markup:
    totals = chart.used + chart.forecast
    if chart.allotment is None or not totals or max(totals) <= chart.allotment:
        return Markup("")
    frame = to_scale.frame
    return Markup(
        '<clipPath id="{ids}-above"><path d="M{left},0H{end}V{limit}H{left}Z"/></clipPath>'
        '<path class="above" clip-path="url(#{ids}-above)" d="{outline}"/>'
    ).format(
        ids=ids,
        left=frame.left,
        end=frame.end,
        limit=to_scale.y(chart.allotment),
        outline=_under(chart, to_scale, forecast=True),
    )


def _allotment(chart: Cumulative, to_scale: Scale) -> Markup:
    if chart.allotment is None:
        return Markup("")
    frame, height = to_scale.frame, to_scale.y(chart.allotment)
    return Markup(
        '<path class="allotment" d="M{left},{y}H{end}"/>'
        '<text class="allotment-label" x="{at}" y="{base}">{label}</text>'
    ).format(
        left=frame.left,
        end=frame.end,
        y=height,
        at=frame.left + 6,
        base=height - 7,
        label=chart.allotment_label,
    )


def _today(chart: Cumulative, to_scale: Scale) -> Markup:
    """The two lines that meet at the last complete day, and the mark where they meet."""
    used = line(to_scale, chart.used)
    ahead = (*used[-1:], *line(to_scale, chart.forecast, len(chart.used)))
    lines = _stroke("forecast", ahead if chart.forecast else ()) + _stroke("used", used)
    if not used:
        return lines
    frame, (x, y) = to_scale.frame, used[-1]
    rule = Markup('<path class="today" d="M{},{}V{}"/>').format(x, frame.top, frame.floor)
    dot = Markup('<circle class="dot" r="4" cx="{}" cy="{}"/>').format(x, y)
    return (rule if chart.forecast else Markup("")) + lines + dot
