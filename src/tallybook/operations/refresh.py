"""Keeps the position snapshot fresh: finds the lines that may stand elsewhere now, works them out
and writes them, all of one mark. A line is stale when its events, terms, tree or day have changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Final

from tallybook.model.contract import Contract
from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict
from tallybook.model.mark import Mark, minute_of
from tallybook.model.nouns import Account
from tallybook.model.packed import Touched
from tallybook.model.ports import (
    Books,
    Claim,
    Events,
    Leases,
    Ledger,
    LineKey,
    Loaded,
    NounName,
    Snapshot,
    SnapshotState,
    Version,
)
from tallybook.model.scope import Scope, operator
from tallybook.model.time import Calendar
from tallybook.operations._compute import compute
from tallybook.operations.directory import Directories
from tallybook.operations.known import received
from tallybook.positions.hierarchy import ancestors
from tallybook.positions.periods import calendar_of
from tallybook.positions.position import Known
from tallybook.positions.terms import Terms, terms

#: The job of keeping the snapshot: one process does it at a time.
JOB: Final = "refresh"
#: Contracts to work out anew, each with the event types that matter, None for all its lines.
Stale = dict[str, frozenset[str] | None]


class Refresher:
    """Remembers what loads have touched until a refresh has dealt with it."""

    def __init__(
        self,
        books: Books,
        ledger: Ledger,
        events: Events,
        snapshot: Snapshot,
        leases: Leases,
        directories: Directories,
    ) -> None:
        """Start from what the events store has loaded so far."""
        self._books = books
        self._ledger = ledger
        self._events = events
        self._snapshot = snapshot
        self._leases = leases
        self._directories = directories
        self._noting = Lock()
        self._refreshing = Lock()
        self._touched: dict[str, set[str]] = {}
        self._seq = self._began = events.position(operator())
        self._refreshed_at = received(ledger, self._seq)
        self._index = _Index(Directory())
        self._left: SnapshotState | None = None
        self._has_gap = False

    def touch(self, loaded: Loaded) -> None:
        """Note what a load has moved; loads come in their order, and back to an earlier entry where
        the events are loaded anew. One cut off half-way moved something that nobody noted.
        """
        with self._noting:
            if loaded.after not in {None, self._seq}:
                self._has_gap = True
            self._add(loaded.touched)
            self._seq, self._refreshed_at = loaded.seq, loaded.received_at

    def _add(self, touched: Touched) -> None:
        for event_type, accounts in touched.items():
            self._touched.setdefault(event_type, set()).update(accounts)

    def refresh_once(self, scope: Scope, now: datetime) -> bool:
        """Bring the snapshot up to what is known now; tell whether anything was written.

        Nothing is while another process keeps it, nor while it knows more than is loaded here;
        what loads touch is remembered meanwhile.
        """
        with self._refreshing:
            claim = None if self._is_behind(scope) else self._leases.claim(scope, JOB)
            if claim is None:
                return False
            with self._noting:
                if self._is_behind(scope):  # by what another wrote before it gave up the claim
                    return False
                touched, seq, has_gap = self._touched, self._seq, self._has_gap
                refreshed_at = self._refreshed_at
                self._touched, self._has_gap = {}, False
            try:
                known = None if has_gap else touched
                return self._refresh(scope, claim, known, seq, now, refreshed_at)
            except BaseException as e:
                with self._noting:
                    self._add(touched)
                    self._has_gap |= has_gap
                if isinstance(e, Conflict) and e.code == "lease_lost":
                    return False
                raise

    def _is_behind(self, scope: Scope) -> bool:
        """Tell whether the snapshot rests on entries of the ledger that are yet to be loaded."""
        before = self._snapshot.state(scope)
        return before is not None and self._seq < before.mark.seq <= self._ledger.head(scope)

    def _refresh(
        self,
        scope: Scope,
        claim: Claim,
        touched: Touched | None,
        seq: int,
        now: datetime,
        refreshed_at: datetime | None,
    ) -> bool:
        directory = self._directories.current(scope)
        if self._index.directory is not directory:
            self._index = _Index(directory)
        before = self._snapshot.state(scope)
        mark = Mark(seq, directory.revision, minute_of(now))
        # What was loaded while nobody noted it is unknown, so a snapshot left behind is no start;
        # nor is one that another process has written since.
        began = before and before.mark.seq == self._began
        is_continued = began if self._left is None else before == self._left
        everything = before is None or touched is None or not is_continued
        if everything or before is None or touched is None:
            stale: Stale = dict.fromkeys(directory.keys("contract"))
        else:
            stale = self._index.touched(touched)
            stale |= self._changed(scope, self._index, before.mark.revision)
            stale |= self._index.another_day(before.mark.now, mark.now)
            if not stale and replace(before.mark, minute=mark.minute) == mark:
                return False
        state = SnapshotState(mark, refreshed_at)
        self._write(scope, claim, directory, stale, state, everything=everything)
        self._left = state
        return True

    def _write(
        self,
        scope: Scope,
        claim: Claim,
        directory: Directory,
        stale: Stale,
        state: SnapshotState,
        *,
        everything: bool,
    ) -> None:
        lines = [
            line
            for number, types in stale.items()
            for line in terms(directory, number, state.mark.now, state.mark.now)
            if types is None or any(meter.event_type in types for meter in line.meters)
        ]
        known = Known(state.mark, state.refreshed_at)
        positions = compute(scope, directory, self._events, lines, known)
        gone = () if everything else list(_gone(directory, stale, lines))
        self._snapshot.replace(
            scope, state, positions, claim=claim, gone=gone, everything=everything
        )

    def _changed(self, scope: Scope, index: "_Index", after: int) -> Stale:
        """Return the contracts concerned by definitions newer than a revision."""
        if index.directory.revision == after:
            return {}
        nouns: tuple[NounName, ...] = ("account", "meter", "contract")
        keys = {
            noun: {v.key for v in self._books.versions(scope, noun, after=after)} for noun in nouns
        }
        numbers = set(keys["contract"])
        for number in keys["contract"]:  # a pool above may gather its allotments
            for owner in index.owners(number):
                numbers |= index.above(index.directory, owner)
        if keys["account"]:
            earlier = self._directories.at(scope, after)
            for account in keys["account"]:
                numbers |= index.of_account(account) | index.above(earlier, account)
        for meter in keys["meter"]:
            numbers |= index.of_meter.get(meter, set())
        return dict.fromkeys(numbers)


class _Index:
    """Which contracts a change may concern, over all their versions; made once a revision."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.of_meter: dict[str, set[str]] = {}
        self._accounts = frozenset(directory.ever("account"))
        self._own: dict[str, set[str]] = {}
        self._pools: dict[str, set[str]] = {}
        self._calendars: dict[Calendar, set[str]] = {}
        self._concerned: dict[str, frozenset[str]] = {}
        for number in directory.keys("contract"):
            self._add(number)

    def _add(self, number: str) -> None:
        for span in self.directory.spans("contract", number):
            contract = span.noun
            self._own.setdefault(contract.account, set()).add(number)
            if contract.pooling != "none":
                self._pools.setdefault(contract.account, set()).add(number)
            for meter in contract.meters:
                self.of_meter.setdefault(meter, set()).add(number)
            spans = self.directory.spans("account", contract.account)
            accounts: list[Account | None] = [known.noun for known in spans]
            # Versions of the account begin on its own days, which need not be the contract's.
            days = {account.calendar for account in accounts if account}
            for calendar in days.union(calendar_of(contract, a) for a in accounts or [None]):
                self._calendars.setdefault(calendar, set()).add(number)

    def of_account(self, account: str) -> frozenset[str]:
        """Return the contracts that count an account's events: its own and the pools above it."""
        found = self._concerned.get(account)
        if found is None:
            own = self._own.get(account, set())
            found = self._concerned[account] = self.above(self.directory, account).union(own)
        return found

    def owners(self, number: str) -> frozenset[str]:
        """Return the accounts that any version gives a contract to."""
        versions = self.directory.history("contract", number)
        return frozenset(version.document["account"] for version in versions)

    def above(self, directory: Directory, account: str) -> frozenset[str]:
        """Return the contracts that pool an account's events by the links of a directory."""
        pools = (self._pools.get(key, ()) for key in ancestors(directory, account))
        return frozenset().union(*pools)

    def touched(self, touched: Touched) -> Stale:
        """Return the contracts whose lines count these accounts' events of these types."""
        types: dict[str, set[str]] = {}
        for event_type, accounts in touched.items():
            known = self._accounts.intersection(accounts)
            for number in frozenset().union(*map(self.of_account, known)):
                types.setdefault(number, set()).add(event_type)
        return {number: frozenset(found) for number, found in types.items()}

    def another_day(self, before: datetime, now: datetime) -> Stale:
        """Return the contracts for which it is another local day now."""
        stale: Stale = {}
        for calendar, numbers in self._calendars.items():
            if calendar.day_of(before) != calendar.day_of(now):
                stale |= dict.fromkeys(numbers)
        return stale


def _gone(
    directory: Directory, stale: Mapping[str, frozenset[str] | None], lines: Iterable[Terms]
) -> Iterator[LineKey]:
    """Yield the lines that contracts worked out whole ever had, and have not now."""
    standing = {line.key for line in lines}
    for number, types in stale.items():
        if types is None:
            versions = directory.history("contract", number)
            codes = frozenset[str]().union(*(_codes(directory, v) for v in versions))
            yield from ((number, code) for code in codes if (number, code) not in standing)


def _codes(directory: Directory, version: Version) -> frozenset[str]:
    noun = directory.parsed(version)
    return noun.codes if isinstance(noun, Contract) else frozenset()
