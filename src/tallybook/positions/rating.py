"""The order of arithmetic from use to an amount, for one line or meter group: quantity, what is
included, what lies beyond, its price, discount, maximum, minimum, and rounding once. Asks nobody.

A cycle's running charge is worked out at each instant that cuts it; a billing period has the rises
that lie in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from typing import Final, NamedTuple

from tallybook.model.contract import Conversion
from tallybook.model.price import Billable, Piece, Price
from tallybook.model.quantity import EXACT
from tallybook.positions.agreement import Agreement
from tallybook.positions.items import ZERO, Item, Segment, Turn, allotment, free
from tallybook.positions.needs import Need, Uses, Window
from tallybook.positions.tolerance import window
from tallybook.pricing._raise import raised

_PLACES: Final = Decimal("1e-12")
_MODES: Final = {"up": ROUND_CEILING, "down": ROUND_FLOOR, "half_up": ROUND_HALF_UP}
_DAY: Final = timedelta(days=1)
_NOTHING: Final = Billable(ZERO)


class Rise(NamedTuple):
    """What days [start, end) of one segment added to the running use and charge of a cycle.

    `before` and `after` are what is billable of the cycle so far; `amount` is unrounded.
    """

    start: date
    end: date
    item: Item
    price: Price | None
    quantity: Decimal
    before: Billable | None
    after: Billable
    amount: Decimal


class Grant(NamedTuple):
    """What is left of the allotment of a cycle that was `age` cycles before."""

    age: int
    left: Decimal


@dataclass(frozen=True, slots=True)
class Carried:
    """What a cycle hands on to the next: unused grants, oldest first, and what was overdrawn."""

    grants: tuple[Grant, ...] = ()
    overdrawn: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Return by how much the next cycle's allotment is more; less than 0 is less."""
        if not self.grants:
            return -self.overdrawn
        return sum((grant.left for grant in self.grants), -self.overdrawn)


NOTHING_CARRIED: Final = Carried()


class Worked(NamedTuple):
    """A cycle worked out up to its last cut; `included` lies before anything is billable."""

    turn: Turn[Item]
    used: Decimal
    allotment: Decimal
    free: Decimal
    included: Decimal
    carried: Carried
    rises: tuple[Rise, ...]

    @property
    def counted(self) -> Decimal:
        """Return the use that counts against what is included."""
        limited = (rise.quantity for rise in self.rises if not rise.item.is_unlimited)
        return sum(limited, ZERO)


class Run(NamedTuple):
    """Segments in a row that are counted in one go, and the days at which to look."""

    start: date
    cuts: tuple[date, ...]
    item: Item
    needs: tuple[Need, ...]


def runs(agreement: Agreement, turn: Turn[Item], cuts: Iterable[date]) -> Iterator[Run]:
    """Yield what is to be counted of a cycle: the running use at the end of each segment, and on
    each of `cuts`, up to the last of these.
    """
    wanted = sorted(cuts)
    last = min(wanted[-1], turn.end)
    if len(turn.segments) == 1:
        yield _run(agreement, turn, turn.segments, (wanted, last))
        return
    together: list[Segment[Item]] = []
    for segment in turn.segments:
        if segment.start >= last:
            break
        if together and not _alike(together[-1], segment):
            yield _run(agreement, turn, together, (wanted, last))
            together = []
        together.append(segment)
    yield _run(agreement, turn, together, (wanted, last))


def included(turn: Turn[Item], carried: Carried) -> Decimal:
    """Return what is free, allotted and carried into a cycle; never less than 0."""
    with localcontext(EXACT):
        return max(ZERO, free(turn) + allotment(turn) + carried.total)


def work_out(turn: Turn[Item], counted: Sequence[Run], uses: Uses, carried: Carried) -> Worked:
    """Work out a cycle from its counts: where its running charge rose, and by how much."""
    allotted, given = allotment(turn), free(turn)
    with localcontext(EXACT):
        limit = max(ZERO, given + allotted + carried.total)
        rises = tuple(_rises(turn, counted, uses, limit))
        used = ZERO
        for rise in rises:
            used += rise.quantity
    return Worked(turn, used, allotted, given, limit, carried, rises)


def handed_on(done: Worked) -> Carried:
    """Return what a whole cycle hands on: the oldest grants are used first, and cut first."""
    item = done.turn.segments[-1].item
    rollover = item.allotment.rollover if item.allotment else None
    if not item.carries:
        return NOTHING_CARRIED
    with localcontext(EXACT):
        if rollover is None:  # it rolls forward
            available = done.allotment + done.carried.total
            return Carried((), max(ZERO, done.counted - available))
        grants = [*done.carried.grants, Grant(0, done.allotment)]
        used = _used_up(grants, max(ZERO, done.counted - done.free))
        left = [Grant(grant.age + 1, grant.left) for grant in used]
        if rollover.expires_after is None:  # none will ever be told from another
            left = [Grant(1, sum((grant.left for grant in left), ZERO))]
        else:
            left = [grant for grant in left if grant.age <= rollover.expires_after]
        if rollover.cap is not None:
            surplus = sum((grant.left for grant in left), ZERO) - rollover.cap
            left = _used_up(left, max(ZERO, surplus))
        return Carried(tuple(grant for grant in left if grant.left))


def flat_amount(
    turn: Turn[Item], segment: Segment[Item], start: date, end: date
) -> tuple[Decimal, int]:
    """Return what a flat charge comes to on the days of [start, end), unrounded, and the days."""
    item = segment.item
    days = (min(segment.end, end) - max(segment.start, start)).days
    price = price_in(turn, item)
    if price is None or days <= 0:
        return ZERO, 0
    allotted = (item.allotment.quantity or ZERO) if item.allotment else ZERO
    with localcontext(EXACT):
        quantity = max(ZERO, (item.quantity or ZERO) - item.free_quantity - allotted)
        whole = ZERO if item.is_unlimited else price.charge(Billable(quantity))
        if days == turn.span.cycle_days:
            return whole, days
        return whole * days / turn.span.cycle_days, days


def price_in(turn: Turn[Item], item: Item) -> Price | None:
    """Return the price of an item in a cycle, raised as its schedules say."""
    price = item.price
    if price is None or not item.increases:
        return price
    for planned in item.increases:
        times = turn.number // planned.every
        price = raised(price, planned.percent, times, planned.places)
    return price


def converted(found: Billable, conversion: Conversion | None) -> Billable:
    """Return use in another unit: divided, then rounded to a multiple of the step."""
    if conversion is None:
        return found
    with localcontext(EXACT):
        quantity = _divided(found.quantity, conversion.divide_by)
        if conversion.step is not None:
            steps = (quantity / conversion.step).to_integral_value(_MODES[conversion.mode])
            quantity = steps * conversion.step
        if found.pieces is None:
            return Billable(quantity)
        pieces = tuple(
            Piece(_divided(piece.quantity, conversion.divide_by), piece.values)
            for piece in found.pieces
        )
    return Billable(quantity, pieces)


def _divided(quantity: Decimal, by: Decimal) -> Decimal:
    return quantity if by == 1 else (quantity / by).quantize(_PLACES, ROUND_HALF_UP)


def _alike(one: Segment[Item], other: Segment[Item]) -> bool:
    same = one.end == other.start and one.item.counted_as == other.item.counted_as
    return same and _dimensions(one.item) == _dimensions(other.item)


def takes_events(item: Item) -> bool:
    """Tell whether its price looks at each event."""
    return _dimensions(item) is not None


def _dimensions(item: Item) -> tuple[str, ...] | None:
    """Return what is to be known of each event; None where quantities are enough."""
    return item.price.dimensions if item.price is not None and item.price.BY_EVENT else None


def _run(
    agreement: Agreement,
    turn: Turn[Item],
    together: Sequence[Segment[Item]],
    until: tuple[Iterable[date], date],
) -> Run:
    start, end, item = together[0].start, together[-1].end, together[0].item
    wanted, last = until
    days = {min(segment.end, last) for segment in together}
    cuts = tuple(sorted(days.union(day for day in wanted if start < day <= min(end, last))))
    ends = tuple(agreement.start_of(day) for day in cuts)
    from_reading, to_reading = _windows(agreement, turn, item, (start, cuts[-1]))
    needs = tuple(
        Need(
            meter,
            cuts[-1] - _DAY,
            item.account,
            item.pooling != "none",
            agreement.start_of(start),
            ends,
            _dimensions(item),
            from_reading=from_reading,
            to_reading=to_reading,
        )
        for meter in item.meters
    )
    return Run(start, cuts, item, needs)


def _windows(
    agreement: Agreement, turn: Turn[Item], item: Item, days: tuple[date, date]
) -> tuple[Window | None, Window | None]:
    """Return when readings may stand for the first and the last edge of a cycle, where they are
    those of `days`. A cycle begins with what ended the one before; only the first has a start of
    its own.
    """
    if item.tolerance is None:
        return None, None
    first = turn.start if turn.number == 0 else turn.start - _DAY
    start = window(agreement, first, item.tolerance) if days[0] == turn.start else None
    end = window(agreement, turn.end - _DAY, item.tolerance) if days[1] == turn.end else None
    return start, end


def _rises(turn: Turn[Item], counted: Sequence[Run], uses: Uses, limit: Decimal) -> Iterator[Rise]:
    """Walk the cuts of a cycle. Use on unlimited days is counted, and never billable.

    Use that was counted without its events is one event to a price that looks at each: it is in
    the charge before a rise and in the one after, and takes its part of what is included.
    """
    running, pieces = ZERO, list[Piece]()
    before: Billable | None = None
    for run in counted:
        earlier, since = _NOTHING, run.start
        for cut, found in zip(run.cuts, _sums(run, uses), strict=True):
            item = next(s.item for s in turn.segments if s.start <= since < s.end)
            quantity = found.quantity - earlier.quantity
            if item.is_unlimited:
                yield Rise(since, cut, item, None, quantity, before, before or _NOTHING, ZERO)
            else:
                by_event = found.pieces is not None
                if by_event and before is not None:
                    before = Billable(running, tuple(pieces)).beyond(limit)
                running += quantity
                if found.pieces is None:
                    pieces.append(Piece(quantity))
                else:
                    pieces += found.pieces[len(earlier.pieces or ()) :]
                after = Billable(running, tuple(pieces) if by_event else None).beyond(limit)
                price = price_in(turn, item)
                amount = _rise_of(price, before, after)
                yield Rise(since, cut, item, price, quantity, before, after, amount)
                before = after
            earlier, since = found, cut


def _rise_of(price: Price | None, before: Billable | None, after: Billable) -> Decimal:
    if price is None:
        return ZERO
    return price.charge(after) - (ZERO if before is None else price.charge(before))


def _sums(run: Run, uses: Uses) -> Iterator[Billable]:
    """Yield the running use of a run at each cut: the sum of its meters, in the item's unit."""
    answers = [uses[need] for need in run.needs]
    if len(answers) == 1 and run.item.conversion is None:
        yield from answers[0]
        return
    for index in range(len(run.cuts)):
        found = [answer[index] for answer in answers]
        quantity = sum((part.quantity for part in found), ZERO)
        if any(part.pieces is not None for part in found):
            pieces = tuple(piece for part in found for piece in part.pieces or ())
            yield converted(Billable(quantity, pieces), run.item.conversion)
        else:
            yield converted(Billable(quantity), run.item.conversion)


def _used_up(grants: Iterable[Grant], used: Decimal) -> list[Grant]:
    """Take use from grants, the oldest first."""
    left = []
    for grant in grants:
        taken = min(grant.left, used)
        used -= taken
        left.append(Grant(grant.age, grant.left - taken))
    return left
