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
    rounded = f'y="3" height="{height}" rx="{pixel(Decimal(height) / 2)}"'
    parts = [f'<rect class="track" {rounded} width="100%"/>']
    if ahead > used:
        fill = f'fill="url(#hatch-{tone})"'
        parts.append(f'<rect class="ahead" {fill} {rounded} width="{_share(ahead, reach)}%"/>')
    if used:
        parts.append(f'<rect class="filled" {rounded} width="{_share(used, reach)}%"/>')
    if percent is not None:
        at = _share(_WHOLE, reach)
        parts.append(f'<line class="limit" x1="{at}%" x2="{at}%" y1="0" y2="{height + 6}"/>')
    return Markup(  # noqa: S704 - numbers and a tone; a page has a hundred bars
        f'<svg class="bar {tone}" width="100%" height="{height + 6}" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


def _share(percent: Decimal, reach: Decimal) -> Decimal:
    return pixel(min(percent, reach) * _WHOLE / reach)
