"""A bar from nothing to past the allotment, with a tick at the allotment and a hatched forecast.

Lengths are percent of the bar's own width, so one drawing fits every column. The words beside
a bar say the same; screen readers skip it.
"""

from decimal import Decimal

from markupsafe import Markup

from tallybook.web.charts.axis import ZERO, pixel

_WHOLE = Decimal(100)
_REACH = Decimal(115)  # the bar always shows a little beyond the allotment
_MARGIN = Decimal("1.05")
_FARTHEST = Decimal(400)  # beyond four times the allotment the tick would touch the edge


def draw(percent: Decimal | None, forecast: Decimal | None, tone: str, height: int = 8) -> Markup:
    """The bar of `percent` used and `forecast` percent projected; `tone` is plain, risk or over.

    None means that no percentage exists: the empty track is drawn without a tick.
    """
    used = max(percent or ZERO, ZERO)
    ahead = max(forecast or ZERO, ZERO)
    reach = min(max(_REACH, used * _MARGIN, ahead * _MARGIN), _FARTHEST)
    parts = [_rect("track", _WHOLE, height)]
    if ahead > used:
        parts.append(_rect("ahead", _share(ahead, reach), height, f"url(#hatch-{tone})"))
    if used:
        parts.append(_rect("filled", _share(used, reach), height))
    if percent is not None:
        parts.append(
            Markup('<line class="limit" x1="{x}%" x2="{x}%" y1="0" y2="{end}"/>').format(
                x=_share(_WHOLE, reach), end=height + 6
            )
        )
    return Markup(
        '<svg class="bar {tone}" width="100%" height="{height}" aria-hidden="true">{parts}</svg>'
    ).format(tone=tone, height=height + 6, parts=Markup("").join(parts))


def _share(percent: Decimal, reach: Decimal) -> Decimal:
    return pixel(min(percent, reach) * _WHOLE / reach)


def _rect(name: str, width: Decimal, height: int, fill: str = "") -> Markup:
    return Markup(
        '<rect class="{name}"{fill} y="3" width="{width}%" height="{height}" rx="{rx}"/>'
    ).format(
        name=name,
        fill=Markup(' fill="{}"').format(fill) if fill else "",
        width=width,
        height=height,
        rx=pixel(Decimal(height) / 2),
    )
