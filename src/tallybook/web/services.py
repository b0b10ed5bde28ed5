"""What the web layer is handed by the composition root: the open stores and the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import Depends, Request

from tallybook.model.alert_ports import Alerts, Outbox, Webhooks
from tallybook.model.intake import Intake
from tallybook.model.mark import Mark
from tallybook.model.ports import (
    Books,
    Cases,
    Deliveries,
    Events,
    Ledger,
    People,
    Schedules,
    Snapshot,
    Statements,
)
from tallybook.model.sheet import Sheet
from tallybook.operations.directory import Directories
from tallybook.operations.intake import Tally
from tallybook.operations.report import Stores as Reported
from tallybook.operations.watch import Stores


class Clock(Protocol):
    """Business time. The test clock can be set, the real one cannot."""

    def now(self) -> datetime:
        """Return the instant it is for the business."""

    def real_now(self) -> datetime:
        """Return the machine's instant: keys, sessions and leases never follow a test clock."""

    def set(self, now: datetime) -> None:
        """Move business time.

        Raises:
            Forbidden: `test_clock_off`.
        """


@dataclass(frozen=True, slots=True)
class Services:
    """One open installation, as the web layer sees it.

    `backlog` counts facts accepted and not yet loaded, `refreshed_at` says when the newest fact of
    a mark came in, `tick` does all that is due, `faults` says what keeps failing, `parquet` writes
    a table to a file, `mails` says whether there is a mail server, `local_token` is the command
    line's key, and `tally` counts what is sent.
    """

    books: Books
    people: People
    statements: Statements
    cases: Cases
    deliveries: Deliveries
    alerts: Alerts
    outbox: Outbox
    webhooks: Webhooks
    intake: Intake
    schedules: Schedules
    ledger: Ledger
    events: Events
    snapshot: Snapshot
    directories: Directories
    clock: Clock
    backlog: Callable[[], int]
    refreshed_at: Callable[[Mark], datetime | None]
    tick: Callable[[], None]
    faults: Callable[[], list[str]]
    local_token: str
    parquet: Callable[[Sheet, Path], None]
    mails: bool
    tally: Tally

    @property
    def watched(self) -> Stores:
        """Return what runs of subscriptions are worked out from and written to."""
        return Stores(
            self.alerts,
            self.people,
            self.books,
            self.ledger,
            self.events,
            self.snapshot,
            self.statements,
            self.intake,
            self.directories,
        )

    @property
    def reported(self) -> Reported:
        """Return what pages that are sent are made of, and written to."""
        return Reported(
            self.schedules,
            self.people,
            self.books,
            self.ledger,
            self.events,
            self.snapshot,
            self.directories,
            self.parquet,
            self.mails,
        )


async def _services(request: Request) -> Services:  # waits for nothing, so it needs no thread
    services: Services = request.app.state.services
    return services


Service = Annotated[Services, Depends(_services)]
