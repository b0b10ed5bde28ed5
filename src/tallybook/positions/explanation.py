"""How a position came about, step by step: the events counted, what the meter made of them, the
allotment and the price. Values only; whoever shows them writes the sentences.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tallybook.model.position import Position
from tallybook.model.price import Part
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
    """What the meter made of them."""

    key: str
    aggregation: str
    property: str | None
    unit: str
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class AllotmentStep:
    """What is included, and what lies beyond it; `included` None is nothing, or no end."""

    included: Decimal | None
    is_unlimited: bool
    beyond: Decimal


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
    """The steps in order; `price` None where there is none, or it may not be seen."""

    events: EventsStep
    meter: MeterStep
    allotment: AllotmentStep
    price: PriceStep | None


def explain(
    line: Terms, found: Position, reached: Reached, *, accounts: int, count: int
) -> Explanation:
    """Say how a position came about, from `count` events of `accounts` accounts."""
    meter = line.meter
    start = line.counts_from if line.carries else line.period.starts_at
    return Explanation(
        EventsStep(meter.event_type, start, line.counts_to, accounts, count),
        MeterStep(meter.key, meter.aggregation, meter.property, meter.unit, found.used),
        AllotmentStep(found.allotment, found.is_unlimited, found.overage),
        _price(line, found, reached),
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
