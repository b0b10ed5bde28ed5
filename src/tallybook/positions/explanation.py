"""How a position came about, step by step: the events counted, what the meter made of them, the
allotment and the price. Values only; whoever shows them writes the sentences.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tallybook.model.position import Position
from tallybook.model.price import Part
from tallybook.model.quantity import EXACT
from tallybook.positions.items import ZERO, free
from tallybook.positions.position import Reached
from tallybook.positions.rating import price_in
from tallybook.positions.terms import Terms


@dataclass(frozen=True, slots=True)
class EventsStep:
    """How many events of a type within [start, end) carry what the meter reads, of how many
    accounts; one whose quantity cannot be read is among them, and adds nothing.
    """

    type: str
    start: datetime
    end: datetime
    accounts: int
    count: int


@dataclass(frozen=True, slots=True)
class MeterStep:
    """What the meter made of them; `others` are counted with it, as the meters of a group."""

    key: str
    aggregation: str
    property: str | None
    unit: str
    quantity: Decimal | None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AllotmentStep:
    """What is included, and what lies beyond it; `included` None is nothing, or no end.

    `pooled` of it is what other contracts of the tree allot. Beside it is what earlier cycles
    handed on, `carried`, below 0 where they overdrew. `free` is not priced either.
    """

    included: Decimal | None
    is_unlimited: bool
    beyond: Decimal
    carried: Decimal = ZERO
    pooled: Decimal = ZERO
    free: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PriceStep:
    """What is priced, and the parts that add up to the unrounded amount."""

    model: str
    billable: Decimal
    parts: tuple[Part, ...]
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps in order; `price` None where there is none, or it may not be seen. `changes` are
    the days within the period from which other terms hold.
    """

    events: EventsStep
    meter: MeterStep
    allotment: AllotmentStep
    price: PriceStep | None
    changes: tuple[date, ...] = ()


def explain(
    line: Terms, found: Position, reached: Reached, *, accounts: int, count: int
) -> Explanation:
    """Say how a position came about, from `count` events of `accounts` accounts."""
    meter = line.meter
    start = line.counts_from if line.carries else line.period.starts_at
    return Explanation(
        EventsStep(meter.event_type, start, line.counts_to, accounts, count),
        MeterStep(
            meter.key,
            meter.aggregation,
            meter.property,
            line.unit,
            found.used,
            tuple(other.key for other in line.meters[1:]),
        ),
        _allotment(line, found, reached),
        _price(line, found, reached),
        tuple(segment.start for segment in line.turn.segments[1:]),
    )


def _allotment(line: Terms, found: Position, reached: Reached) -> AllotmentStep:
    if found.allotment is None or reached.available is None:
        return AllotmentStep(None, found.is_unlimited, found.overage, free=free(line.turn))
    return AllotmentStep(
        found.allotment,
        found.is_unlimited,
        found.overage,
        EXACT.subtract(reached.available, found.allotment),
        line.turn.pooled,
        free(line.turn),
    )


def _price(line: Terms, found: Position, reached: Reached) -> PriceStep | None:
    price = price_in(line.turn, line.item)
    if price is None or line.item.model is None:
        return None
    return PriceStep(
        line.item.model,
        reached.billable.quantity,
        price.parts(reached.billable),
        reached.amount,
        found.currency,
    )
