"""A contract's statements one after another: some are closed, the others are worked out with the
adjustments that stand on them, the credits that earlier ones left, and what holds one back.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import islice
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.quantity import EXACT
from tallybook.model.statement import Adjustment, Statement
from tallybook.positions.adjustments import Settled, adjustments, by_charge
from tallybook.positions.agreement import NEVER, Agreement
from tallybook.positions.needs import Need, Uses
from tallybook.positions.periods import Span
from tallybook.positions.statement import Charges, Plan, has_credits, statement

#: How many statements before it one is compared with, and how far it may lie above them.
PERIODS_COMPARED: Final = 12
TIMES_THE_MEDIAN: Final = 10

_DAY: Final = timedelta(days=1)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Open:
    """A statement that is not closed; it is held where its total lies above `held_above`."""

    statement: Statement
    held_above: Decimal | None

    @property
    def is_held(self) -> bool:
        """Tell whether a person has to look at it before it is closed."""
        return self.held_above is not None and self.statement.total > self.held_above

    @property
    def says_something(self) -> bool:
        """Tell whether there is such a statement: one beyond the end needs something to adjust."""
        return bool(self.statement.adjustments) or not self.statement.supplementary


class Settlement:
    """Some open statements of a contract: what has to be counted for them, then what they say.

    `compared` looks at the statements before to tell which one is held; what is not `explained`
    has amounts only.
    """

    def __init__(
        self,
        directory: Directory,
        agreement: Agreement,
        closed: Iterable[Settled],
        wanted: Collection[Span],
        *,
        compared: bool = True,
        explained: bool = True,
    ) -> None:
        """Find the periods that have to be worked out."""
        self._agreement = agreement
        self._closed = {one.start: one for one in closed}
        self._wanted = frozenset(wanted)
        self._compared = compared
        self._next = following(agreement, {one.start: one.end for one in self._closed.values()})
        self._open = sorted(
            {*self._wanted, *self._before()}, key=lambda span: (span.start, span.end)
        )
        self._again = list(self._still_there()) if self._next in self._open else []
        billed = [span for span in self._open if not is_beyond(agreement, span)]
        self._plan = Plan(directory, agreement, [*billed, *self._again], explained=explained)

    @property
    def needs(self) -> tuple[Need, ...]:
        """Return what has to be counted."""
        return self._plan.needs

    def statements(self, uses: Uses) -> dict[Span, Open]:
        """Return the statements that were wanted, by their periods, ascending."""
        charges = self._plan.charges(uses)
        late = self._late(charges)
        subtotals = {one.start: one.subtotal for one in self._closed.values()}
        credits_ = {one.start: one.credits for one in self._closed.values()}
        found: dict[Span, Open] = {}
        for span in self._open:
            made = statement(
                self._agreement,
                charges.get(span) or Charges(span),
                late if span == self._next else (),
                _sums(
                    taken
                    for start, taken in credits_.items()
                    if start < span.start or start in self._closed
                ),
            )
            if span in self._wanted:
                found[span] = Open(made, self._held_above(span, subtotals))
            subtotals[span.start] = made.subtotal
            credits_[span.start] = {use.name: use.amount for use in made.credits}
        return found

    def _late(self, charges: Mapping[Span, Charges]) -> tuple[Adjustment, ...]:
        """Return the adjustments of all that is closed; they stand on one statement only."""
        if self._next not in self._open:
            return ()
        again = {span.start: by_charge(charges[span].all) for span in self._again}
        return adjustments(self._closed.values(), again)

    def _before(self) -> Iterator[Span]:
        """Yield the open periods whose statements are worked out for the sake of later ones."""
        if not self._wanted:
            return
        if has_credits(self._agreement):
            last = max(span.start for span in self._wanted)
            yield from (s for s in earlier(self._agreement, last) if s.start not in self._closed)
        elif self._compared:
            for wanted in self._wanted:
                some = islice(earlier(self._agreement, wanted.start), PERIODS_COMPARED)
                yield from (span for span in some if span.start not in self._closed)

    def _still_there(self) -> Iterator[Span]:
        for start in self._closed:
            span = self._agreement.period_of(start)
            if span is not None and span.start == start:
                yield span

    def _held_above(self, span: Span, subtotals: Mapping[date, Decimal]) -> Decimal | None:
        if not self._compared:
            return None
        before = sorted(start for start in subtotals if start < span.start)[-PERIODS_COMPARED:]
        last = span.end - _DAY
        terms = self._agreement.on(last) or self._agreement.stretches[-1].terms
        return held_above([subtotals[start] for start in before], terms.billing.hold_above)


def held_above(subtotals: Sequence[Decimal], cap: Decimal | None) -> Decimal | None:
    """Return the total above which a statement is held: ten times the median of the subtotals
    before it, or the contract's cap if that is more. A median of 0 or less says nothing of what is
    usual; with neither None.
    """
    limits = [] if cap is None else [cap]
    if subtotals:
        ordered, middle = sorted(subtotals), len(subtotals) // 2
        with localcontext(EXACT):
            median = (ordered[middle] + ordered[~middle]) / 2
            if median > 0:
                limits.append(median * TIMES_THE_MEDIAN)
    return max(limits, default=None)


def following(agreement: Agreement, closed: Mapping[date, date]) -> Span | None:
    """Return the period on which adjustments stand, by the first days of what is closed and where
    it ends: the first that is open and has days after all of it, also where it began before. After
    the contract's end it is the next cycle; None where nothing is closed.
    """
    if not closed or not agreement.stretches:
        return None
    end = max(closed.values())
    for span in agreement.periods(end, NEVER):
        if span.start not in closed:
            return span
    beyond = agreement.after(max(end, agreement.stretches[-1].end))
    while beyond is not None and beyond.start in closed:
        beyond = agreement.after(beyond.end)
    return beyond


def is_beyond(agreement: Agreement, span: Span) -> bool:
    """Tell whether a period lies after the contract's last, where nothing is charged."""
    return span.start >= agreement.stretches[-1].end


def earlier(agreement: Agreement, day: date) -> Iterator[Span]:
    """Yield the periods that end before a day or with it, the latest first."""
    for stretch in reversed(agreement.stretches):
        while stretch.start < day and (span := agreement.period_of(min(stretch.end, day) - _DAY)):
            if span.end <= day:
                yield span
            day = span.start


def _sums(parts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for part in parts:
        for name, amount in part.items():
            sums[name] = sums.get(name, _ZERO) + amount
    return sums
