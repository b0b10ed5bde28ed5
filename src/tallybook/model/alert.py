"""What people set a check to, what it found for them, and what became of that. Sends nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from tallybook.model.check import Severity, Values
from tallybook.model.mark import Mark
from tallybook.model.scope import Role

Mode = Literal["live", "test"]
Split = Literal["none", "branch", "recipient"]
#: `full` says all that is found, also what was said before; `test` goes to the owner only.
RunKind = Literal["standard", "full", "test"]
FindingStatus = Literal["open", "acknowledged", "snoozed", "resolved"]
#: What happened to a finding; `said` is that a message tells of it.
FindingAct = Literal["found", "changed", "said", "acknowledged", "snoozed", "resolved", "reopened"]


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who is told. `to`, `cc` and `bcc` are addresses, `users` those of users, `roles` all users of
    a role (of the finding's branch, where they have branches); `csm` and `sales_rep` are those of
    each contract; `webhooks` are ids of endpoints.
    """

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    csm: bool = False
    sales_rep: bool = False
    webhooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody's values, schedule and recipients for a check. It holds no rights: it is run with
    what its `owner` may see then.

    `accounts` and `branches` narrow what is looked at, empty is all; an account stands for its
    tree. `cron` counts by the clock of `timezone`. `excluded` are entities that are not mentioned,
    each with a note, as a snooze may have. Those with the same `digest` and schedule are one mail.
    `due_at` is when it last was due, and was decided.
    """

    id: str
    check: str
    name: str
    owner: str
    values: Values
    accounts: tuple[str, ...]
    branches: tuple[str, ...]
    cron: str
    timezone: str
    recipients: Recipients
    subject: str
    split_by: Split
    mode: Mode
    enabled: bool
    created_at: datetime
    snooze_until: datetime | None = None
    snooze_note: str | None = None
    digest: str | None = None
    sends_empty: bool = False
    excluded: Mapping[str, str] | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation of a subscription: decided once for each instant at which it was due.

    `evaluated` counts what was looked at, `found` what it found, `said` what a message tells of,
    `unjudged` what could not be judged, by reason.
    """

    id: str
    subscription: str
    kind: RunKind
    due_at: datetime
    started_at: datetime
    finished_at: datetime
    known_at: Mark
    evaluated: int = 0
    found: int = 0
    said: int = 0
    resolved: int = 0
    unjudged: Mapping[str, int] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a subscription found of an entity, for as long as it is remembered.

    `fingerprint` is that of the inputs that were said last, None once it is forgotten, so that a
    relapse speaks again. `seen_state` is the state that was said last. A snoozed one is silent
    until `until`. `revision` counts how often it was written, as of when it was read.
    """

    id: str
    subscription: str
    check: str
    entity: str
    step: str
    period: str
    account: str
    contract: str | None
    line: str | None
    branch: str | None
    state: str
    severity: Severity
    message: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    money_at_risk: Decimal | None
    currency: str | None
    status: FindingStatus
    first_seen: datetime
    last_seen: datetime
    fingerprint: str | None = None
    seen_state: str | None = None
    said_at: datetime | None = None
    resolved_at: datetime | None = None
    until: datetime | None = None
    note: str | None = None
    revision: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FindingEvent:
    """One line of a finding's history, oldest first; `by` is a user, or the run that did it."""

    finding: str
    at: datetime
    by: str
    act: FindingAct
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FindingQuery:
    """Which findings to list: the dearest first, by currency, then the newest. None does not
    narrow; `at` is the instant at which the scope must see the account. `visible` are the checks of
    which who asks may hear at all: nothing of others is counted anywhere.
    """

    at: datetime
    accounts: frozenset[str] | None = None
    contract: str | None = None
    check: str | None = None
    subscription: str | None = None
    statuses: frozenset[FindingStatus] = frozenset({"open", "acknowledged", "snoozed"})
    text: str | None = None
    sort: Literal["money_at_risk", "first_seen", "last_seen", "account"] = "money_at_risk"
    descending: bool = True
    offset: int = 0
    limit: int = 50
    visible: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Some findings, how many match in all, how many there are by status and by check whatever
    was asked of those, and the money at risk by currency of all that match: once, where several
    subscriptions to a check, or steps of a period, found it.
    """

    items: tuple[Finding, ...]
    total: int
    by_status: Mapping[str, int]
    by_check: Mapping[str, int]
    money_at_risk: Mapping[str, Decimal]
