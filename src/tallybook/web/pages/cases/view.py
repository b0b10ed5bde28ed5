"""What the templates of cases show, as plain frozen values; see `pages.view`."""

from dataclasses import dataclass
from datetime import date, datetime

from tallybook.model.case import CaseKind, CaseStatus
from tallybook.web.pages.view import Fact, Frame, Link, ListControls


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is, or was, recorded of a line; `url` is its page."""

    title: str
    url: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A form to write in. `key` tells a request that comes twice; `fault` is what was wrong."""

    action: str
    key: str
    text: str = ""
    fault: str = ""
    hidden: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ContactPage:
    """The form that opens a case. Without a manager it goes to the vendor's administrators."""

    frame: Frame
    crumbs: tuple[Link, ...]
    manager_name: str
    manager_email: str
    numbers: Numbers
    letter: Letter
    kind: CaseKind
    kinds: tuple[tuple[CaseKind, str], ...]
    back_url: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """What somebody wrote; `note` says how far it is on its way to the other side."""

    number: int
    author: str
    side: str
    at: datetime
    text: str
    note: str
    mine: bool


@dataclass(frozen=True, slots=True)
class CasePageView:
    """One case. Without a letter nobody writes in it: it is closed, or the reader may not.

    `post` is the button that closes or reopens it, with the status it asks for.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    title: str
    status: CaseStatus
    zone: str
    messages: tuple[MessageRow, ...]
    numbers: Numbers
    about: tuple[Link, ...]
    letter: Letter | None = None
    post: Link | None = None
    post_status: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of the list; `quote` is how its first message begins."""

    title: str
    url: str
    quote: str
    account: str
    account_url: str
    status: CaseStatus
    messages: int
    created_on: date
    changed_on: date


@dataclass(frozen=True, slots=True)
class CasesPage:
    """The list of cases, newest first; days are those of each account."""

    frame: Frame
    crumbs: tuple[Link, ...]
    total: int
    controls: ListControls
    rows: tuple[CaseRow, ...]
