"""A table that somebody takes along: typed columns, rows, and a header that says what they are.
What is in it and how a format writes it is decided elsewhere.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from tallybook.model.quantity import exact_text

Kind = Literal["text", "flag", "whole", "quantity", "money", "percent", "date", "instant"]
Cell = str | bool | int | Decimal | date | datetime | None


class SheetColumn(NamedTuple):
    """A column by its name; `percent` holds percent (37.5), `money` amounts already rounded."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to be written once: `rows` are taken as they are written, never all in memory.

    `about` is the header, name by name; it is asked for when the rows have been taken, as it may
    sum them up. `zone` is the IANA zone that local times are written in, `as_of` the instant that
    stands for the file's own: the same rows then give the same bytes.
    """

    title: str
    columns: tuple[SheetColumn, ...]
    rows: Iterable[Sequence[Cell]]
    about: Callable[[], Sequence[tuple[str, str]]]
    as_of: datetime
    zone: str


def digits(number: Decimal | int, kind: Kind) -> str:
    """Write a number with all its digits; amounts keep the zeros of their minor unit."""
    return f"{number:f}" if kind == "money" else exact_text(Decimal(number))
