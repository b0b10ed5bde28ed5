"""What the template of the contract editor shows, as plain frozen values; see `pages.view`."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from tallybook.web.pages.contracts.view import Change
from tallybook.web.pages.view import Frame, Link, Money, Note


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form; `fault` says what is wrong with what was typed."""

    name: str
    label: str
    kind: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    fault: str = ""

    @property
    def id(self) -> str:
        """An identifier for its label."""
        return f"f-{self.name.replace('.', '-')}"


@dataclass(frozen=True, slots=True)
class Part:
    """One of a list: a line, a base charge; `below` is its path."""

    below: str
    title: str
    fields: tuple[Field, ...]
    fault: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under a heading, or the parts of a list with an empty one to add. `more` parts are in
    the document's text only.
    """

    title: str
    fields: tuple[Field, ...] = ()
    parts: tuple[Part, ...] = ()
    empty: Part | None = None
    more: int = 0
    one: str = ""


@dataclass(frozen=True, slots=True)
class MoneyChange:
    """An amount of the current period before and after; None is not there."""

    what: str
    before: Money | None
    after: Money | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What saving would do: from which day, what differs, what it comes to, and what is odd."""

    valid_from: date | None
    changes: tuple[Change, ...]
    period: str = ""
    money: tuple[MoneyChange, ...] = ()
    findings: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class EditPage:
    """The editor. `document` is what its fields stand on, as text; in `mode` text it is what is
    edited. `theirs` is what somebody else changed meanwhile; `version` is what a save stands on.
    """

    frame: Frame
    crumbs: tuple[Link, ...]
    title: str
    action: str
    back_url: str
    mode: Literal["form", "text"]
    is_new: bool
    number: str
    account: str
    document: str
    sections: tuple[Section, ...]
    version: int
    valid_from: str
    applies: str
    reason: str
    faults: tuple[Link, ...] = ()
    preview: Preview | None = None
    theirs: tuple[Change, ...] = ()
    conflict: str = ""
    planned: str = ""
    field_faults: dict[str, str] | None = None
