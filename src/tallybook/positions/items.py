"""What a contract charges by use: lines and meter groups in the same words, the days on which each
has the same terms, and the cycles that these fall into. Counts and prices nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from tallybook.model.contract import (
    Allotment,
    Contract,
    Conversion,
    Cycle,
    Line,
    MeterGroup,
    RateSchedule,
    Tolerance,
)
from tallybook.model.nouns import Document
from tallybook.model.price import Price
from tallybook.model.quantity import EXACT
from tallybook.positions.agreement import Agreement
from tallybook.positions.charge import price_of
from tallybook.positions.periods import Schedule, Span

ZERO: Final = Decimal(0)
_PLACES: Final = Decimal("1e-12")

#: How overage is settled: as a line's, or at the end of a group's cycle.
Method = Literal["line", "bill", "allow_with_credit", "roll_forward"]


@dataclass(frozen=True, slots=True)
class Item:
    """A line or a meter group on a day. `allotment` None is none; a fixed `quantity` has no meters.

    `cycle` without a unit is the billing's.
    """

    method: Method
    code: str
    name: str | None
    product: str | None
    account: str
    pooling: str
    meters: tuple[str, ...]
    quantity: Decimal | None
    unit: str | None
    conversion: Conversion | None
    cycle: Cycle
    allotment: Allotment | None
    price: Price | None
    model: str | None
    increases: tuple[RateSchedule, ...]
    free_quantity: Decimal = ZERO
    minimum_amount: Decimal | None = None
    maximum_amount: Decimal | None = None
    discount_percent: Decimal = ZERO
    credit_rate: Decimal = ZERO
    tolerance: Tolerance | None = None

    @property
    def settles(self) -> bool:
        """Tell whether it is charged whole on the last day of its cycle, as a group is."""
        return self.method != "line"

    @property
    def carries(self) -> bool:
        """Tell whether a cycle may hand something on to the next."""
        has_rollover = self.allotment is not None and self.allotment.rollover is not None
        return has_rollover or self.method == "roll_forward"

    @property
    def is_unlimited(self) -> bool:
        """Tell whether use is counted and never charged."""
        return self.allotment is not None and self.allotment.quantity is None

    @property
    def is_flat(self) -> bool:
        """Tell whether its charge follows from days alone."""
        return self.quantity is not None or self.model == "flat"

    @property
    def counted_as(self) -> tuple[object, ...]:
        """Return what days must have in common to be counted in one go."""
        return self.meters, self.account, self.pooling != "none", self.conversion


class Part(Protocol):
    """Something of a contract that comes round: an item, a base charge, a commitment."""

    @property
    def code(self) -> str:
        """Return what makes it the same thing in every version."""

    @property
    def cycle(self) -> Cycle:
        """Return how it comes round; without a unit as the billing does."""


P = TypeVar("P", bound=Part)


class Segment(NamedTuple, Generic[P]):
    """Days [start, end) on which a part has the same terms."""

    start: date
    end: date
    item: P

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return (self.end - self.start).days


class Turn(NamedTuple, Generic[P]):
    """One cycle of a part, from its first day in force there to before `end`.

    `number` counts the cycles since the contract's first day, from 0; `pooled` is what other
    contracts of the tree allot beside it.
    """

    span: Span
    number: int
    segments: tuple[Segment[P], ...]
    pooled: Decimal = ZERO

    @property
    def start(self) -> date:
        """Return the first day in force."""
        return self.segments[0].start

    @property
    def end(self) -> date:
        """Return the day after the last in force."""
        return self.segments[-1].end

    @property
    def days(self) -> int:
        """Return on how many days it is in force."""
        return sum(segment.days for segment in self.segments)


def allotment(turn: Turn[Item]) -> Decimal:
    """Return what is included in a cycle, each day with its part of it; 0 is none.

    Days on which it is unlimited give none: their use is not counted against it.
    """
    parts = [(s.days, s.item.allotment.quantity) for s in turn.segments if s.item.allotment]
    if not parts:
        return turn.pooled
    own = weighted([(days, q) for days, q in parts if q is not None], turn.span.cycle_days)
    return EXACT.add(own, turn.pooled) if turn.pooled else own


def free(turn: Turn[Item]) -> Decimal:
    """Return what is free in a cycle: each day with its part of the days in force."""
    if len(turn.segments) == 1:
        return turn.segments[0].item.free_quantity
    return weighted([(s.days, s.item.free_quantity) for s in turn.segments], turn.days)


def weighted(parts: list[tuple[int, Decimal]], whole: int) -> Decimal:
    """Return the sum of quantities by days of a whole, with 12 places, half up."""
    if len(parts) == 1 and parts[0][0] == whole:
        return parts[0][1]
    with localcontext(EXACT):
        total = sum((quantity * days for days, quantity in parts), ZERO)
        return (total / whole).quantize(_PLACES, ROUND_HALF_UP) if total else ZERO


def segments(
    agreement: Agreement, parts: Callable[[Contract], Iterable[P]]
) -> Mapping[str, Sequence[Segment[P]]]:
    """Return the segments of every part, by code, in the order in which they first appear.

    They are kept with the agreement by `parts`, which is a function of a module.
    """
    found: Mapping[str, Sequence[Segment[P]]] | None = agreement.kept.get(parts)
    if found is None:
        found = agreement.kept[parts] = _segments(agreement, parts)
    return found


def _segments(
    agreement: Agreement, parts: Callable[[Contract], Iterable[P]]
) -> Mapping[str, Sequence[Segment[P]]]:
    found: dict[str, list[Segment[P]]] = {}
    for start, end, terms in agreement.stretches:
        for part in parts(terms):
            known = found.setdefault(part.code, [])
            if known and known[-1].end == start and known[-1].item == part:
                known[-1] = known[-1]._replace(end=end)
            else:
                known.append(Segment(start, end, part))
    return found


def turns(
    agreement: Agreement, known: Sequence[Segment[P]], first: date, last: date
) -> Iterator[Turn[P]]:
    """Yield the cycles of a part that touch [first, last), with its days in them."""
    for schedule in _schedules(agreement, known):
        terms = agreement.on(schedule.start)
        origin = schedule.index_of(terms.start_date if terms else schedule.start)
        for span in schedule.between(first, last):
            inside = cut(known, span.start, span.end)
            if inside:
                yield Turn(span, span.number - origin, inside)


def cut(known: Sequence[Segment[P]], start: date, end: date) -> tuple[Segment[P], ...]:
    """Return the segments within [start, end), cut to it."""
    found = []
    for segment in known:
        first, last = max(segment.start, start), min(segment.end, end)
        if first < last:
            found.append(Segment(first, last, segment.item))
    return tuple(found)


def _schedules(agreement: Agreement, known: Sequence[Segment[P]]) -> tuple[Schedule, ...]:
    if all(segment.item.cycle.cycle_unit is None for segment in known):
        return agreement.billing
    return agreement.schedules([(s.start, s.end, s.item.cycle) for s in known])


def items(terms: Contract) -> Iterator[Item]:
    """Yield the lines and groups of some terms."""
    for line in terms.lines:
        yield _of_line(terms, line)
    for group in terms.meter_groups:
        yield _of_group(terms, group)


def _of_line(terms: Contract, line: Line) -> Item:
    return Item(
        method="line",
        code=line.code,
        name=line.name,
        product=line.product,
        account=terms.account,
        pooling=terms.pooling,
        meters=() if line.meter is None else (line.meter,),
        quantity=line.quantity,
        unit=line.unit,
        conversion=line.conversion,
        cycle=line.allotment or _BILLING,
        allotment=line.allotment,
        price=None if line.price is None else price_of(line.price),
        model=None if line.price is None else line.price["model"],
        increases=_increases(terms, line.code),
        free_quantity=line.free_quantity,
        minimum_amount=line.minimum_amount,
        maximum_amount=line.maximum_amount,
        discount_percent=line.discount_percent,
    )


def _of_group(terms: Contract, group: MeterGroup) -> Item:
    price = overage_price(group)
    return Item(
        method=group.overage_method,
        code=group.name,
        name=None,
        product=group.product,
        account=terms.account,
        pooling=terms.pooling,
        meters=tuple(group.meters),
        quantity=None,
        unit=None,
        conversion=None,
        cycle=group,
        allotment=Allotment(quantity=group.covered_quantity),
        price=None if price is None else price_of(price),
        model=None if price is None else price["model"],
        increases=_increases(terms, group.name),
        credit_rate=_credit_rate(group),
        tolerance=group.tolerance,
    )


def overage_price(group: MeterGroup) -> Document | None:
    if group.overage_tiers:
        tiers: list[dict[str, Any]] = [tier.model_dump() for tier in group.overage_tiers]
        return {"model": "graduated", "tiers": tiers}
    if group.overage_rate is None:
        return None
    return {"model": "per_unit", "unit_amount": group.overage_rate}


def _credit_rate(group: MeterGroup) -> Decimal:
    if group.credit_rate is not None:
        return group.credit_rate
    tiers = group.overage_tiers
    return (tiers[0].unit_amount if tiers else group.overage_rate) or ZERO


def _increases(terms: Contract, code: str) -> tuple[RateSchedule, ...]:
    return tuple(
        planned
        for planned in terms.rate_schedules
        if planned.applies_to == "overage" and planned.ref in {None, code}
    )


_BILLING: Final = Cycle()
