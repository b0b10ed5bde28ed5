"""What the templates of contracts show, as plain frozen values; the rules are those of
`pages.view`, whose values these pages share.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from tallybook.web.pages.view import Chip, Column, Filters, Find, Frame, Link, Money, Pager

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
    """The list. `removable` are filters that no select shows; their links take them out."""

    frame: Frame
    crumbs: tuple[Link, ...]
    filters: Filters
    removable: tuple[Link, ...]
    chips: tuple[Chip, ...]
    find: Find
    columns: tuple[Column, ...]
    rows: tuple[ContractRow, ...]
    pager: Pager
    figures: Figures
    sees_prices: bool
    clear_url: str
    ending_url: str
    new_url: str = ""
