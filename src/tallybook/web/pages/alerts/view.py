"""What the templates of alerts show, as plain frozen values; see `pages.view`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tallybook.model.alert import FindingStatus
from tallybook.model.check import Severity
from tallybook.model.delivery import DeliveryStatus
from tallybook.web.pages.view import Column, Fact, Find, Frame, Link, ListControls, Money, Option


@dataclass(frozen=True, slots=True)
class CheckCard:
    """A check of the catalogue; `open` counts what it has found and is not resolved."""

    title: str
    url: str
    finds: str
    code: str
    open: int = 0
    subscriptions: int = 0


@dataclass(frozen=True, slots=True)
class CatalogueGroup:
    """The checks of one category."""

    title: str
    checks: tuple[CheckCard, ...]


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """All checks one may run, by category."""

    frame: Frame
    crumbs: tuple[Link, ...]
    total: int
    groups: tuple[CatalogueGroup, ...]
    find: Find


#: How a field is entered; `lines` has one value a line.
Kind = Literal["text", "flag", "choice", "lines"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, sent as `name`; `kind` is how it is entered, `value` what stands in it."""

    name: str
    label: str
    help: str
    kind: Kind
    value: str
    hint: str = ""
    options: tuple[Option, ...] = ()
    fault: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionForm:
    """What a subscription is made of and changed by, in the parts that its form has."""

    variables: tuple[Field, ...]
    narrowing: tuple[Field, ...]
    schedule: tuple[Field, ...]
    recipients: tuple[Field, ...]
    more: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a check found: its cells are in the order of the columns of its table."""

    entity: str
    url: str
    message: str
    cells: tuple[str, ...]
    risk: Money | None


@dataclass(frozen=True, slots=True)
class PreviewTable:
    """What would be found now: `found` in all, of which `rows` are shown; `evaluated` contracts
    were looked at, and for `unjudged` it could not be told.
    """

    columns: tuple[Column, ...]
    rows: tuple[Sample, ...]
    found: int
    evaluated: int
    unjudged: tuple[Fact, ...]
    sees_prices: bool


@dataclass(frozen=True, slots=True)
class CheckPage:
    """One check: what it does, its form, and what it would find with what stands in the form.

    Without `may_subscribe` the form only previews. `problem` says what was wrong with it.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    title: str
    code: str
    finds: str
    repeats: str
    example: str
    tips: tuple[str, ...]
    related: tuple[Link, ...]
    action: str
    form: SubscriptionForm
    preview: PreviewTable | None
    subscriptions: tuple[Link, ...]
    may_subscribe: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One subscription of the list; `next_run` None is off, or snoozed for good."""

    name: str
    url: str
    check: str
    owner: str
    times: str
    zone: str
    next_run: datetime | None
    to: str
    enabled: bool
    is_test: bool
    open: int


@dataclass(frozen=True, slots=True)
class AddressForm:
    """One address that takes the place of another, and `where`: None before that was looked up."""

    old: str = ""
    new: str = ""
    where: tuple[Link, ...] | None = None
    problem: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class SubscriptionsPage:
    """All subscriptions to checks that one may see."""

    frame: Frame
    crumbs: tuple[Link, ...]
    rows: tuple[SubscriptionRow, ...]
    move: AddressForm | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run: `unjudged` by reason in words; `messages` is where what it sent is listed."""

    at: datetime
    kind: str
    evaluated: int
    found: int
    said: int
    resolved: int
    unjudged: str
    error: str
    messages: str = ""


@dataclass(frozen=True, slots=True)
class Snooze:
    """Until when nothing is looked for, and why."""

    until: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class LeavingOut:
    """What was typed of something to be left out; `fault` is what is wrong with `fault_of`."""

    what: str = ""
    note: str = ""
    fault_of: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """One subscription: what it is set to, its runs, and what can be done with it.

    `asleep` is how it is snoozed; `left_out` are the entities that it does not mention, with
    a note each. The form stands open where something in it `is_wrong`.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    title: str
    zone: str
    facts: tuple[Fact, ...]
    runs: tuple[RunRow, ...]
    check: Link
    findings: Link
    action: str
    enabled: bool
    may_change: bool
    form: SubscriptionForm
    asleep: Snooze | None = None
    tomorrow: str = ""
    left_out: tuple[Fact, ...] = ()
    is_wrong: bool = False
    leaving: LeavingOut = LeavingOut()
    is_new: bool = False
    problem: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding of the inbox."""

    id: str
    entity: str
    url: str
    account: str
    account_url: str
    check: str
    message: str
    severity: Severity
    status: FindingStatus
    risk: Money | None
    since: datetime


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """The inbox: the dearest first. `risks` are all of the list's money at risk, by currency.

    With `may_mark` findings can be ticked and dealt with together.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    total: int
    controls: ListControls
    checks: tuple[Option, ...]
    hidden: tuple[tuple[str, str], ...]
    rows: tuple[FindingRow, ...]
    risks: tuple[Money, ...]
    zone: str
    may_mark: bool
    back: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FindingStep:
    """One line of a finding's history."""

    at: datetime
    what: str
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class FindingPage:
    """One finding: its numbers, what can be done about it, and its history."""

    frame: Frame
    crumbs: tuple[Link, ...]
    title: str
    message: str
    status: FindingStatus
    severity: Severity
    facts: tuple[Fact, ...]
    about: tuple[Link, ...]
    steps: tuple[FindingStep, ...]
    zone: str
    action: str
    may_mark: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery of the outbox."""

    subject: str
    url: str
    to: str
    status: DeliveryStatus
    at: datetime
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """What was sent, waits, or could not be sent, newest first."""

    frame: Frame
    crumbs: tuple[Link, ...]
    total: int
    chips: tuple[Link, ...]
    rows: tuple[DeliveryRow, ...]
    zone: str
    more_url: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One delivery: how it stands, and what it says, as a mail shows it and as plain text; neither
    where that may not be read.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    title: str
    status: DeliveryStatus
    facts: tuple[Fact, ...]
    text: str
    html: str
    link: Link
    action: str
    may_resend: bool
    problem: str = ""
