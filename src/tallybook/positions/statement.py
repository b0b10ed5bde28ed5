"""What a contract comes to in its billing periods: all charges, discounts and commitments of each,
put together with adjustments and credits. What is to be counted is said first, the counts come as
an argument; nothing is read here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import chain
from typing import Final

from tallybook.model.contract import BaseCharge, Commitment, Contract, Credit, Discount
from tallybook.model.directory import Directory
from tallybook.model.money import cut_money, round_money, split
from tallybook.model.price import Part
from tallybook.model.quantity import EXACT, exact_sum
from tallybook.model.statement import (
    Adjustment,
    Charge,
    ChargeKind,
    ChargeStep,
    CreditUse,
    Explanation,
    Statement,
)
from tallybook.positions.agreement import NEVER, Agreement
from tallybook.positions.items import ZERO, Item, Segment, Turn, items, segments, turns
from tallybook.positions.line_charge import line_charge
from tallybook.positions.needs import Need, Uses
from tallybook.positions.periods import Span
from tallybook.positions.pools import with_pool
from tallybook.positions.rating import NOTHING_CARRIED, Run, Worked, handed_on, runs, work_out
from tallybook.pricing._raise import raised_amount

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Charges:
    """A billing period's own: what its statement says before adjustments and credits."""

    span: Span
    lines: tuple[Charge, ...] = ()
    base_charges: tuple[Charge, ...] = ()
    discounts: tuple[Charge, ...] = ()
    commitments: tuple[Charge, ...] = ()

    @property
    def all(self) -> Iterator[Charge]:
        """Yield every charge."""
        return chain(self.lines, self.base_charges, self.discounts, self.commitments)

    @property
    def spend(self) -> Decimal:
        """Return what counts towards a commitment: all but the commitments."""
        parts = chain(self.lines, self.base_charges, self.discounts)
        return exact_sum(charge.amount for charge in parts)


class Plan:
    """Some billing periods of one contract: what has to be counted for them, and then what they
    come to. Periods that a commitment looks back to come with them.
    """

    def __init__(
        self,
        directory: Directory,
        agreement: Agreement,
        wanted: Collection[Span],
        *,
        by_line: bool = False,
        explained: bool = True,
    ) -> None:
        """Find the cycles that the wanted periods touch; needs name their line with `by_line`.

        What is not `explained` has amounts only: for totals of many.
        """
        self.agreement = agreement
        self._explained = explained
        self._by_line = by_line
        self.wanted = sorted(wanted, key=lambda span: span.start)
        self._directory = directory
        self._commitments = segments(agreement, _commitments)
        self._base = segments(agreement, _base_charges)
        self.spans = sorted({*self.wanted, *self._looked_back()}, key=lambda span: span.start)
        self._lines = {
            code: list(self._turns(known)) for code, known in segments(agreement, items).items()
        }

    @property
    def needs(self) -> tuple[Need, ...]:
        """Return what has to be counted."""
        found = (
            need
            for line in self._lines.values()
            for _, counted in line
            for run in counted
            for need in run.needs
        )
        return tuple(dict.fromkeys(found))

    def charges(self, uses: Uses) -> dict[Span, Charges]:
        """Return what each period comes to."""
        worked = {code: list(_worked(line, uses)) for code, line in self._lines.items()}
        found: dict[Span, Charges] = {}
        for span in self.spans:
            terms = self.agreement.on(span.end - _DAY) or self.agreement.stretches[-1].terms
            lines = [
                charge
                for line in worked.values()
                if (charge := self._line_charge(line, span)) is not None
            ]
            made = Charges(span, tuple(lines), tuple(self._base_charges(span)))
            found[span] = self._discounted(made, terms.discounts) if terms.discounts else made
        for span in self.wanted if self._commitments else ():
            found[span] = replace(found[span], commitments=tuple(self._true_ups(span, found)))
        return {span: found[span] for span in self.wanted}

    def _turns(self, known: Sequence[Segment[Item]]) -> Iterator[tuple[Turn[Item], list[Run]]]:
        """Yield the cycles of a line that matter, and what is to be counted of each."""
        if not self.spans:
            return
        first, last = self.spans[0].start, self.spans[-1].end
        carries = any(segment.item.carries for segment in known)
        edges = {day for span in self.spans for day in (span.start, span.end)}
        for turn in turns(self.agreement, known, known[0].start if carries else first, last):
            if turn.start >= last:  # it is agreed for later days of its cycle only
                continue
            cuts = {day for day in edges if turn.start < day <= turn.end}
            if turn.end <= last:
                cuts.add(turn.end)
            pooled = with_pool(self._directory, self.agreement, turn)
            counted = runs(self.agreement, pooled, cuts)
            yield pooled, [_by_line(run) for run in counted] if self._by_line else list(counted)

    def _line_charge(self, line: Sequence[Worked], span: Span) -> Charge | None:
        return line_charge(line, span, self.agreement.currency, explained=self._explained)

    def _base_charges(self, span: Span) -> Iterator[Charge]:
        for known in self._base.values():
            due = [
                turn
                for turn in turns(self.agreement, known, span.start, span.end)
                if span.start <= self._charge_date(turn) < span.end
            ]
            if due:
                steps = [self._base_step(turn, part) for turn in due for part in turn.segments]
                yield _base_charge(due[-1].segments[-1].item, steps, self.agreement.currency)

    def _base_step(self, turn: Turn[BaseCharge], segment: Segment[BaseCharge]) -> ChargeStep:
        """Work out what some days of a cycle cost, planned increases included."""
        charge, days, cycle_days = segment.item, segment.days, turn.span.cycle_days
        terms = self.agreement.on(segment.start)
        amount = charge.amount
        for planned in terms.rate_schedules if terms else ():
            if planned.applies_to == "base" and planned.ref in {None, charge.name}:
                times = turn.number // planned.every
                amount = raised_amount(amount, planned.percent, times, planned.places)
        with localcontext(EXACT):
            whole = amount * charge.quantity
            part = whole if days == cycle_days else whole * days / cycle_days
        return ChargeStep(
            start=segment.start,
            end=segment.end,
            model=None,
            before=ZERO,
            after=charge.quantity,
            parts=(Part(0, charge.quantity, amount, None, whole),),
            amount=part,
            days=days,
            cycle_days=cycle_days,
        )

    def _charge_date(self, turn: Turn[BaseCharge]) -> date:
        charge = turn.segments[0].item
        terms = self.agreement.on(turn.start)
        timing = charge.timing or (terms.billing.timing if terms else "arrears")
        return turn.start if timing == "advance" else turn.end - _DAY

    def _discounted(self, made: Charges, discounts: Iterable[Discount]) -> Charges:
        """Take the contract's discounts from the charges they name, in order."""
        charges = [*made.lines, *made.base_charges]
        found = []
        for discount in discounts:
            named = _named(discount, charges)
            left = [charges[i].amount - charges[i].discount for i in named]
            whole = exact_sum(left)
            amount = _less(discount, whole, self.agreement.currency)
            parts = split(amount, [max(ZERO, part) for part in left], self.agreement.currency)
            for i, part in zip(named, parts, strict=True):
                charges[i] = replace(charges[i], discount=charges[i].discount + part)
            found.append(_plain("discount", discount.name, -amount))
        lines = len(made.lines)
        return replace(
            made,
            lines=tuple(charges[:lines]),
            base_charges=tuple(charges[lines:]),
            discounts=tuple(found),
        )

    def _true_ups(self, span: Span, found: Mapping[Span, Charges]) -> Iterator[Charge]:
        """Yield what is missing of each commitment whose cycle ends in a period."""
        for turn in self._commitments_ending(span):
            commitment = turn.segments[-1].item
            with localcontext(EXACT):
                promised = commitment.amount
                if commitment.prorate:
                    promised = promised * turn.days / turn.span.cycle_days
            spend = exact_sum(
                c.spend for s, c in found.items() if turn.start <= s.end - _DAY < turn.end
            )
            missing = max(ZERO, EXACT.subtract(promised, spend))
            amount = round_money(missing, self.agreement.currency)
            yield _plain("commitment", commitment.name, amount, unrounded=missing)

    def _looked_back(self) -> Iterator[Span]:
        for span in self.wanted:
            for turn in self._commitments_ending(span):
                yield from (
                    other
                    for other in self.agreement.periods(turn.start, turn.end)
                    if turn.start <= other.end - _DAY < turn.end
                )

    def _commitments_ending(self, span: Span) -> Iterator[Turn[Commitment]]:
        for known in self._commitments.values():
            for turn in turns(self.agreement, known, span.start, span.end):
                if span.start <= turn.end - _DAY < span.end:
                    yield turn


def statement(
    agreement: Agreement,
    charges: Charges,
    adjustments: Sequence[Adjustment] = (),
    taken: Mapping[str, Decimal] | None = None,
) -> Statement:
    """Put a statement together; `taken` is what earlier ones took of each credit."""
    span = charges.span
    terms = agreement.on(span.end - _DAY) or agreement.stretches[-1].terms
    drawn: tuple[CreditUse, ...] = ()
    with localcontext(EXACT):
        subtotal = sum((charge.amount for charge in charges.all), ZERO)
        subtotal = sum((late.amount for late in adjustments), subtotal)
        if terms.credits:
            drawn = tuple(_drawn(terms, span, subtotal, taken or {}, agreement.currency))
        total = subtotal - sum((credit.amount for credit in drawn), ZERO)
    period = agreement.period(span)
    return Statement(
        contract=agreement.number,
        account=terms.account,
        bill_to=terms.bill_to or terms.account,
        currency=agreement.currency,
        timezone=agreement.calendar_on(span.start).timezone,
        period=period,
        lines=charges.lines,
        base_charges=charges.base_charges,
        discounts=charges.discounts,
        commitments=charges.commitments,
        adjustments=tuple(adjustments),
        credits=drawn,
        subtotal=subtotal,
        total=total,
        supplementary=span.start >= agreement.stretches[-1].end,
    )


def has_credits(agreement: Agreement) -> bool:
    """Tell whether earlier statements matter to a later one's credits."""
    return any(stretch.terms.credits for stretch in agreement.stretches)


def _drawn(
    terms: Contract, span: Span, subtotal: Decimal, taken: Mapping[str, Decimal], currency: str
) -> Iterator[CreditUse]:
    """Draw down credits that are valid on a day of the period: those that end first, first. What
    is less than the currency's minor unit stays in the balance.
    """
    valid = [credit for credit in terms.credits if _is_valid(credit, span)]
    left = max(ZERO, subtotal)
    for credit in sorted(valid, key=lambda credit: credit.valid_to or NEVER):
        balance = credit.amount - taken.get(credit.name, ZERO)
        amount = min(left, cut_money(max(ZERO, balance), currency))
        left -= amount
        yield CreditUse(credit.name, amount, balance - amount)


def _base_charges(terms: Contract) -> Iterable[BaseCharge]:
    return terms.base_charges


def _commitments(terms: Contract) -> Iterable[Commitment]:
    return terms.commitments


def _is_valid(credit: Credit, span: Span) -> bool:
    begins = credit.valid_from is None or credit.valid_from < span.end
    return begins and (credit.valid_to is None or span.start <= credit.valid_to)


def _worked(line: Iterable[tuple[Turn[Item], list[Run]]], uses: Uses) -> Iterator[Worked]:
    """Work out the cycles of a line in order: each hands on to the next."""
    carried = NOTHING_CARRIED
    for turn, counted in line:
        done = work_out(turn, counted, uses, carried)
        carried = handed_on(done)
        yield done


def _by_line(run: Run) -> Run:
    """Let the needs of a run name its line."""
    return run._replace(needs=tuple(need._replace(line=run.item.code) for need in run.needs))


def _named(discount: Discount, charges: Sequence[Charge]) -> list[int]:
    """Return which charges a discount is taken from, in the order in which it names them."""
    if discount.lines is None:
        return [*range(len(charges))]
    order = {code: place for place, code in reversed([*enumerate(discount.lines)])}
    found = [i for i, charge in enumerate(charges) if charge.code in order]
    return sorted(found, key=lambda i: order[charges[i].code])


def _less(discount: Discount, whole: Decimal, currency: str) -> Decimal:
    """Return what a discount takes from a sum; nothing from less than nothing."""
    whole = max(ZERO, whole)
    with localcontext(EXACT):
        less = discount.amount if discount.percent is None else whole * discount.percent / 100
    return min(whole, round_money(less or ZERO, currency))


def _base_charge(last: BaseCharge, steps: Sequence[ChargeStep], currency: str) -> Charge:
    """Make one charge of all that falls due of a base charge in a period."""
    with localcontext(EXACT):
        unrounded = sum((step.amount for step in steps), ZERO)
    return Charge(
        kind="base",
        code=last.name,
        name=last.name,
        product=last.ref if last.level == "product" else None,
        unit=None,
        quantity=last.quantity,
        billable_quantity=last.quantity,
        amount=round_money(unrounded, currency),
        explanation=Explanation(charges=tuple(steps), unrounded=unrounded),
    )


def _plain(
    kind: ChargeKind, name: str, amount: Decimal, *, unrounded: Decimal | None = None
) -> Charge:
    """Make a charge that has no quantity."""
    how = Explanation(unrounded=amount if unrounded is None else unrounded)
    return Charge(kind, name, name, None, None, None, None, amount, how)
