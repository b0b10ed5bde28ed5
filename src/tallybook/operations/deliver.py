"""Attempts what waits in the outbox, each delivery by one process at a time, and writes what became
of it before the next is begun. Whether, to whom and what is to be told was decided before.

The rule: what fails is tried again after half a minute, then one, two, four and eight minutes, and
every eight from then on, about seven days in all; then, or where an answer is for good, it is dead:
shown, and resent when somebody asks for it. A process that dies between a server's yes and our
note of it sends one copy, under the same Message-ID or webhook-id. The file of a dead mail is kept
for some days more.
"""

from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, Protocol

from tallybook.model.alert_ports import Outbox, Webhooks
from tallybook.model.delivery import Channel, Delivery, Outcome
from tallybook.model.limits import (
    DEAD_FILE_DAYS,
    DELIVERIES_A_CLAIM,
    DELIVERY_ATTEMPTS_MAX,
    DELIVERY_LEASE_SECONDS,
    DELIVERY_PAUSES_SECONDS,
    DELIVERY_SECONDS_MAX,
)
from tallybook.model.scope import operator
from tallybook.model.webhook import Webhook
from tallybook.operations._mail import with_notice

_SENDER: Final = operator("deliver")
#: Before a lease ends so much is left for what was begun: to connect, sign in and hand over.
_BEGUN_SECONDS: Final = 4 * DELIVERY_SECONDS_MAX
_FIRST_PAUSE: Final = timedelta(seconds=DELIVERY_PAUSES_SECONDS[0])


class Mails(Protocol):
    """The way to a mail server; see `outlets.smtp`."""

    def send(self, deliveries: Iterable[Delivery]) -> Generator[Outcome]:
        """Attempt one after the other and yield what became of each."""


class Posts(Protocol):
    """The way to webhooks; see `outlets.webhook`."""

    def post(self, webhook: Webhook, delivery: Delivery) -> Outcome:
        """Attempt one."""


@dataclass(frozen=True, slots=True)
class Outlets:
    """What deliveries go out by; without `mails` those wait in the outbox."""

    mails: Mails | None
    posts: Posts


@dataclass(frozen=True, slots=True)
class Stores:
    """Where deliveries wait, and where webhooks are kept."""

    outbox: Outbox
    webhooks: Webhooks


def deliver(stores: Stores, outlets: Outlets, now: datetime, holder: str) -> int:
    """Attempt all that is due, and return how many attempts there were; forget the files of mails
    that died long ago.
    """
    tried = 0
    if outlets.mails is not None:
        tried += _mail(_Claims(stores.outbox, "mail", now, holder), outlets.mails)
    claims = _Claims(stores.outbox, "webhook", now, holder)
    tried += _post(claims, stores.webhooks, outlets.posts)
    stores.outbox.forget(_SENDER, now - timedelta(days=DEAD_FILE_DAYS))
    return tried


@dataclass(frozen=True, slots=True)
class _Claims:
    """What one process takes of a channel, and gives back."""

    outbox: Outbox
    channel: Channel
    now: datetime
    holder: str

    def take(self) -> list[Delivery]:
        return self.outbox.claim(
            _SENDER,
            self.channel,
            self.now,
            self.holder,
            limit=DELIVERIES_A_CLAIM,
            lease_seconds=DELIVERY_LEASE_SECONDS,
        )

    def whole(self, delivery: Delivery) -> Delivery:
        """Return a delivery with its file, or with the word that it is gone."""
        file = self.outbox.attachment(_SENDER, delivery.id)
        name = delivery.numbers.get("file")
        if file is not None or name is None:
            return replace(delivery, attachment=file)
        said = f"{name} was kept for {DEAD_FILE_DAYS} days and is gone; the page has it still."
        html = None if delivery.html is None else with_notice(delivery.html, said)
        return replace(delivery, body=f"{said}\n\n{delivery.body}", html=html)

    def settle(self, delivery: Delivery) -> None:
        self.outbox.settle(_SENDER, delivery, self.holder)

    def note(self, delivery: Delivery, outcome: Outcome) -> None:
        self.settle(attempted(delivery, outcome, self.now))


def attempted(delivery: Delivery, outcome: Outcome, now: datetime) -> Delivery:
    """Return a delivery after an attempt, as the rule has it."""
    attempts = delivery.attempts + 1
    pause = DELIVERY_PAUSES_SECONDS[min(attempts, len(DELIVERY_PAUSES_SECONDS)) - 1]
    fails = outcome.status == "failed"
    is_over = fails and attempts >= DELIVERY_ATTEMPTS_MAX
    due_at = {"sent": delivery.due_at, "failed": now + timedelta(seconds=pause), "dead": now}
    return replace(
        delivery,
        status="dead" if is_over else outcome.status,
        attempts=attempts,
        due_at=due_at[outcome.status],
        sent_at=now if outcome.status == "sent" else None,
        error=f"given up after {attempts} attempts: {outcome.error}" if is_over else outcome.error,
        reached=delivery.reached + outcome.reached,
    )


def _mail(claims: _Claims, mails: Mails) -> int:
    """Send mails until none is due, or there is no way to the server."""
    tried, is_down = 0, False
    while not is_down and (taken := claims.take()):
        ends_seconds = monotonic() + DELIVERY_LEASE_SECONDS - _BEGUN_SECONDS
        done = 0
        with closing(mails.send(map(claims.whole, taken))) as outcomes:
            for delivery, outcome in zip(taken, outcomes, strict=False):
                claims.note(delivery, outcome)
                done, is_down = done + 1, outcome.is_down
                if is_down or monotonic() > ends_seconds:
                    break
        for delivery in taken[done:]:
            claims.settle(delivery)
        tried += done
    return tried


def _post(claims: _Claims, webhooks: Webhooks, posts: Posts) -> int:
    """Post to webhooks until nothing is due. One that does not answer is left alone for a while, so
    that it does not keep the others waiting.
    """
    tried, failing = 0, set[str | None]()
    while taken := claims.take():
        ends_seconds = monotonic() + DELIVERY_LEASE_SECONDS - _BEGUN_SECONDS
        known = {one.id: one for one in webhooks.webhooks(_SENDER)}
        for delivery in taken:
            if delivery.target in failing:
                claims.settle(replace(delivery, due_at=claims.now + _FIRST_PAUSE))
            elif monotonic() > ends_seconds:
                claims.settle(delivery)
            else:
                outcome = _posted(known, posts, delivery)
                claims.note(delivery, outcome)
                tried += 1
                if outcome.status == "failed":
                    failing.add(delivery.target)
    return tried


def _posted(known: Mapping[str, Webhook], posts: Posts, delivery: Delivery) -> Outcome:
    webhook = known.get(delivery.target or "")
    if webhook is None:
        return Outcome("dead", "the webhook was removed")
    if not webhook.enabled:
        return Outcome("dead", "the webhook is switched off")
    return posts.post(webhook, delivery)
