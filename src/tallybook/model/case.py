"""A case: a question about a number, or that it looks wrong, and what both sides wrote about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tallybook.model.delivery import DeliveryStatus

CaseKind = Literal["question", "discrepancy"]
CaseStatus = Literal["open", "answered", "closed"]
Side = Literal["vendor", "customer"]


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wrote, never changed afterwards; `number` counts a case's messages from 1.

    `delivery_status` is how far it is on its way to the other side, None where there is nobody to
    tell. `idempotency_key` is the author's own name for the request that brought it.
    """

    number: int
    author: str
    side: Side
    at: datetime
    text: str
    delivery_status: DeliveryStatus | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case about a line. `shown` is what its page showed when the case was opened: quantities
    as JSON says them, the mark they rest on and the page's link, never prices.

    It is `answered` once the vendor has written last, and `open` again when the customer has.
    `opening` is its first message, `messages_count` how many there are.
    """

    id: str
    kind: CaseKind
    account: str
    contract: str
    line: str
    shown: Mapping[str, Any]
    status: CaseStatus
    created_at: datetime
    created_by: str
    changed_at: datetime
    opening: str
    messages_count: int = 1


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases to list, newest first; None does not narrow.

    They are of accounts that the scope sees at the instant `at`. `text` is found in names, keys and
    first messages. A page begins after the case `after`, or else after `offset` cases.
    """

    at: datetime
    accounts: frozenset[str] | None = None
    status: CaseStatus | None = None
    text: str | None = None
    after: str | None = None
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some cases, whether `more` follow, and how many match in all; `counts` are by status,
    whatever status was asked for.
    """

    items: tuple[Case, ...]
    more: bool
    total: int
    counts: Mapping[CaseStatus, int]
