"""What contracts come to (GET /statements/{contract}): a closed statement as it was closed, any
other worked out from the events. Writes nothing; many at once are asked for in few questions.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.limits import STATEMENT_AHEAD_DAYS_MAX
from tallybook.model.mark import Mark
from tallybook.model.nouns import Document
from tallybook.model.ports import Events, Statements
from tallybook.model.scope import Scope, operator
from tallybook.model.statement import ClosedStatement, StatementStatus
from tallybook.model.time import LAST_DAY, Calendar, clamp
from tallybook.operations._shown import sees_amounts_of
from tallybook.operations.definitions import not_found
from tallybook.operations.measure import measure
from tallybook.operations.position import spans_seen, whole
from tallybook.positions.agreement import Agreement, agreement
from tallybook.positions.document import document, seal, settled, without_amounts
from tallybook.positions.expiry import expired, expiry_needs
from tallybook.positions.periods import Span
from tallybook.positions.settlement import Open, Settlement, following, is_beyond

#: Contracts in one question: their uses and statements are in memory together.
CONTRACTS_A_QUESTION: Final = 3_000

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Basis:
    """What statements are worked out from: definitions of the mark's revision, events up to its
    entry, statements closed by then. Its instant is `now`.
    """

    directory: Directory
    events: Events
    statements: Statements
    mark: Mark


@dataclass(frozen=True, slots=True)
class Rated:
    """A statement as it is answered. Who may not see amounts gets a document without them, and no
    hash, which would tell of them. `held_above` is the total above which it is held.
    """

    contract: str
    start_date: date
    end_date: date
    document: Document
    sha256: str | None
    status: StatementStatus
    known_at: Mark
    held_above: Decimal | None = None
    closed: ClosedStatement | None = None


class Course:
    """The statements of one contract over time: closed ones, and the periods of others."""

    def __init__(self, basis: Basis, number: str, closed: Iterable[ClosedStatement]) -> None:
        """Take the contract's closed statements."""
        self.number = number
        self._mark = basis.mark
        #: As it was agreed; `agreement` is as far as its quantity goes.
        self.agreed = agreed = agreement(basis.directory, number)
        now = basis.mark.now
        #: The day it is for the contract.
        self.today = _day_of(agreed.calendar_on(clamp(now.astimezone(UTC).date())), now)
        self.agreement = _unexpired(basis, agreed, self.today)
        self.closed: Mapping[date, ClosedStatement] = {one.start_date: one for one in closed}

    @cached_property
    def beyond(self) -> Span | None:
        """Return the period after the contract's last in which a supplementary statement would lie;
        None while a period of its own is still to be closed.
        """
        ends = {start: one.end_date for start, one in self.closed.items()}
        found = following(self.agreement, ends)
        return found if found is not None and is_beyond(self.agreement, found) else None

    def place(self, day: date) -> ClosedStatement | Span | None:
        """Return the closed statement or the open period that a day names; None where the contract
        is not in force. The first day of a closed one always names it.
        """
        if day in self.closed:
            return self.closed[day]
        span = self.agreement.period_of(day)
        if span is not None:
            return self.closed.get(span.start, span)
        for one in self.closed.values():
            if one.holds(day):
                return one
        ends = self.agreement.stretches[-1].end if self.agreement.stretches else LAST_DAY
        return self.beyond if day >= ends else None

    def all(self) -> Iterator[ClosedStatement | Span]:
        """Yield every statement up to today's, the latest first; at last one beyond the end."""
        found: dict[date, ClosedStatement | Span] = {}
        if self.agreement.stretches:
            first = self.agreement.stretches[0].start
            spans = self.agreement.periods(first, self.today + _DAY)
            found = {span.start: span for span in spans}
        if self.beyond is not None:
            found[self.beyond.start] = self.beyond
        found |= self.closed
        yield from (found[start] for start in sorted(found, reverse=True))

    def is_seen(self, scope: Scope, place: ClosedStatement | Span) -> bool:
        """Tell whether a statement may be seen: whoever sees its account as the period ends, or
        now.
        """
        if scope.accounts is None:
            return True
        end = place.end_date if isinstance(place, ClosedStatement) else place.end
        ends_at = self.agreement.start_of(end) - _MOMENT
        return scope.sees(self.account_of(place), min(ends_at, self._mark.now))

    def account_of(self, place: ClosedStatement | Span) -> str:
        """Return whose a statement is: by the last day of its period."""
        if isinstance(place, ClosedStatement):
            return place.account
        terms = self.agreement.on(place.end - _DAY)
        return terms.account if terms else self.agreement.account


@lru_cache(maxsize=1_024)  # thousands of contracts ask what day it is in the same few zones
def _day_of(calendar: Calendar, now: datetime) -> date:
    return calendar.day_of(now)


def _unexpired(basis: Basis, agreed: Agreement, today: date) -> Agreement:
    """Return a contract as far as its quantity goes, if it ends by one."""
    needs = expiry_needs(agreed, today + _DAY)
    if not needs:
        return agreed
    uses = measure(operator(), basis.directory, basis.events, needs, basis.mark.seq)
    return expired(agreed, today + _DAY, uses)


def course_of(scope: Scope, basis: Basis, number: str) -> Course:
    """Return the statements of a contract over time."""
    closed = basis.statements.closed(whole(scope), [number], basis.mark.revision)
    return Course(basis, number, closed)


def statement(scope: Scope, basis: Basis, number: str, day: date | None = None) -> Rated:
    """Return the statement of the period that holds a day, today by default.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `contract_not_found`, also where it is not the caller's; `not_in_force`.
        Invalid: `period_too_far`.
    """
    scope.require("read")
    course = course_of(scope, basis, number)
    found = find(scope, basis, course, day or course.today)
    return shown(found, amounts=sees_amounts_of(scope, basis.directory, number))


def find(scope: Scope, basis: Basis, course: Course, day: date) -> Rated:
    """Return a statement with all its amounts, for operations; see `statement`."""
    check_ahead(course, day)
    place = course.place(clamp(day))
    if place is not None and not course.is_seen(scope, place):
        raise not_found("contract", course.number)
    found = None if place is None else next(rate(scope, basis, [(course, [place])]), None)
    if found is None:
        spans_seen(scope, basis.directory, course.number, basis.mark.now)
        raise NotFound(
            "not_in_force",
            f"The contract {course.number} is not in force then; ask for another `period`.",
        )
    return rated(found, basis.mark)


def check_ahead(course: Course, day: date) -> None:
    """Refuse a day that lies too far ahead.

    Raises:
        Invalid: `period_too_far`.
    """
    ahead = (day - course.today).days
    if ahead > STATEMENT_AHEAD_DAYS_MAX:
        raise Invalid(
            "period_too_far",
            f"period lies more than {STATEMENT_AHEAD_DAYS_MAX} days ahead; ask for an earlier day.",
            field="period",
            limit=STATEMENT_AHEAD_DAYS_MAX,
            asked=ahead,
        )


def rate(
    scope: Scope,
    basis: Basis,
    asked: Iterable[tuple[Course, Collection[ClosedStatement | Span]]],
    *,
    compared: bool = True,
    explained: bool = True,
) -> Iterator[ClosedStatement | Open]:
    """Yield the statements of many contracts, each contract's in the order of its places.

    A supplementary one without an adjustment is none, and left out. They are `compared` with the
    periods before to tell which is held, else none is; not `explained` they have amounts only.
    """
    rest = iter(asked)
    while some := list(islice(rest, CONTRACTS_A_QUESTION)):
        settlements = [
            Settlement(
                basis.directory,
                course.agreement,
                map(settled, course.closed.values()),
                [place for place in places if isinstance(place, Span)],
                compared=compared,
                explained=explained,
            )
            for course, places in some
        ]
        needs = (need for one in settlements for need in one.needs)
        uses = measure(whole(scope), basis.directory, basis.events, needs, basis.mark.seq)
        for (_, places), settlement in zip(some, settlements, strict=True):
            opened = settlement.statements(uses)
            for place in places:
                if isinstance(place, ClosedStatement):
                    yield place
                elif opened[place].says_something:
                    yield opened[place]


def shown(found: Rated, *, amounts: bool) -> Rated:
    """Hide amounts from whom they are not."""
    if amounts:
        return found
    hidden = without_amounts(found.document)
    return replace(found, document=hidden, sha256=None, held_above=None)


def rated(found: ClosedStatement | Open, mark: Mark) -> Rated:
    """Return a statement as it is answered; an open one is of the mark."""
    if isinstance(found, ClosedStatement):
        return Rated(
            found.contract,
            found.start_date,
            found.end_date,
            found.document,
            found.sha256,
            "closed",
            found.known_at,
            closed=found,
        )
    period, written = found.statement.period, document(found.statement)
    return Rated(
        found.statement.contract,
        period.start_date,
        period.end_date,
        written,
        seal(written),
        "held" if found.is_held else "open",
        mark,
        found.held_above,
    )
