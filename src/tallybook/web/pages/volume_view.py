"""What the template of the volume page shows, as plain frozen values; see `pages.view`."""

from dataclasses import dataclass
from decimal import Decimal

from tallybook.web.pages.view import (
    ChartView,
    Filters,
    Frame,
    Freshness,
    Link,
    ListControls,
    Standing,
)


@dataclass(frozen=True, slots=True)
class ServiceBar:
    """One service of the portfolio in its own unit."""

    name: str
    url: str
    standing: Standing
    current: bool = False


@dataclass(frozen=True, slots=True)
class Attention:
    """How many lines of the selected service need a look, out of how many."""

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
    what an account is of a pool, and stands in for a status of its own.
    """

    name: str
    url: str
    service: str
    standing: Standing
    recent: tuple[Decimal, ...] = ()
    depth: int = 0
    children: int = 0
    toggle_url: str = ""
    expanded: bool = False
    part: str = ""


@dataclass(frozen=True, slots=True)
class VolumeTable:
    """The card of contract lines. Its columns are, in this order: account, service, used,
    allotment, of allotment, forecast, overage, daily, status.
    """

    total: int
    rows: tuple[VolumeRow, ...]
    controls: ListControls


@dataclass(frozen=True, slots=True)
class VolumePage:
    """The portfolio: the selected service in numbers, all services as bars, lines as rows."""

    frame: Frame
    crumbs: tuple[Link, ...]
    freshness: Freshness
    filters: Filters
    service: str
    standing: Standing
    attention: Attention
    chart: ChartView
    services: tuple[ServiceBar, ...]
    table: VolumeTable
    services_url: str = ""  # where those are that are not among `services`
    how_url: str = ""
    export_url: str = ""
