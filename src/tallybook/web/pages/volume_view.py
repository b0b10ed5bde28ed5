"""What the template of the volume page shows, as plain frozen values; see `pages.view`."""

from dataclasses import dataclass
from decimal import Decimal

from tallybook.web.pages.view import (
    ChartView,
    Frame,
    Freshness,
    Link,
    ListControls,
    Money,
    Option,
    Segment,
    Select,
    Standing,
)


@dataclass(frozen=True, slots=True)
class AccountField:
    """The field for one account and its tree: its key, and accounts to pick from. `problem` says
    why nobody is meant, and `alike` leads to who might be.
    """

    value: str
    options: tuple[Option, ...]
    tree: Segment | None = None
    problem: str = ""
    alike: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeFilters:
    """What narrows the page: links, and one GET form to `action` that keeps `hidden`. `set` are
    the filters in force, each with the address without it.
    """

    action: str
    periods: Segment
    account: AccountField | None
    selects: tuple[Select, ...]
    hidden: tuple[tuple[str, str], ...] = ()
    set: tuple[Link, ...] = ()
    clear_url: str = ""


@dataclass(frozen=True, slots=True)
class ServiceBar:
    """One service of the portfolio in its own unit."""

    name: str
    url: str
    standing: Standing
    current: bool = False


@dataclass(frozen=True, slots=True)
class Attention:
    """How many of the charted lines need a look, out of how many."""

    over: int
    at_limit: int
    likely_over: int
    total: int

    @property
    def count(self) -> int:
        """All of them; no account is counted twice."""
        return self.over + self.at_limit + self.likely_over


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """One account and service. `toggle_url` opens or closes its children in place; `part` says
    what an account is of a pool, and stands in for a status of its own. `remaining` None is no
    promise of a limit.
    """

    name: str
    url: str
    service: str
    standing: Standing
    remaining: Decimal | None = None
    recent: tuple[Decimal, ...] = ()
    depth: int = 0
    children: int = 0
    toggle_url: str = ""
    expanded: bool = False
    part: str = ""

    @property
    def how_url(self) -> str:
        """The way to how this line's numbers came about."""
        return f"{self.url}#how"


@dataclass(frozen=True, slots=True)
class VolumeTotal:
    """The sums of all lines of the list in one unit and currency, not only of those on the page.

    `cost` is for the projected overage of lines with an allotment; empty for whom it is not.
    """

    unit: str
    currency: str
    lines: int
    used: Decimal
    allotment: Decimal
    projected: Decimal
    overage: Decimal
    cost: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeTable:
    """The card of contract lines. Its columns are, in this order: account, service, used,
    allotment, of allotment, remaining, forecast, overage, daily, status. `every` counts the lines
    without any filter; `known_at` is the mark of all numbers.
    """

    total: int
    every: int
    rows: tuple[VolumeRow, ...]
    totals: tuple[VolumeTotal, ...]
    controls: ListControls
    sees_prices: bool = True
    known_at: str = ""


@dataclass(frozen=True, slots=True)
class Charted:
    """One service in numbers and as a chart, and how it stands among `services`."""

    service: str
    standing: Standing
    attention: Attention
    chart: ChartView
    services: tuple[ServiceBar, ...]
    services_url: str = ""  # where those are that are not among `services`
    known_at: str = ""


@dataclass(frozen=True, slots=True)
class VolumePage:
    """The portfolio: one service in numbers, all services as bars, lines as rows. Nothing is
    charted where no line matches the filters.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    freshness: Freshness | None
    filters: VolumeFilters
    charted: Charted | None
    table: VolumeTable

    @property
    def how_url(self) -> str:
        """The way to how the charted numbers came about, where they are those of one line."""
        rows = [row for row in self.table.rows if not row.depth]
        if not self.charted or len(rows) < self.table.total:
            return ""
        urls = [row.how_url for row in rows if row.service == self.charted.service]
        return urls[0] if len(urls) == 1 else ""
