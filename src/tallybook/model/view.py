"""What checks may look at: definitions, where lines stand, what came in and what was closed, all of
one mark, and only of accounts that who asks may see. Checks never see a store.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from tallybook.model.directory import Directory
from tallybook.model.intake import Sent
from tallybook.model.mark import Mark
from tallybook.model.nouns import Meter
from tallybook.model.position import Position
from tallybook.model.statement import ClosedStatement, Statement
from tallybook.model.usage import Traffic


class View(Protocol):
    """The read-only, scoped face of an installation at one instant."""

    @property
    def now(self) -> datetime:
        """Return the instant it is."""

    @property
    def mark(self) -> Mark:
        """Return what all answers rest on."""

    @property
    def since(self) -> datetime:
        """Return the instant after which what ended is looked at once more: of a subscription a day
        before its last run, so that what happens in the last hours of a period is told; `now` for
        who looks once.
        """

    @property
    def directory(self) -> Directory:
        """Return the definitions of the mark; what it calls current holds today in UTC. It is
        whole: which of it is looked at is said by `contracts` and `accounts`.
        """

    @property
    def stale(self) -> str | None:
        """Return why nothing that was used may be judged now, as a code; None where it may be."""

    def accounts(self) -> Sequence[str]:
        """Return the keys of the accounts that are looked at, sorted."""

    def contracts(self) -> Sequence[str]:
        """Return the numbers of the contracts that are looked at, sorted, also of those that are
        not yet or no longer in force.
        """

    def positions(self) -> Iterator[Position]:
        """Yield where each line of these contracts stands, by contract and line."""

    def ended(self) -> Iterator[Position]:
        """Yield where lines of these contracts stood at the end of each of their cycles that ended
        after `since`, also of contracts that are over. Of a cycle whose statement is closed, what
        came in after that does not count: it is told of the closed statement.
        """

    def closed(self, contracts: Collection[str]) -> list[ClosedStatement]:
        """Return the closed statements of contracts, in order of (contract, start_date)."""

    def running(
        self, contracts: Sequence[str], days: Mapping[str, date] | None = None
    ) -> Iterator[Statement]:
        """Yield the statement of the period that holds now, or that holds the contract's day in
        `days`, of each of these contracts that is in force then, with what was used so far; worked
        out together. One that is closed is left out.
        """

    def over(self, days: Mapping[str, date]) -> Iterator[Statement | ClosedStatement]:
        """Yield the statement of the period that holds each contract's day in `days`; one that is
        closed, as it was closed.
        """

    def drawn(self, contracts: Collection[str]) -> Mapping[str, Decimal]:
        """Return how much was used so far of the quantity that contracts end by, of those that do;
        worked out together.
        """

    def traffic(self, since: datetime, followed: tuple[Meter, ...] = ()) -> list[Traffic]:
        """Return what came in for these accounts since an instant; see `TrafficQuery`."""

    def strangers(self, since: datetime) -> list[Traffic]:
        """Return what came in since an instant for keys that no account ever had; nothing where
        only some accounts or branches are looked at.
        """

    def intake(self, since: datetime) -> list[tuple[Sent, int]]:
        """Return how many events were accepted and refused from the hour of an instant on, in
        order; nothing where only some accounts or branches are looked at. See `Intake`.
        """
