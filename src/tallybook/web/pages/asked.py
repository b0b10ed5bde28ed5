"""What the address of the volume page asks for, and the lines that answer it. Anything in an
address that is not understood is as if not said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from tallybook.model.directory import Directory
from tallybook.model.ports import SnapshotPage, SnapshotQuery, SnapshotSort
from tallybook.model.scope import Scope
from tallybook.operations import position as position_op
from tallybook.operations.portfolio import Past
from tallybook.web.api.positions import states
from tallybook.web.pages.frame import with_query
from tallybook.web.services import Services

ROWS: Final = 50
PERIODS: Final = {"": "This period", "last": "Last period"}
CHIPS: Final = {
    "": "All",
    "over": "Over",
    "at_limit": "At limit",
    "likely_over": "Likely over",
    "near": "Near",
    "low_use": "Low use",
}
_SORTS: Final[tuple[SnapshotSort, ...]] = get_args(SnapshotSort)


def whole(text: str, most: int) -> int:
    """Read a small whole number from 0 to `most` out of an address; anything else is 0."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return min(int(text), most) if is_number else 0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for the volume page, by whom, on the directory and instant that answer it."""

    query: Mapping[str, str]
    scope: Scope
    service: Services
    past: Past
    directory: Directory
    when: position_op.Instants

    def link(self, **changes: str | None) -> str:
        """Return the page's address with some of its query changed."""
        return with_query("/volume", self.query, **changes)

    def get(self, name: str, known: Iterable[str]) -> str:
        """Return a value of the query if it is one of those known."""
        value = self.query.get(name, "")
        return value if value in known else ""

    @property
    def is_past(self) -> bool:
        """Tell whether the period before is asked about."""
        return self.get("period", PERIODS) == "last"

    @property
    def sort(self) -> SnapshotSort:
        """Return what the table is sorted by."""
        value = self.query.get("sort")
        return next((known for known in _SORTS if known == value), "projected_overage")

    @property
    def descending(self) -> bool:
        """Return the direction of the sort."""
        return self.query.get("dir") != "asc"

    @property
    def number(self) -> int:
        """Return the page of the table, from 1."""
        return max(whole(self.query.get("page", ""), 999_999), 1)

    def lines(self, query: SnapshotQuery) -> SnapshotPage:
        """List lines as they stand, or as they stood when the period before ended."""
        if self.is_past:
            return self.before(query)
        return position_op.positions(self.scope, self.service.snapshot, query)

    def before(self, query: SnapshotQuery) -> SnapshotPage:
        """List lines as they stood when the period before ended."""
        return self.past.page(self.scope, self.directory, self.service.events, query, self.when)

    def rows(self) -> tuple[SnapshotPage, int]:
        """Return the lines of the table's page and its number; beyond the last is the last."""
        found = self.lines(self._table(self.number))
        last = max(-(-found.total // ROWS), 1)
        if self.number <= last:
            return found, self.number
        return self.lines(self._table(last)), last

    def _table(self, number: int) -> SnapshotQuery:
        return SnapshotQuery(
            states=states(self.get("status", CHIPS)),
            text=self.query.get("q") or None,
            sort=self.sort,
            descending=self.descending,
            offset=(number - 1) * ROWS,
            limit=ROWS,
        )
