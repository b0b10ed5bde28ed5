"""What differs from engine to engine: the primitives that a statement is put together from, and
how its values are bound. Each store has a module of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tallybook.model.scope import Member


class Parameters(dict[str, Any], ABC):
    """Values of a statement by name; the same value is bound once."""

    def bind(self, value: Any) -> str:
        """Add a value and return its placeholder."""
        for name, known in self.items():
            if type(known) is type(value) and known == value:
                return self._placeholder(name, value)
        name = f"p{len(self)}"
        self[name] = value
        return self._placeholder(name, value)

    @abstractmethod
    def _placeholder(self, name: str, value: Any) -> str:
        """Write the place of a value."""


class Places(NamedTuple):
    """The tables that a question reads, whether rows in them may have been corrected, and what
    must hold for each row and correction there.
    """

    relations: Sequence[str]
    corrected: bool
    terms: Sequence[str] = ()


@dataclass(slots=True)
class Rows:
    """Which rows of which tables, and the properties read from each."""

    relations: Sequence[str]
    bound: Parameters
    #: What must hold for a row, in terms of the table's own columns.
    terms: list[str] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    #: Columns of the table itself that are asked for beside those that every question has.
    envelope: list[str] = field(default_factory=list)

    def read(self, path: str) -> str:
        """Ask for a property; return the column that holds its text."""
        return self.paths.setdefault(path, f"x{len(self.paths)}")


@dataclass(frozen=True, slots=True)
class Statement:
    """A question in the grammar that all engines share, before it is written down.

    `columns` are worked out for each row, by name, and `selected` of them; `join` adds a relation
    `m` to the rows `e`; all of `conditions` must hold; `end` is what follows them.
    """

    rows: Rows
    selected: Sequence[str]
    columns: dict[str, str] = field(default_factory=dict)
    join: str = ""
    conditions: Sequence[str] = ()
    end: str = ""


class Dialect(Protocol):
    """SQL that depends on the engine. No caller's text gets in: values are bound, tables are named
    by us, numbers are Python integers. Where `x` is an expression, so is what comes back.
    """

    #: What an aggregation's file calls its expressions for this engine, where it has some.
    NAME: str

    def parameters(self) -> Parameters:
        """Return an empty set of bound values."""
        ...

    def decimal(self, x: str) -> str:
        """Read a text as DECIMAL(38,12); NULL where it is none."""
        ...

    def matches(self, x: str, pattern: str) -> str:
        """Say that a regular expression matches all of a text."""
        ...

    def divided(self, x: str, by: str) -> str:
        """Divide an integer that is not negative, without the rest."""
        ...

    def newest(self, x: str, by: str) -> str:
        """Take the value of a group where `by` is greatest."""
        ...

    def among(self, x: str, values: Sequence[str], bound: Parameters) -> str:
        """Say that a text is one of many."""
        ...

    def members(self, members: Sequence[Member], bound: Parameters) -> str:
        """Make a relation of members: `account`, `first` and `last` in microseconds, `grp`."""
        ...

    def written(self, statement: Statement) -> str:
        """Write a statement down; texts of properties are read from where this engine has them."""
        ...
