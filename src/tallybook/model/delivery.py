"""A message to people, decided once and attempted until done; sends nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

#: Who it is for: a customer's CSM, the vendor's administrators where none is known, or the
#: customer's own people.
DeliveryKind = Literal["case.to_csm", "case.to_administrators", "case.to_customer"]
DeliveryStatus = Literal["queued", "sent", "failed", "dead"]
#: How it goes out: as mail to its recipients, or to one webhook.
Channel = Literal["mail", "webhook"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message. `recipients` are addresses, `link` is a path of the pages, `numbers` are what
    it is about as JSON says it, never prices.

    One that `failed` is tried again when `due_at` has come; a `dead` one is not. `attempts` counts
    the tries, `error` says why the last one failed.
    """

    id: str
    kind: DeliveryKind
    account: str
    recipients: tuple[str, ...]
    subject: str
    body: str
    link: str
    numbers: Mapping[str, Any]
    created_at: datetime
    created_by: str
    due_at: datetime
    status: DeliveryStatus = "queued"
    attempts: int = 0
    sent_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt: `sent`, `failed` for now or `dead` for good, and why. `reached`
    are the addresses it was taken for; `is_down` is that there is no way to any other.
    """

    status: Literal["sent", "failed", "dead"]
    error: str | None = None
    reached: tuple[str, ...] = ()
    is_down: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries to list, newest first, as `CaseQuery` has it."""

    at: datetime
    accounts: frozenset[str] | None = None
    status: DeliveryStatus | None = None
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, whether `more` follow, and how many match in all."""

    items: tuple[Delivery, ...]
    more: bool
    total: int
