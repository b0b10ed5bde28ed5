"""The stores of alerts as the rest of the house knows them: subscriptions, runs and findings, and
the outbox that deliveries wait in, with the webhooks they go to. All are kept by Books; see
`model.ports` for the others.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tallybook.model.alert import (
    Finding,
    FindingEvent,
    FindingPage,
    FindingQuery,
    Recipients,
    Run,
    Subscription,
)
from tallybook.model.delivery import Attachment, Channel, Delivery
from tallybook.model.scope import Scope
from tallybook.model.webhook import Webhook


class Alerts(Protocol):
    """Subscriptions to checks, their runs and findings. Whoever is bound to accounts sees their own
    subscriptions only; the vendor's people see all. Each change is audited.
    """

    def subscriptions(self, scope: Scope) -> list[Subscription]:
        """Return those the scope sees, oldest first."""

    def subscription(self, scope: Scope, subscription_id: str) -> Subscription | None:
        """Return one the scope sees."""

    def add(self, scope: Scope, subscription: Subscription) -> None:
        """Add one."""

    def change(self, scope: Scope, subscription: Subscription, at: datetime) -> None:
        """Replace the one with this id, but for its `due_at`."""

    def readdress(
        self,
        scope: Scope,
        checks: Mapping[str, Recipients],
        pages: Mapping[str, Sequence[str]],
        at: datetime,
    ) -> None:
        """Replace who is told by subscriptions to checks and to pages, by their ids, of those that
        the scope may change; in one transaction.
        """

    def remove(self, scope: Scope, subscription_id: str, at: datetime) -> bool:
        """Remove one with its runs and findings; False where the scope sees none with this id."""

    def runs(
        self, scope: Scope, subscription_id: str, limit: int, before: str | None = None
    ) -> list[Run]:
        """Return the newest runs, or those before the run of an id, newest first."""

    def remembered(self, scope: Scope, subscription_id: str) -> list[Finding]:
        """Return all findings of a subscription that are not resolved, or whose step and period
        must not be said again, in order of (entity, step, period).
        """

    def decide(
        self,
        scope: Scope,
        run: Run,
        findings: Iterable[Finding],
        events: Iterable[FindingEvent],
        deliveries: Sequence[Delivery],
        beside: Sequence[Run] = (),
    ) -> None:
        """Write a run with what it found and what is to be sent, all in one transaction, and note
        when the subscription was due. Findings with a known id are replaced. `beside` are the runs
        of a digest that are decided with it; findings and deliveries are of all of them.

        Raises:
            Conflict: `run_decided`, where another process has decided one of these subscriptions
                for this instant, or later, or it was removed; `findings_changed`, where somebody
                else wrote a finding since it was read. Nothing was written.
        """

    def page(self, scope: Scope, query: FindingQuery) -> FindingPage:
        """Return findings of accounts that the scope sees."""

    def finding(
        self, scope: Scope, finding_id: str, at: datetime
    ) -> tuple[Finding, list[FindingEvent]] | None:
        """Return one with its history, where the scope sees its account at an instant."""

    def change_findings(
        self, scope: Scope, findings: Collection[Finding], events: Iterable[FindingEvent]
    ) -> None:
        """Write what somebody did with findings, in one transaction.

        Raises:
            Conflict: `findings_changed`, where a run or somebody else wrote one since it was read;
                nothing was written.
        """


class Outbox(Protocol):
    """Deliveries that are to be sent, each by one process at a time; in real time, whatever a test
    clock says, but for when they are due.
    """

    def claim(
        self,
        scope: Scope,
        channel: Channel,
        now: datetime,
        holder: str,
        *,
        limit: int,
        lease_seconds: int,
    ) -> list[Delivery]:
        """Take deliveries of a channel that are due at `now` and nobody holds, the longest due
        first: of those with the same `sequence_of` only the first that is neither sent nor dead. A
        lease that ran out is taken over.
        """

    def attachment(self, scope: Scope, delivery_id: str) -> Attachment | None:
        """Return the file of a mail that is not sent yet; None where it has none. It is not read by
        `claim`, as many at once are too large.
        """

    def forget(self, scope: Scope, before: datetime) -> int:
        """Forget the files of mails that died before an instant, and return how many."""

    def settle(self, scope: Scope, delivery: Delivery, holder: str) -> bool:
        """Write what became of an attempt and let it go; False where another holds it by now, and
        nothing was written.
        """

    def resend(self, scope: Scope, delivery_id: str, at: datetime) -> bool:
        """Queue one again that is dead or failed; False where there is none such in scope."""


class Webhooks(Protocol):
    """The addresses that deliveries are posted to, all the vendor's. Each change is audited,
    without a secret.
    """

    def webhooks(self, scope: Scope) -> list[Webhook]:
        """Return all, oldest first."""

    def add(self, scope: Scope, webhook: Webhook) -> None:
        """Add one."""

    def change(self, scope: Scope, webhook: Webhook, at: datetime) -> None:
        """Replace the one with this id."""

    def remove(self, scope: Scope, webhook_id: str, at: datetime) -> bool:
        """Remove one; False where there is none with this id."""
