"""What a line or meter group comes to in one billing period, from its cycles worked out: the rises
that lie in the period, then discount, maximum, minimum, and rounding once; and how that came about.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Final

from tallybook.model.money import round_money
from tallybook.model.price import Billable, Part, Price, risen
from tallybook.model.quantity import EXACT
from tallybook.model.statement import Charge, ChargeStep, CycleStep, Explanation, UseStep
from tallybook.positions.charge import bounded
from tallybook.positions.items import ZERO, Item, Segment, Turn, cut
from tallybook.positions.periods import Span
from tallybook.positions.rating import Rise, Worked, flat_amount, price_in

_DAY: Final = timedelta(days=1)
_HUNDRED: Final = Decimal(100)
_NOTHING: Final = Billable(ZERO)
_UNEXPLAINED: Final = Explanation()


def line_charge(
    cycles: Iterable[Worked], span: Span, currency: str, *, explained: bool = True
) -> Charge | None:
    """Return the charge of a line in a billing period, None where it is not in force in it; one
    that is not `explained` only has its amounts.
    """
    due = [done for done in cycles if done.turn.start < span.end and span.start < done.turn.end]
    days = [part for done in due for part in cut(done.turn.segments, span.start, span.end)]
    if not days:
        return None
    with localcontext(EXACT):
        return _charge(due, days, span, currency, explained=explained)


def _charge(
    due: Sequence[Worked],
    days: Sequence[Segment[Item]],
    span: Span,
    currency: str,
    *,
    explained: bool,
) -> Charge:
    item = days[-1].item
    counted = [rise for done in due for rise in _within(done, span)]
    steps = [step for done in due for step in _steps(done, span, explained=explained)]
    amount = ZERO
    for step in steps:
        amount += _less_discount(step)
    most = _by_days(days, lambda item: item.maximum_amount)
    least = _by_days(days, lambda item: item.minimum_amount or ZERO) or None
    amount = bounded(amount, least, most)
    if item.quantity is not None:
        flat = [step.after for step in steps if step.days]
        quantity, billable = item.quantity, flat[-1] if flat else ZERO
    else:
        quantity = sum((rise.quantity for rise in counted), ZERO)
        billable = sum((step.after - step.before for step in steps), ZERO)
    return Charge(
        kind="meter_group" if item.settles else "line",
        code=item.code,
        name=item.name,
        product=item.product,
        unit=item.conversion.unit if item.conversion else item.unit,
        quantity=quantity,
        billable_quantity=billable,
        amount=round_money(amount, currency),
        explanation=Explanation(
            cycles=tuple(_cycle_step(done, span) for done in due),
            use=tuple(_use(counted)),
            charges=tuple(steps),
            minimum_amount=least,
            maximum_amount=most,
            unrounded=amount,
            note=_note(due[-1], span),
        )
        if explained
        else _UNEXPLAINED,
    )


def _less_discount(step: ChargeStep) -> Decimal:
    if not step.discount_percent:
        return step.amount
    return step.amount * (_HUNDRED - step.discount_percent) / _HUNDRED


def _within(done: Worked, span: Span) -> list[Rise]:
    return [r for r in done.rises if span.start <= r.start and r.end <= span.end]


def _steps(done: Worked, span: Span, *, explained: bool) -> Iterator[ChargeStep]:
    """Yield what a cycle adds to a period: its flat charges, its rises, or, on the last day of a
    group's cycle, all of them and what is credited.
    """
    turn = done.turn
    if turn.segments[-1].item.settles:
        if span.start <= turn.end - _DAY < span.end:
            yield from _settled(done, explained=explained)
        return
    for segment in turn.segments:
        if segment.item.is_flat:
            amount, days = flat_amount(turn, segment, span.start, span.end)
            if days:
                yield _flat_step(turn, segment, span, amount, days)
    for rise in _within(done, span):
        if not rise.item.is_flat:
            yield _step(rise, explained=explained)


def _settled(done: Worked, *, explained: bool) -> Iterator[ChargeStep]:
    item = done.turn.segments[-1].item
    if item.method != "roll_forward":
        yield from (_step(rise, explained=explained) for rise in done.rises)
    if item.method == "allow_with_credit":
        unused = max(ZERO, done.included - done.counted)
        credit = Part(0, -unused, item.credit_rate, None, -unused * item.credit_rate)
        yield ChargeStep(
            done.turn.start, done.turn.end, "credit", ZERO, ZERO, (credit,), credit.amount
        )


def _step(rise: Rise, *, explained: bool) -> ChargeStep:
    before = rise.before or _NOTHING
    return ChargeStep(
        start=rise.start,
        end=rise.end,
        model=rise.item.model,
        before=before.quantity,
        after=rise.after.quantity,
        parts=_parts(rise.price, rise.before, rise.after) if explained else (),
        amount=rise.amount,
        discount_percent=rise.item.discount_percent,
    )


def _flat_step(
    turn: Turn[Item], segment: Segment[Item], span: Span, amount: Decimal, days: int
) -> ChargeStep:
    item = segment.item
    allotted = (item.allotment.quantity or ZERO) if item.allotment else ZERO
    quantity = max(ZERO, (item.quantity or ZERO) - item.free_quantity - allotted)
    return ChargeStep(
        start=max(segment.start, span.start),
        end=min(segment.end, span.end),
        model=item.model,
        before=ZERO,
        after=quantity,
        parts=_parts(price_in(turn, item), None, Billable(quantity)),
        amount=amount,
        discount_percent=item.discount_percent,
        days=days,
        cycle_days=turn.span.cycle_days,
    )


def _parts(price: Price | None, before: Billable | None, after: Billable) -> tuple[Part, ...]:
    """Return the rise of each tier: the parts after, less the parts before."""
    if price is None:
        return ()
    parts = price.parts(after)
    return parts if before is None else risen(parts, price.parts(before))


def _by_days(
    days: Sequence[Segment[Item]], limit: Callable[[Item], Decimal | None]
) -> Decimal | None:
    """Return a limit by the days on which it holds; None where it does not hold on all."""
    if len(days) == 1:
        return limit(days[0].item)
    found = [(segment.days, limit(segment.item)) for segment in days]
    if any(amount is None for _, amount in found):
        return None
    amounts = {amount for _, amount in found}
    if len(amounts) == 1:
        return amounts.pop()
    whole = sum(count for count, _ in found)
    return sum(((amount or ZERO) * count for count, amount in found), ZERO) / whole


def _cycle_step(done: Worked, span: Span) -> CycleStep:
    # Periods that are worked out in one go with this one may have had it counted further.
    used = sum((rise.quantity for rise in done.rises if rise.end <= span.end), ZERO)
    return CycleStep(
        start=done.turn.start,
        end=done.turn.end,
        cycle_days=done.turn.span.cycle_days,
        used=used,
        allotment=done.allotment,
        rolled=done.carried.total,
        free=done.free,
        is_unlimited=done.turn.segments[-1].item.is_unlimited,
    )


def _use(counted: Iterable[Rise]) -> Iterator[UseStep]:
    """Yield what meters counted; of a fixed quantity they count nothing."""
    for rise in counted:
        item = rise.item
        if not item.meters:
            continue
        pooled = item.pooling != "none"
        yield UseStep(item.meters, item.account, pooled, rise.start, rise.end, rise.quantity)


def _note(done: Worked, span: Span) -> str | None:
    """Say when a group is charged that is not charged yet."""
    item, last = done.turn.segments[-1].item, done.turn.end - _DAY
    if not item.settles or span.start <= last < span.end:
        return None
    return f"Charged on the statement that holds {last.isoformat()}."
