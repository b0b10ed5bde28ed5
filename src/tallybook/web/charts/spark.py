"""A small line of the last days, drawn beside a number that says the same in words."""

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

from tallybook.web.charts.axis import ZERO, path, pixel

_WIDTH, _HEIGHT, _EDGE = 78, 24, 2


def draw(values: Sequence[Decimal]) -> Markup:
    """The line of at least two values; empty for fewer. All zero is a line along the floor."""
    if len(values) <= 1:
        return Markup("")
    low, high = min(ZERO, *values), max(ZERO, *values)
    span = high - low or Decimal(1)
    points = (
        (
            pixel(Decimal(_WIDTH) * index / (len(values) - 1)),
            pixel(_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * (value - low) / span),
        )
        for index, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" aria-hidden="true"><path d="{}"/></svg>'
    ).format(_WIDTH, _HEIGHT, path(points))
