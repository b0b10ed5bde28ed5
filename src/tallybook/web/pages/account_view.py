"""The drill-down's view models: one account and service, and what its panels say. Data only."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from tallybook.web.pages.contracts.view import TierTable
from tallybook.web.pages.view import (
    ChartView,
    Contribution,
    Fact,
    Filters,
    Frame,
    Freshness,
    Link,
    Note,
    Segment,
    Standing,
    Step,
)


@dataclass(frozen=True, slots=True)
class ContractFacts:
    """What was agreed, in a few lines."""

    number: str
    version: int
    facts: tuple[Fact, ...]
    url: str = ""


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the breakdown; `note` says what is special about a day. Without
    `to_date` its use does not add to that of other days.
    """

    day: date
    used: Decimal
    to_date: Decimal | None
    share: Decimal
    percent: Decimal | None = None
    past: Decimal = Decimal(0)
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One account of a pool: what it brought, `share` in percent where parts add up, what its own
    contracts say of it, and when it belongs to the pool where that is not the whole period.
    """

    name: str
    url: str
    used: Decimal
    share: Decimal | None
    own: str
    belongs: str = ""


@dataclass(frozen=True, slots=True)
class PoolPanel:
    """A pool beside what its accounts agreed on their own; `why` says why the two differ."""

    facts: tuple[Fact, ...]
    why: str
    rows: tuple[PoolRow, ...]
    rest: str = ""


@dataclass(frozen=True, slots=True)
class OveragePanel:
    """What lies beyond the allotment: since when, how much, at which price, at what cost."""

    facts: tuple[Fact, ...]
    price: str = ""
    tiers: TierTable | None = None


@dataclass(frozen=True, slots=True)
class LateRow:
    """A day that late events belong to; `change` None where a day has no use of its own."""

    day: date
    events: int
    known_then: Decimal | None
    used: Decimal | None
    change: Decimal | None
    url: str


@dataclass(frozen=True, slots=True)
class LatePanel:
    """Late events of the period; without rows there are none. `note` is what was not looked at."""

    summary: str
    rows: tuple[LateRow, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One account and service: the drill-down. `zone` is where its days begin and end; `days` are
    rows of an `interval` each, `tables` their other forms, `cycles` leads to other periods.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    name: str
    service: str
    zone: str
    freshness: Freshness
    filters: Filters
    standing: Standing
    chart: ChartView
    contract: ContractFacts | None
    days: tuple[DayRow, ...]
    notes: tuple[Note, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    contributions_title: str = "Made up of"
    contact_url: str = ""
    how: tuple[Step, ...] = ()
    how_url: str = ""
    rules: str = "Midnight to midnight"
    interval: Literal["day", "month"] = "day"
    tables: tuple[Segment, ...] = ()
    cycles: Segment | None = None
    pool: PoolPanel | None = None
    overage: OveragePanel | None = None
    late: LatePanel | None = None
    check_url: str = ""
