"""What the templates of contracts show, as plain frozen values; the rules are those of
`pages.view`, whose values these pages share.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from tallybook.web.pages.view import (
    Filters,
    Frame,
    Link,
    ListControls,
    Money,
    Note,
    Standing,
)

State = Literal["active", "planned", "draft", "ended"]


@dataclass(frozen=True, slots=True)
class ContractRow:
    """One contract of the list; `base` is a month's, None without one or where it may not be
    seen. `end` None is without end.
    """

    number: str
    url: str
    name: str
    account: str
    account_url: str
    type: str
    start: date
    end: date | None
    renews: bool
    lines: int
    csm: str
    state: State
    is_ending: bool
    base: Money | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What is listed, in numbers; `base` is what active ones come to in a month, one a currency."""

    found: int
    active: int
    ending: int
    accounts: int
    base: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractsPage:
    """The list, what it is sifted by, and what is listed in numbers."""

    frame: Frame
    crumbs: tuple[Link, ...]
    filters: Filters
    controls: ListControls
    rows: tuple[ContractRow, ...]
    figures: Figures
    sees_prices: bool
    ending_url: str
    new_url: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """A row of a price table: what it is for, and its prices as text."""

    span: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TierTable:
    """Tiers of a price, or the cells of one by dimensions; `title` heads the spans."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One term in words: a label, its value, and where that leads."""

    label: str
    value: str
    hint: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """A line or a meter group: what is included and what the rest costs, as sentences. `standing`
    is where it stands now.
    """

    code: str
    name: str
    kind: str
    sentences: tuple[str, ...]
    tiers: TierTable | None = None
    url: str = ""
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class BaseRow:
    """A base charge: its whole amount a cycle, when it is billed, and what it is for."""

    name: str
    amount: Decimal | None
    cycle: str
    timing: str
    level: str


@dataclass(frozen=True, slots=True)
class Phase:
    """Part of the term: `at` and `wide` are percent of the band; `changes` what it replaces."""

    name: str
    start: date
    end: date | None
    at: Decimal
    wide: Decimal
    is_current: bool = False
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """The phases over the term; `end` is exclusive, `today` in percent where it lies within."""

    start: date
    last: date
    is_open: bool
    phases: tuple[Phase, ...]
    today: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed, as it holds on a day."""

    parties: tuple[Said, ...]
    term: tuple[Said, ...]
    billing: tuple[Said, ...]
    currency: str
    base: tuple[BaseRow, ...] = ()
    lines: tuple[Clause, ...] = ()
    groups: tuple[Clause, ...] = ()
    others: tuple[Said, ...] = ()
    attributes: tuple[Said, ...] = ()
    band: Band | None = None
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two documents; an empty side is not there."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a contract: from when it holds, when it was written, by whom and why; no
    author where that is not told.
    """

    number: int
    valid_from: date | None
    recorded_at: datetime
    author: str | None
    reason: str
    url: str
    is_shown: bool
    is_retired: bool = False
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractPage:
    """One contract as it holds on the day `on`; `known` is what was asked for, `past` says in words
    that it is not as of now.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    number: str
    name: str
    state: State
    is_ending: bool
    zone: str
    on: date
    known: str
    path: str
    terms: Terms
    versions: tuple[VersionRow, ...]
    statements_url: str
    sees_prices: bool
    past: str = ""
    findings: tuple[Note, ...] = ()
    edit_url: str = ""
    check_url: str = ""
    found: tuple[Link, ...] = ()
