"""Where lines stand (GET /positions): lists from the snapshot, or worked out for a past instant or
mark; one line always worked out, with its explanation. Writes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Final

from tallybook.model.contract import Contract
from tallybook.model.directory import Directory, Span
from tallybook.model.errors import NotFound
from tallybook.model.mark import Mark
from tallybook.model.ports import (
    Events,
    Snapshot,
    SnapshotPage,
    SnapshotQuery,
    SnapshotState,
    SnapshotWalk,
)
from tallybook.model.position import Method, Position, Total
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.model.usage import UsageQuery
from tallybook.operations._compute import compute, count
from tallybook.operations._listing import listed
from tallybook.operations._shown import sees_amounts_of
from tallybook.positions.explanation import Explanation, explain
from tallybook.positions.hierarchy import members
from tallybook.positions.pace import WEEKS
from tallybook.positions.position import Known, in_unit, reached
from tallybook.positions.position import position as work_out
from tallybook.positions.terms import Terms, terms

#: What a list may be narrowed to, the statuses and the flags beside them, and what each is called.
STATE_NAMES: Final[Mapping[str, str]] = {
    "over": "Over",
    "at_limit": "At limit",
    "likely_over": "Likely over",
    "near": "Near",
    "ok": "Ok",
    "low_use": "Low use",
    "no_allotment": "No allotment",
}
STATES: Final = frozenset[Any](STATE_NAMES)
#: Those of lines that have an allotment: only these can be compared with one.
AGREED: Final[frozenset[Any]] = frozenset({"ok", "near", "at_limit", "over"})


@dataclass(frozen=True, slots=True)
class Instants:
    """What an answer is about and rests on: the instant asked about, and the mark.

    `refreshed_at` is the instant of the last load.
    """

    at: datetime
    mark: Mark
    refreshed_at: datetime | None = None

    @property
    def now(self) -> datetime:
        """Return the instant it is for this answer, whenever it is asked."""
        return self.mark.now


def reach(
    scope: Scope, directory: Directory, account: str | None, at: datetime, *, rollup: bool = True
) -> frozenset[str] | None:
    """Return whose contracts a list is about: an account, or its tree at an instant; None is all.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `account_not_found`.
    """
    scope.require("read")
    if account is None:
        return None
    if not directory.history("account", account) or not scope.sees(account, at):
        raise NotFound("account_not_found", f"There is no account {account!r} to be seen.")
    tree = members(directory, account, FIRST_INSTANT, LAST_INSTANT, rollup=rollup)
    return frozenset(member.account for member in tree if member.start <= at < member.end)


def of(state: SnapshotState) -> Instants:
    """Return what an answer from the snapshot is about: the instant of its own mark."""
    return Instants(state.mark.now, state.mark, state.refreshed_at)


def positions(scope: Scope, snapshot: Snapshot, query: SnapshotQuery) -> SnapshotPage:
    """List where lines stand now, from the snapshot."""
    scope.require("read")
    return shown(scope, snapshot.page(scope, sorted_for(scope, query)))


@contextmanager
def walk(scope: Scope, snapshot: Snapshot, query: SnapshotQuery) -> Iterator[SnapshotWalk]:
    """Open all lines of `positions`, one after the other and of one mark."""
    scope.require("read")
    with snapshot.walk(scope, sorted_for(scope, query)) as found:
        items = found.items if scope.sees_prices else map(without_prices, found.items)
        yield replace(found, items=items)


def together(scope: Scope, snapshot: Snapshot, query: SnapshotQuery) -> tuple[Position, ...]:
    """Return the lines of a service added up by their course; see `Snapshot.together`."""
    scope.require("read")
    return snapshot.together(scope, query)


def positions_at(
    scope: Scope, directory: Directory, events: Events, query: SnapshotQuery, when: Instants
) -> SnapshotPage:
    """List where lines stood at an instant, as known at a mark; `directory` is of its revision."""
    scope.require("read")
    state = SnapshotState(when.mark, when.refreshed_at)
    numbers = directory.ever("contract") if query.contract is None else [query.contract]
    lines = (
        line
        for number in numbers
        for line in terms(directory, number, when.at, when.now)
        if sees(scope, line.contract, when.at)
        and (query.accounts is None or line.contract.account in query.accounts)
    )
    known = Known(when.mark, when.refreshed_at)
    found = compute(whole(scope), directory, events, lines, known)
    return shown(scope, listed(found, sorted_for(scope, query), state))


def position(
    scope: Scope,
    directory: Directory,
    events: Events,
    key: tuple[str, str],
    when: Instants,
    *,
    rollup: bool | None = None,
    method: Method = "mean_7",
) -> tuple[Position, Explanation]:
    """Work out where one line stands, and how that came about; `key` is contract and line.

    `rollup` None counts the tree where the contract says so; True always, False never. `method` is
    that of the forecast.

    Raises:
        NotFound: `contract_not_found`, `line_not_found`, `not_in_force`.
    """
    scope.require("read")
    line = find_line(scope, directory, key, when, rollup=rollup)
    if method == "weekday":
        line = replace(line, recent_days=WEEKS * 7)
    known = Known(when.mark, when.refreshed_at)
    _, use, uses = next(count(whole(scope), directory, events, [line], known))
    found = work_out(line, use, known, uses, method)
    come = reached(line, in_unit(line.item, use), uses)
    counts = _counts(whole(scope), directory, events, line, when.mark)
    how = explain(line, found, come, accounts=len(counts), count=sum(counts.values()))
    if sees_amounts_of(scope, directory, key[0]):
        return found, how
    return without_prices(found), replace(how, price=None)


def by_unit(totals: tuple[Total, ...]) -> list[Total]:
    """Add up totals over services, by unit and currency; their `service` is empty."""
    groups: dict[tuple[str, str], Total] = {}
    for total in totals:
        key = (total.unit, total.currency)
        before = groups.get(key)
        groups[key] = _added(before, total) if before else replace(total, service="")
    return [groups[key] for key in sorted(groups)]


def find_line(
    scope: Scope,
    directory: Directory,
    key: tuple[str, str],
    when: Instants,
    *,
    rollup: bool | None,
) -> Terms:
    """Return the terms of one line at an instant.

    Raises:
        NotFound: `contract_not_found`, `line_not_found`, `not_in_force`.
    """
    number, code = key
    spans = spans_seen(scope, directory, number, when.at)
    if not any(code in span.noun.codes for span in spans):
        raise NotFound("line_not_found", f"The contract {number} has no line {code!r}.")
    for line in terms(directory, number, when.at, when.now, rollup=rollup):
        if line.item.code == code and sees(scope, line.contract, when.at):
            return line
    raise NotFound(
        "not_in_force", f"The line {code} of {number} is not in force then; ask for another `at`."
    )


def spans_seen(
    scope: Scope, directory: Directory, number: str, at: datetime
) -> Sequence[Span[Contract]]:
    """Return what a contract says over time.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `contract_not_found`, also where it is not the caller's at that instant.
    """
    scope.require("read")
    spans = directory.spans("contract", number)
    if not any(sees(scope, span.noun, at) for span in spans):
        raise NotFound("contract_not_found", f"There is no contract {number!r} to be seen.")
    return spans


def sees(scope: Scope, contract: Contract, at: datetime) -> bool:
    """Tell whether a contract's account may be seen at an instant."""
    return scope.sees(contract.account, at)


def whole(scope: Scope) -> Scope:
    """Return the scope to count with: who may see a contract sees where it stands, the whole of it.

    Its account may have joined their tree in the middle of the period.
    """
    return replace(scope, accounts=None)


def _counts(
    scope: Scope, directory: Directory, events: Events, line: Terms, mark: Mark
) -> dict[str, int]:
    """Count the events that carry what the meter reads, by account."""
    meter = line.meter.model_copy(update={"aggregation": "count"})
    start = line.counts_from if line.carries else line.period.starts_at
    query = UsageQuery(
        meter,
        (start, line.counts_to),
        mark.seq,
        tuple(line.members(directory, 0)),
        by_account=True,
    )
    cells = events.usage(scope, query)
    return {cell.account or "": int(cell.value or 0) for cell in cells}


def without_prices(found: Position) -> Position:
    """Return a line for whom amounts are not."""
    ahead = replace(found.forecast, projected_amount=None)
    return replace(found, amount=None, overage_amount=None, forecast=ahead)


def sorted_for(scope: Scope, query: SnapshotQuery) -> SnapshotQuery:
    """Return a query that sorts by key for whom amounts are not: their order would tell of them."""
    is_hidden = query.sort == "amount" and not scope.sees_prices
    return replace(query, sort="contract") if is_hidden else query


def shown(scope: Scope, page: SnapshotPage) -> SnapshotPage:
    """Hide amounts from whom they are not, also those that totals would tell."""
    if scope.sees_prices:
        return page
    totals = tuple(
        replace(total, amount=None, overage_amount=None, projected_amount=None)
        for total in page.totals
    )
    return replace(page, items=tuple(map(without_prices, page.items)), totals=totals)


def _added(one: Total, two: Total) -> Total:
    names = (
        "used",
        "allotment",
        "overage",
        "projected",
        "projected_overage",
        "amount",
        "overage_amount",
        "projected_amount",
    )
    with localcontext(EXACT):
        sums: dict[str, Any] = {
            name: _sum(getattr(one, name), getattr(two, name)) for name in names
        }
    return replace(one, lines=one.lines + two.lines, **sums)


def _sum(one: Decimal | None, two: Decimal | None) -> Decimal | None:
    return None if one is None or two is None else one + two
