"""What the address of a list asks for, and the links of that list that ask for something else.
Anything in an address that is not understood is as if not said. What is listed is not known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

from tallybook.web.pages.frame import carried, with_query
from tallybook.web.pages.view import Column, Find, Pager

ROWS: Final = 50
_PAGE_MAX: Final = 999_999
_Sort = TypeVar("_Sort", bound=str)


def whole(text: str, most: int) -> int:
    """Read a small whole number from 0 to `most` out of an address; anything else is 0."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return min(int(text), most) if is_number else 0


def last_page(total: int) -> int:
    """Return the number of the last page of that many rows; without rows it is the first."""
    return max(-(-total // ROWS), 1)


@dataclass(frozen=True, slots=True)
class Address:
    """The path of a list and its query: `page`, `sort`, `dir`, `q`, and filters of its own."""

    path: str
    query: Mapping[str, str]

    def link(self, **changes: str | None) -> str:
        """Return this address with some of its query changed; None takes a value out."""
        return with_query(self.path, self.query, **changes)

    def text(self, name: str) -> str:
        """Return a value of the query as it came, empty when it is not said."""
        return self.query.get(name, "")

    def get(self, name: str, known: Iterable[str]) -> str:
        """Return a value of the query if it is one of those known."""
        value = self.text(name)
        return value if value in known else ""

    def sorted_by(self, known: Iterable[_Sort], otherwise: _Sort) -> _Sort:
        """Return what the list is sorted by."""
        return next((one for one in known if one == self.text("sort")), otherwise)

    @property
    def number(self) -> int:
        """Return the page that is asked for, from 1; there may be fewer."""
        return max(whole(self.text("page"), _PAGE_MAX), 1)

    def kept(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return what a form that sends `names` keeps of the rest; never the page."""
        left = {*names, "page"}
        return tuple((n, v) for n, v in carried(self.query).items() if n not in left)

    def find(self) -> Find:
        """Return the search field, which keeps the filters."""
        return Find(self.path, self.text("q"), self.kept("q"))

    def heading(
        self, column: Column, sort: str, by: str, *, descending: bool, first: Literal["asc", "desc"]
    ) -> Column:
        """Return a heading that sorts by `sort`, at first in the direction `first`; where the list
        is sorted `by` that already, the other way round.
        """
        if sort != by:
            return replace(column, url=self.link(sort=sort, dir=first, page=None))
        turned = self.link(sort=sort, dir="asc" if descending else "desc", page=None)
        return replace(column, url=turned, order="descending" if descending else "ascending")

    def pager(self, number: int, total: int) -> Pager:
        """Return which rows page `number` shows, and the links to its neighbours."""
        return Pager(
            (number - 1) * ROWS + 1 if total else 0,
            min(number * ROWS, total),
            total,
            self.link(page=str(number - 1)) if number > 1 else "",
            self.link(page=str(number + 1)) if number < last_page(total) else "",
        )
