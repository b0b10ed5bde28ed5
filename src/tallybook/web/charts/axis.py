"""What every chart shares: frames, round ticks, scales, short numbers and path text.

Quantities are Decimal throughout; a pixel coordinate is a Decimal with one place, made here
and nowhere else. Knows nothing of dates, units or pages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from markupsafe import Markup

ZERO = Decimal(0)
_HALF = Decimal("0.5")
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_SUFFIXES = {3: "k", 6: "M", 9: "B", 12: "T"}
_SHORT_CAPTION = 8  # letters for which a frame says how many captions fit
_THREE_DIGITS = Context(prec=3, rounding=ROUND_HALF_UP)

Point = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a drawing and its margins, in pixels; `name` tells its style class."""

    name: str
    width: int
    height: int
    left: int = 50
    right: int = 16
    top: int = 18
    bottom: int = 28
    ticks: int = 7
    labels: int = 8

    @property
    def floor(self) -> int:
        """The vertical position of the lower edge of the plot."""
        return self.height - self.bottom

    @property
    def end(self) -> int:
        """The horizontal position of the right edge of the plot."""
        return self.width - self.right


WIDE = Frame("wide", 860, 320)
NARROW = Frame("narrow", 340, 230, left=40, right=8, top=16, bottom=26, ticks=5, labels=4)


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps `count` places and the quantities from `low` to `high` onto a frame.

    Points stand from edge to edge; columns keep half a column from both.
    """

    frame: Frame
    count: int
    low: Decimal
    high: Decimal
    columns: bool = False

    @property
    def place(self) -> Decimal:
        """The width of one column with its gap."""
        return Decimal(self.frame.end - self.frame.left) / max(self.count, 1)

    def x(self, index: int) -> Decimal:
        """The middle of place `index`; a single point stands in the middle of the plot."""
        left, span = self.frame.left, self.frame.end - self.frame.left
        if self.columns or self.count <= 1:
            return pixel(left + self.place * (index + _HALF))
        return pixel(left + Decimal(span) * index / (self.count - 1))

    def y(self, quantity: Decimal) -> Decimal:
        """The height of a quantity; larger is higher up."""
        frame = self.frame
        share = (quantity - self.low) / (self.high - self.low)
        return pixel(frame.floor - (frame.floor - frame.top) * share)


def pixel(value: Decimal) -> Decimal:
    """A coordinate with at most one place, without a trailing zero."""
    rounded = value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    return rounded.to_integral_value() if rounded == rounded.to_integral_value() else rounded


def ticks(low: Decimal, high: Decimal, most: int) -> tuple[Decimal, ...]:
    """Round numbers from at or below `low` to at or above `high`, about `most` of them.

    Steps are 1, 2, 2.5 or 5 times a power of ten; nothing to show gives 0 and 1.
    """
    if high <= low:
        return (ZERO, Decimal(1))
    rough = (high - low) / most
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(power * factor for factor in _STEPS if power * factor >= rough)
    first = (low / step).to_integral_value(ROUND_FLOOR)
    last = (high / step).to_integral_value(ROUND_CEILING)
    return tuple(step * (first + index) for index in range(int(last - first) + 1))


def compact(value: Decimal) -> str:
    """A number with three leading digits and a suffix: 950, 12.5k, 22.7M, 1.2e18; half-up.

    The axis and the cards shorten alike, so both take it from here.
    """
    rounded = _THREE_DIGITS.plus(value)
    power = 3 * (rounded.adjusted() // 3)
    if not rounded or power <= 0:
        return _plain(rounded)
    if power not in _SUFFIXES:
        return f"{rounded:.2e}".replace("e+", "e")
    return _plain(rounded.scaleb(-power)) + _SUFFIXES[power]


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def path(points: Iterable[Point]) -> str:
    """The `d` of a line through points; empty for none."""
    joined = "L".join(f"{x},{y}" for x, y in points)
    return f"M{joined}" if joined else ""


def line(scale: Scale, values: Sequence[Decimal], start: int = 0) -> tuple[Point, ...]:
    """The points of values standing at places `start`, `start` + 1 and so on."""
    return tuple((scale.x(start + i), scale.y(value)) for i, value in enumerate(values))


def grid(scale: Scale, marks: Sequence[Decimal]) -> Markup:
    """The horizontal lines of the ticks with their numbers."""
    frame = scale.frame
    return Markup("").join(
        Markup(
            '<path class="grid" d="M{left},{y}H{end}"/>'
            '<text class="tick" x="{at}" y="{base}" text-anchor="end">{text}</text>'
        ).format(
            left=frame.left,
            end=frame.end,
            y=scale.y(mark),
            at=frame.left - 8,
            base=scale.y(mark) + 4,
            text=compact(mark),
        )
        for mark in marks
    )


def captions(scale: Scale, texts: Sequence[str]) -> Markup:
    """The words under the axis: the last always, the others as often as they fit."""
    widest = max((len(text) for text in texts), default=0)
    room = max(scale.frame.labels * _SHORT_CAPTION // max(widest, _SHORT_CAPTION), 1)
    step = -(-len(texts) // room) or 1
    last = len(texts) - 1
    shown = [i for i in range(0, len(texts), step) if last - i >= step * 2 // 3 + 1]
    return Markup("").join(
        Markup('<text class="tick" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>').format(
            x=scale.x(i),
            y=scale.frame.height - 7,
            anchor="end" if i == last and last else "middle",
            text=texts[i],
        )
        for i in [*shown, *([last] if last >= 0 else [])]
    )


def svg(frame: Frame, key: str, title: str, description: str, body: Markup) -> Markup:
    """The drawing around `body`, named for screen readers; `key` makes its ids unique."""
    ids = f"{key}-{frame.name}"
    return Markup(
        '<svg class="chart {name}" viewBox="0 0 {width} {height}" data-top="{top}" '
        'data-floor="{floor}" role="img" '
        'aria-labelledby="{ids}-title {ids}-desc"><title id="{ids}-title">{title}</title>'
        '<desc id="{ids}-desc">{description}</desc>{body}</svg>'
    ).format(
        name=frame.name,
        width=frame.width,
        height=frame.height,
        top=frame.top,
        floor=frame.floor,
        ids=ids,
        title=title,
        description=description,
        body=body,
    )
