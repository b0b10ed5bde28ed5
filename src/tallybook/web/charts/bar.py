"""A bar from nothing to past the allotment, with a tick at the allotment and a hatched forecast.

Lengths are percent of the bar's own width, so one drawing fits every column. The words beside
a bar say the same; screen readers skip it.
"""

from decimal import Decimal
from typing import Literal

from markupsafe import Markup

from tallybook.web.charts.axis import ZERO, pixel

_WHOLE = Decimal(100)
_REACH = Decimal(115)  # the bar always shows a little beyond the allotment
_MARGIN = Decimal("1.05")
_FARTHEST = Decimal(400)  # beyond four times the allotment the tick would touch the edge

_BAR = Markup(
    '<svg class="bar {tone}" width="100%" height="{height}" aria-hidden="true">{parts}</svg>'
)
_FILL = Markup('<rect class="{kind}" y="3" height="{height}" rx="{corner}" width="{width}%"/>')
_HATCHED = Markup(
    '<rect class="ahead" fill="url(#hatch-{tone})" y="3" height="{height}" rx="{corner}" '
    'width="{width}%"/>'
)
_TICK = Markup('<line class="limit" x1="{at}%" x2="{at}%" y1="0" y2="{height}"/>')

Tone = Literal["plain", "risk", "over"]


def draw(percent: Decimal | None, forecast: Decimal | None, tone: Tone, height: int = 8) -> Markup:
    """The bar of `percent` used and `forecast` percent projected; `tone` names its colour.

    Without a percentage there is no tick, and the track is empty, or full when all use is over.
    """
    used = max(percent or ZERO, ZERO)
    if percent is None and tone == "over":
        used = _FARTHEST
    ahead = max(forecast or ZERO, ZERO)
    reach = min(max(_REACH, used * _MARGIN, ahead * _MARGIN), _FARTHEST)
    shape = {"height": height, "corner": pixel(Decimal(height) / 2)}
    parts = [_FILL.format(kind="track", width=100, **shape)]
    if ahead > used:
        parts.append(_HATCHED.format(tone=tone, width=_share(ahead, reach), **shape))
    if used:
        parts.append(_FILL.format(kind="filled", width=_share(used, reach), **shape))
    if percent is not None:
        parts.append(_TICK.format(at=_share(_WHOLE, reach), height=height + 6))
    return _BAR.format(tone=tone, height=height + 6, parts=Markup().join(parts))


def _share(percent: Decimal, reach: Decimal) -> Decimal:
    return pixel(min(percent, reach) * _WHOLE / reach)
