"""What the address of the volume page asks for, and the lines that answer it."""

from dataclasses import dataclass, replace
from typing import Final, get_args

from tallybook.model.directory import Directory
from tallybook.model.ports import SnapshotPage, SnapshotQuery, SnapshotSort
from tallybook.model.scope import Scope
from tallybook.operations import position as position_op
from tallybook.operations.portfolio import Past
from tallybook.web.api.positions import states
from tallybook.web.pages.asked import ROWS, Address, last_page
from tallybook.web.services import Services

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


@dataclass(frozen=True, slots=True)
class Asked(Address):
    """One request for the volume page, by whom, on the directory and instant that answer it."""

    scope: Scope
    service: Services
    past: Past
    directory: Directory
    when: position_op.Instants

    @property
    def is_past(self) -> bool:
        """Tell whether the period before is asked about."""
        return self.get("period", PERIODS) == "last"

    @property
    def sort(self) -> SnapshotSort:
        """Return what the table is sorted by."""
        return self.sorted_by(_SORTS, "projected_overage")

    @property
    def descending(self) -> bool:
        """Return the direction of the sort."""
        return self.text("dir") != "asc"

    @property
    def query_of_all(self) -> SnapshotQuery:
        """Return what narrows the table, in its order, without a page of it."""
        return SnapshotQuery(
            states=states(self.get("status", CHIPS)),
            text=self.text("q") or None,
            sort=self.sort,
            descending=self.descending,
        )

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
        last = last_page(found.total)
        if self.number <= last:
            return found, self.number
        return self.lines(self._table(last)), last

    def _table(self, number: int) -> SnapshotQuery:
        return replace(self.query_of_all, offset=(number - 1) * ROWS, limit=ROWS)
