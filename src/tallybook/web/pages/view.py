"""What the templates show, as plain frozen values: exact quantities, dates, words and addresses.

A page is one of the `…Page` values. Nothing here is computed and nothing is formatted; whoever
answers a request fills these in, and an amount that may not be seen is None.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from tallybook.web.charts.bar import Tone

Status = Literal["no_allotment", "ok", "near", "at_limit", "over"]
Interval = Literal["hour", "day", "week", "month", "quarter", "year"]


# --- The frame around every page ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place to go; `key` is the letter that follows `g` on the keyboard."""

    label: str
    url: str
    icon: str
    key: str
    current: bool = False
    badge: int | None = None


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Places under one heading; the first group has none."""

    items: tuple[NavItem, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, and in a few words what they may see."""

    name: str
    detail: str

    @property
    def initials(self) -> str:
        """At most two letters for the round picture."""
        return "".join(word[0] for word in self.name.split()[:2]).upper()


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page shares. Without a person there is no navigation."""

    title: str
    person: Person | None = None
    nav: tuple[NavGroup, ...] = ()
    theme: Literal["system", "light", "dark"] = "system"
    sample_data: bool = False
    back: str = "/"  # where the theme form returns to


# --- Controls ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """A word that leads somewhere; `current` marks the one shown now."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """One of a few links is current: period, view, roll-up."""

    label: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """A labelled choice in a filter form, sent as `name`."""

    label: str
    name: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Custom:
    """The form for a span of one's own choice, both days inside; it keeps `hidden`."""

    first: date
    last: date
    current: bool = False
    hidden: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """The bar under the title: links, and one GET form to `action` that keeps `hidden`."""

    action: str
    segments: tuple[Segment, ...] = ()
    selects: tuple[Select, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()
    custom: Custom | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """The search field of a table, sent as `q` to `action` with `hidden`."""

    action: str
    value: str = ""
    hidden: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter with its count."""

    label: str
    url: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; `order` is set on the column sorted by. A `wide` one is left out on phones."""

    label: str
    url: str = ""
    numeric: bool = True
    wide: bool = False
    order: Literal["ascending", "descending"] | None = None


@dataclass(frozen=True, slots=True)
class Pager:
    """Which rows are shown, counted from 1, out of how many, and the neighbours."""

    first: int
    last: int
    total: int
    previous_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True)
class ListControls:
    """What a list is narrowed, searched, sorted and paged by. `removable` are filters that no
    select shows: their links take them out. `clear_url` is the list without any filter.
    """

    chips: tuple[Chip, ...]
    find: Find
    columns: tuple[Column, ...]
    pager: Pager
    clear_url: str
    removable: tuple[Link, ...] = ()


# --- Numbers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; None when it may not be seen."""

    amount: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """Until when the numbers are complete, and when they change next, in `zone`."""

    data_through: datetime
    zone: str
    next_update: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where the period ends: quantities in the unit of the standing it belongs to.

    `passes_on` is the day the allotment is, or was, passed. `cost` is the amount for the
    projected overage, one a currency. `period_end` is the period's last day.
    """

    status: Literal["estimate", "actual", "not_enough_data"]
    period_end: date
    projected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    percent: Decimal | None = None
    daily_mean: Decimal | None = None
    remaining_days: int = 0
    overage: Decimal = Decimal(0)
    cost: tuple[Money, ...] = ()
    passes_on: date | None = None
    basis: str = "An estimate from the last seven complete days."


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one quantity stands: always in one unit, never a sum over several.

    `allotment` None is none or unlimited. `change` is percent against the same number of days
    of the previous period.
    """

    unit: str
    used: Decimal
    allotment: Decimal | None
    percent: Decimal | None
    overage: Decimal
    status: Status
    forecast: Forecast
    likely_over: bool = False
    low_use: bool = False
    change: Decimal | None = None

    @property
    def tone(self) -> Tone:
        """The colour of its bar: red is over or at the limit, amber is likely over."""
        if self.status in {"over", "at_limit"}:
            return "over"
        return "risk" if self.likely_over else "plain"


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One bucket from its local `start`. Used and running values for what is complete, the
    forecast's for what is ahead, the running total of the previous period for both.
    """

    start: date | datetime
    used: Decimal | None = None
    to_date: Decimal | None = None
    forecast: Decimal | None = None
    projected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    previous: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart and the links to its other forms; `kind` table shows the same points as rows."""

    title: str
    kind: Literal["cumulative", "daily", "table"]
    views: Segment
    unit: str
    points: tuple[ChartPoint, ...]
    allotment: Decimal | None = None
    pace: Decimal | None = None
    interval: Interval = "day"
    note: str = ""  # what the numbers leave out, or how their days are cut


# --- Pages -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the contract card; `hint` is said more quietly after it."""

    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened: an alert, late events, a restated total."""

    icon: str
    tone: Tone | Literal["good"]
    title: str
    detail: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one account of the tree, or one group, used; `share` in percent where parts add up."""

    name: str
    used: Decimal
    share: Decimal | None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of how a number came about, as a sentence or two."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One fact as it counted; `quantity` None when the meter did not, `reason` its correction's."""

    time: datetime
    received_at: datetime
    id: str
    source: str
    account: str
    quantity: Decimal | None
    state: Literal["counted", "voided", "replaced", "unresolved"] = "counted"
    codes: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EventsPage:
    """The events that made one day's number."""

    frame: Frame
    crumbs: tuple[Link, ...]
    day: date
    zone: str
    unit: str
    total: Decimal
    rows: tuple[EventRow, ...]
    pager: Pager
    freshness: Freshness
    chips: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in form; `next_url` is where it leads, `problem` why the last try failed."""

    frame: Frame
    email: str = ""
    next_url: str = "/"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to type, and what for."""

    purpose: str
    line: str


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A state with words: nothing yet, an error, not yours or not there. Says what to do next.

    `request_id` helps the person who is asked about an error.
    """

    frame: Frame
    icon: str
    title: str
    sentence: str
    links: tuple[Link, ...] = ()
    request_id: str = ""
    commands: tuple[Command, ...] = ()
    post: Link | None = None  # an action that changes something: a form
