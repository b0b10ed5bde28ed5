"""What the templates of statements show, as plain frozen values; see `pages.view`."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from tallybook.web.pages.view import Frame, Freshness, Link, Step

StatementState = Literal["open", "closed", "held"]


@dataclass(frozen=True, slots=True)
class PartRow:
    """One piece of a charge: how much of what, at which price; texts, as units differ."""

    name: str
    quantity: str
    price: str
    amount: str


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """One amount of a statement and how it came about; `link` leads to the days it was used on."""

    title: str
    code: str
    kind: str
    quantity: Decimal | None
    billable: Decimal | None
    unit: str
    amount: Decimal | None
    steps: tuple[Step, ...] = ()
    parts: tuple[PartRow, ...] = ()
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class ChargeGroup:
    """Charges of one kind under their heading."""

    title: str
    rows: tuple[ChargeRow, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """What it comes to; all None where amounts may not be seen."""

    subtotal: Decimal | None
    credits: tuple[ChargeRow, ...]
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Close:
    """The form that closes a statement; `reason` must be given for one that is held. What was
    typed is kept, `problem` says why the last try failed.
    """

    url: str
    period: date
    is_held: bool
    reason: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class StatementPage:
    """One statement. Days are local, `last` is the period's last; `note` says when it can be
    closed, or by whom it was and why.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    contract: str
    account: str
    bill_to: str
    first: date
    last: date
    is_stub: bool
    is_supplementary: bool
    state: StatementState
    currency: str
    zone: str
    known_at: datetime
    groups: tuple[ChargeGroup, ...]
    totals: Totals
    sees_prices: bool
    contract_url: str
    list_url: str
    freshness: Freshness | None = None
    sha256: str = ""
    held_above: Decimal | None = None
    note: str = ""
    previous_url: str = ""
    next_url: str = ""
    close: Close | None = None


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement of a contract in a list."""

    first: date
    last: date
    url: str
    state: StatementState
    is_stub: bool
    is_supplementary: bool
    subtotal: Decimal | None
    total: Decimal | None
    sha256: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatementsPage:
    """All statements of a contract up to today's, the latest first."""

    frame: Frame
    crumbs: tuple[Link, ...]
    contract: str
    account: str
    currency: str
    zone: str
    rows: tuple[StatementRow, ...]
    count: int
    sees_prices: bool
    contract_url: str
    more_url: str = ""
    first_url: str = ""
