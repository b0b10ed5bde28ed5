"""A message to people, decided once and attempted until done; sends nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

#: Who it is for: a customer's CSM, the vendor's administrators where none is known, or the
#: customer's own people; what alerts found, and pages that somebody has sent to them.
DeliveryKind = Literal[
    "case.to_csm",
    "case.to_administrators",
    "case.to_customer",
    "alert.findings",
    "report.page",
]
DeliveryStatus = Literal["queued", "sent", "failed", "dead"]
#: How it goes out: as mail to its recipients, or to one webhook.
Channel = Literal["mail", "webhook"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail: the same bytes go out with each attempt."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message. `recipients` are addresses, `link` is a path of the pages, `numbers` are what
    it is about as JSON says it, never prices, but in what is sent to an endpoint of the vendor's.

    One that `failed` is tried again when `due_at` has come; a `dead` one is not. `attempts` counts
    the tries, `error` says why the last one failed. A message about several accounts has an empty
    `account`: who is bound to accounts does not see it in lists.

    A mail has `html` beside its `body`, which is plain text. What goes to the webhook `target` has
    no recipients; of those with the same `sequence_of` the next waits until one is sent, and
    `numbers` say the `sequence` of each once it is written.

    What is sent makes addresses of paths: the `link`, which is put below `body`, and each
    `href="/…"` of `html`. `reached` are the addresses it was taken for: another attempt leaves them
    out. The `attachment` is there where it is written and while it is sent; lists leave it out, and
    it is forgotten once it was sent, or `limits.DEAD_FILE_DAYS` after it is dead: then `due_at` is
    when it died. Who may not read what is said gets it without `body`, `html`
    and `numbers`.
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
    html: str | None = None
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    channel: Channel = "mail"
    target: str | None = None
    sequence_of: str | None = None
    subscription: str | None = None
    run: str | None = None
    reached: tuple[str, ...] = ()
    attachment: Attachment | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return whom a mail goes to, each once."""
        return tuple(dict.fromkeys((*self.recipients, *self.cc, *self.bcc)))


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
    subscription: str | None = None
    run: str | None = None
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, whether `more` follow, and how many match in all."""

    items: tuple[Delivery, ...]
    more: bool
    total: int
