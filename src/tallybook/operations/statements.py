"""Lists of statements (GET /statements): of a day for a fleet of contracts, or all of one contract,
with their totals by currency. Writes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice

from tallybook.model.limits import PAGE_ROWS_DEFAULT
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.model.statement import ClosedStatement
from tallybook.model.time import clamp
from tallybook.operations._page import check_limit, cursor_invalid, read_cursor, write_cursor
from tallybook.operations._shown import sees_amounts_of
from tallybook.operations.position import spans_seen, whole
from tallybook.operations.rate import (
    CONTRACTS_A_QUESTION,
    Basis,
    Course,
    Rated,
    check_ahead,
    rate,
    rated,
    shown,
)
from tallybook.positions.periods import Span
from tallybook.positions.settlement import Open

#: Which one of a list: its contract and first day.
_Key = tuple[str, date]
_Found = ClosedStatement | Open


@dataclass(frozen=True, slots=True)
class StatementQuery:
    """Which statements to list; None does not narrow. `accounts` are whose contracts.

    Without a `day` it is today's of each contract, or all there are of the one named.
    """

    accounts: frozenset[str] | None = None
    contract: str | None = None
    day: date | None = None
    cursor: str | None = None
    limit: int = PAGE_ROWS_DEFAULT


@dataclass(frozen=True, slots=True)
class StatementTotal:
    """The sums of the statements in one currency."""

    currency: str
    statements: int
    subtotal: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Some statements by contract, the latest first; `totals` and `count` are of all that match.

    `totals` are empty for whom amounts are not.
    """

    items: tuple[Rated, ...]
    next_cursor: str | None
    totals: tuple[StatementTotal, ...]
    count: int


def statements(scope: Scope, basis: Basis, query: StatementQuery) -> StatementPage:
    """List statements. All that match are worked out for their totals, the page's in full: with
    explanations and a look at the periods before, which tell whether one is held.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `contract_not_found`, for the one that is named.
        Invalid: `limit_invalid`, `cursor_invalid`, `period_too_far`.
    """
    scope.require("read")
    check_limit(query.limit)
    if query.contract is not None:
        spans_seen(scope, basis.directory, query.contract, basis.mark.now)
    after = read_cursor(query.cursor) if query.cursor else None
    keys: list[_Key] = []
    sums: dict[str, StatementTotal] = {}
    known: dict[_Key, _Found] = {}
    is_one = query.contract is not None  # then all its periods are worked out in any case
    for number, found in _found(scope, basis, query, _numbers(basis, query), in_full=is_one):
        said = _amounts(found)
        sums[said.currency] = _added(sums.get(said.currency), said)
        keys.append((number, _start(found)))
        if is_one:
            known[keys[-1]] = found
    texts = [_text(key) for key in keys]
    if after is not None and after not in texts:
        raise cursor_invalid()
    first = 0 if after is None else texts.index(after) + 1
    wanted = dict.fromkeys(keys[first : first + query.limit])
    if not is_one:
        numbers = dict.fromkeys(number for number, _ in wanted)
        again = _found(scope, basis, query, numbers)
        known = {(number, _start(found)): found for number, found in again}
    items = tuple(
        shown(
            rated(known[key], basis.mark), amounts=sees_amounts_of(scope, basis.directory, key[0])
        )
        for key in wanted
        if key in known
    )
    more = first + query.limit < len(keys)
    return StatementPage(
        items,
        write_cursor(_text([*wanted][-1])) if more else None,
        tuple(sums[currency] for currency in sorted(sums)) if scope.sees_prices else (),
        len(keys),
    )


def _found(
    scope: Scope,
    basis: Basis,
    query: StatementQuery,
    numbers: Iterable[str],
    *,
    in_full: bool = True,
) -> Iterator[tuple[str, _Found]]:
    """Yield the statements of contracts that match, with their numbers."""
    rest = iter(numbers)
    while some := list(islice(rest, CONTRACTS_A_QUESTION)):
        closed: dict[str, list[ClosedStatement]] = {number: [] for number in some}
        for one in basis.statements.closed(whole(scope), some, basis.mark.revision):
            closed[one.contract].append(one)
        courses = (Course(basis, number, closed[number]) for number in some)
        asked = [(course, list(_places(scope, course, query))) for course in courses]
        places = [pair for pair in asked if pair[1]]
        for found in rate(scope, basis, places, compared=in_full, explained=in_full):
            yield _number(found), found


def _places(
    scope: Scope, course: Course, query: StatementQuery
) -> Iterator[ClosedStatement | Span]:
    day = query.day or course.today
    if query.contract is not None and query.day is None:
        places: Iterable[ClosedStatement | Span | None] = course.all()
    else:
        check_ahead(course, day)
        places = [course.place(clamp(day))]
    for place in places:
        if place is None or not course.is_seen(scope, place):
            continue
        if query.accounts is None or course.account_of(place) in query.accounts:
            yield place


def _numbers(basis: Basis, query: StatementQuery) -> list[str]:
    every = basis.directory.ever("contract")
    return sorted(every) if query.contract is None else [query.contract]


def _number(found: _Found) -> str:
    return found.contract if isinstance(found, ClosedStatement) else found.statement.contract


def _start(found: _Found) -> date:
    if isinstance(found, ClosedStatement):
        return found.start_date
    return found.statement.period.start_date


def _text(key: _Key) -> str:
    number, start = key
    return f"{number}/{start}"


def _amounts(found: _Found) -> StatementTotal:
    if isinstance(found, ClosedStatement):
        said = found.document
        subtotal, total = Decimal(said["subtotal"]), Decimal(said["total"])
        return StatementTotal(said["currency"], 1, subtotal, total)
    made = found.statement
    return StatementTotal(made.currency, 1, made.subtotal, made.total)


def _added(before: StatementTotal | None, more: StatementTotal) -> StatementTotal:
    if before is None:
        return more
    return StatementTotal(
        more.currency,
        before.statements + more.statements,
        EXACT.add(before.subtotal, more.subtotal),
        EXACT.add(before.total, more.total),
    )
