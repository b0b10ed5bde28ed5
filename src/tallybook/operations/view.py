"""What checks look at, made of the stores: one mark for all answers, and only what the scope sees,
narrowed to accounts and branches. Judges nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.intake import Intake, Sent
from tallybook.model.mark import Mark
from tallybook.model.nouns import Meter
from tallybook.model.ports import Events, Ledger, Snapshot, SnapshotQuery, Statements
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.statement import ClosedStatement, Statement
from tallybook.model.usage import Traffic, TrafficQuery
from tallybook.operations._compute import compute
from tallybook.operations.measure import measure
from tallybook.operations.position import reach, sees, walk, whole
from tallybook.operations.rate import Basis, Course, rate
from tallybook.positions.agreement import agreement
from tallybook.positions.expiry import expiry_needs
from tallybook.positions.needs import Need
from tallybook.positions.position import Known
from tallybook.positions.terms import Terms, terms

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
#: What ended is looked at for so long, as more may come in; and no further back than `ENDED_MAX`.
SETTLES: Final = timedelta(days=1)
ENDED_MAX: Final = timedelta(days=40)
#: What came in and has waited longer than this to be counted makes everything counted stale.
WAIT_MAX: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Sources:
    """The stores that views look into."""

    ledger: Ledger
    events: Events
    snapshot: Snapshot
    statements: Statements
    intake: Intake


class Sight:
    """See `model.view.View`."""

    def __init__(
        self,
        scope: Scope,
        sources: Sources,
        directory: Directory,
        mark: Mark,
        accounts: Collection[str] = (),
        branches: Collection[str] = (),
        last: datetime | None = None,
    ) -> None:
        """Look at all that the scope sees, or at the trees of some accounts and at some branches;
        `directory` is of the mark's revision. `last` is when somebody last looked, None for who
        looks once.

        Raises:
            Forbidden: `verb_not_allowed`.
            NotFound: `account_not_found`.
        """
        scope.require("read")
        self._scope = scope
        self._sources = sources
        self._branches = frozenset(branches)
        self.mark = mark
        self.now: datetime = mark.now
        self.since = max(last, self.now - ENDED_MAX) if last else self.now
        self.directory = directory.on(mark.now.date())
        trees = [reach(scope, directory, account, mark.now) or frozenset() for account in accounts]
        self._trees = frozenset[str]().union(*trees) if accounts else None

    @cached_property
    def stale(self) -> str | None:
        """Return `data_stale` where something that came in has waited too long, or the snapshot was
        never made; else None.
        """
        state = self._sources.snapshot.state(self._scope)
        if state is None:
            return "data_stale"
        ledger, whole_ = self._sources.ledger, whole(self._scope)
        if ledger.head(whole_) <= state.mark.seq:
            return None
        waiting = ledger.fetch(whole_, [state.mark.seq + 1]).get(state.mark.seq + 1)
        late = waiting is not None and self.now - waiting.received_at > WAIT_MAX
        return "data_stale" if late else None

    def accounts(self) -> Sequence[str]:
        """Return the keys of the accounts that are looked at, sorted: of a branch are its own, and
        those of its contracts.
        """
        seen = [key for key in self.directory.keys("account") if self._is_seen(key)]
        if not self._branches:
            return seen
        served = {self._account_of(number) for number in self._contracts}
        return [key for key in seen if key in served or self.branch_of(key) in self._branches]

    def branch_of(self, account: str, contract: str | None = None) -> str | None:
        """Return the branch of a contract, which is its account's where it names none."""
        agreed = self.directory.contract(contract) if contract else None
        if agreed is not None and agreed.branch is not None:
            return agreed.branch
        owner = self.directory.account(account)
        return owner.branch if owner else None

    def contracts(self) -> Sequence[str]:
        """Return the numbers of the contracts that are looked at, sorted."""
        return self._contracts

    @cached_property
    def _contracts(self) -> Sequence[str]:
        found = []
        for number in self.directory.keys("contract"):
            account = self._account_of(number)
            if account is None or not self._is_seen(account):
                continue
            if not self._branches or self.branch_of(account, number) in self._branches:
                found.append(number)
        return found

    def positions(self) -> Iterator[Position]:
        """Yield where each line of these contracts stands, by contract and line."""
        narrowed = frozenset(self.contracts()) if self._branches else None
        query = SnapshotQuery(accounts=self._trees)
        with walk(self._scope, self._sources.snapshot, query) as found:
            for position in found.items:
                if narrowed is None or position.contract in narrowed:
                    yield position

    def ended(self) -> Iterator[Position]:
        """Yield where lines stood at the end of each of their cycles that ended after `since`: of
        one whose statement is closed, by what had come in when it was.
        """
        if self.since >= self.now:
            return
        ends: dict[str, set[datetime]] = {}
        for position in self.positions():
            if position.period.starts_at > self.since:
                ends.setdefault(position.contract, set()).add(position.period.starts_at)
        for number in self.contracts():
            end = agreement(self.directory, number).ends_at
            if end is not None and self.since < end <= self.now:
                ends.setdefault(number, set()).add(end)
        closed: dict[str, list[ClosedStatement]] = {}
        for one in self.closed(ends):
            closed.setdefault(one.contract, []).append(one)
        alike: dict[int, list[Terms]] = {}
        for number, some in ends.items():
            for line in self._until(number, some):
                last = line.period.end_date - _DAY
                marks = [one.known_at.seq for one in closed.get(number, ()) if one.holds(last)]
                alike.setdefault(min(marks, default=self.mark.seq), []).append(line)
        for seq, lines in alike.items():
            known = Known(replace(self.mark, seq=seq), None)
            yield from compute(
                whole(self._scope), self.directory, self._sources.events, lines, known
            )

    def _until(self, number: str, ends: set[datetime]) -> Iterator[Terms]:
        """Yield the lines of a contract in their cycles that end at some instants, and in those
        before, as far back as is looked.
        """
        waiting = sorted(ends)
        while waiting:
            at = waiting.pop()
            for line in terms(self.directory, number, at - _MOMENT, self.now):
                if line.period.ends_at != at or not sees(self._scope, line.contract, at - _MOMENT):
                    continue
                yield replace(line, recent_days=1)
                if (start := line.period.starts_at) > self.since and start not in ends:
                    ends.add(start)
                    waiting.append(start)

    def closed(self, contracts: Collection[str]) -> list[ClosedStatement]:
        """Return the closed statements of contracts, in order of (contract, start_date)."""
        return self._sources.statements.closed(whole(self._scope), contracts, self.mark.revision)

    def running(
        self, contracts: Sequence[str], days: Mapping[str, date] | None = None
    ) -> Iterator[Statement]:
        """Yield the open statement of the period that holds now, or a contract's own day."""
        for found in self._statements(contracts, days or {}):
            if isinstance(found, Statement):
                yield found

    def over(self, days: Mapping[str, date]) -> Iterator[Statement | ClosedStatement]:
        """Yield the statement of the period that holds a contract's own day, open or closed."""
        return self._statements([*days], days)

    def _statements(
        self, contracts: Sequence[str], days: Mapping[str, date]
    ) -> Iterator[Statement | ClosedStatement]:
        basis = Basis(self.directory, self._sources.events, self._sources.statements, self.mark)
        known: dict[str, list[ClosedStatement]] = {number: [] for number in contracts}
        for one in self.closed(contracts):
            known[one.contract].append(one)
        courses = [Course(basis, number, known[number]) for number in contracts]
        asked = [
            (course, [place])
            for course in courses
            if (place := course.place(days.get(course.number, course.today))) is not None
            and course.is_seen(self._scope, place)
        ]
        for found in rate(self._scope, basis, asked, compared=False, explained=False):
            yield found if isinstance(found, ClosedStatement) else found.statement

    def drawn(self, contracts: Collection[str]) -> dict[str, Decimal]:
        """Return how much was used of the quantity that contracts end by, of those that do."""
        wanted: dict[str, list[Need]] = {}
        for number in contracts:
            agreed = agreement(self.directory, number)
            today = agreed.calendar_on(self.now.date()).day_of(self.now)
            needs = expiry_needs(agreed, today + _DAY)
            if needs:
                wanted[number] = [need._replace(ends=need.ends[-1:]) for need in needs]
        asked = [need for needs in wanted.values() for need in needs]
        if not asked:
            return {}
        events, seq = self._sources.events, self.mark.seq
        uses = measure(operator(), self.directory, events, asked, seq)
        with localcontext(EXACT):
            return {
                number: sum((uses[need][-1].quantity for need in needs), Decimal(0))
                for number, needs in wanted.items()
            }

    def traffic(self, since: datetime, followed: tuple[Meter, ...] = ()) -> list[Traffic]:
        """Return what came in for these accounts since an instant."""
        members = tuple(Member(key, since, self.now) for key in self.accounts())
        query = TrafficQuery(members, since, self.now, self.mark.seq, followed)
        return self._sources.events.traffic(self._scope, query)

    def strangers(self, since: datetime) -> list[Traffic]:
        """Return what came in since an instant for keys that no account ever had."""
        if self._is_narrowed:
            return []
        query = TrafficQuery(None, since, self.now, self.mark.seq)
        known = self.directory.ever("account")
        found = self._sources.events.traffic(self._scope, query)
        return [row for row in found if row.account not in known]

    def intake(self, since: datetime) -> list[tuple[Sent, int]]:
        """Return how many events were accepted and refused from the hour of an instant on."""
        return [] if self._is_narrowed else self._sources.intake.since(self._scope, since)

    @property
    def _is_narrowed(self) -> bool:
        is_bound = self._scope.accounts is not None
        return is_bound or self._trees is not None or bool(self._branches)

    def _account_of(self, contract: str) -> str | None:
        found = self.directory.contract(contract)
        return found.account if found else None

    def _is_seen(self, account: str) -> bool:
        narrowed = self._trees is None or account in self._trees
        return narrowed and self._scope.sees(account, self.now)
