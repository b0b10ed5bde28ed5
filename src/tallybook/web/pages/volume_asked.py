"""What the address of the volume page asks for, and the lines that answer it: all of one mark."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict
from tallybook.model.ports import SnapshotPage, SnapshotQuery, SnapshotSort, SnapshotState
from tallybook.model.position import Position
from tallybook.model.scope import Scope
from tallybook.operations import pages
from tallybook.operations import position as position_op
from tallybook.operations.accounts_meant import Chosen
from tallybook.operations.portfolio import Past
from tallybook.web.pages import format as words
from tallybook.web.pages.asked import ROWS, Address, last_page
from tallybook.web.pages.view import Link
from tallybook.web.services import Services

PATH: Final = pages.VOLUME
PERIODS: Final = {"": "This period", "last": "Last period"}
CHIPS: Final = {"": "All", **position_op.STATE_NAMES}
#: What narrows the page, and how a filter that is set says so.
FILTERS: Final = {
    "account": "Account",
    "service": "Service",
    "branch": "Branch",
    "csm": "CSM",
    "status": "Status",
    "q": "Search",
}


class Reading:
    """The snapshot as one page reads it, query by query: it may be refreshed in between."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.state: SnapshotState | None = None

    def note(self, found: SnapshotPage) -> SnapshotPage:
        """Take an answer into the page.

        Raises:
            Conflict: `snapshot_moved`, where it is of another mark than those before.
        """
        if self.state not in {None, found.state}:
            raise _moved()
        self.state = found.state
        return found

    def check(self, lines: Iterable[Position]) -> None:
        """Check that lines are of the mark of the answers before.

        Raises:
            Conflict: `snapshot_moved`.
        """
        if self.state is not None and any(line.known_at != self.state.mark for line in lines):
            raise _moved()


def _moved() -> Conflict:
    return Conflict("snapshot_moved", "New facts came in while the page was made; load it again.")


@dataclass(frozen=True, slots=True)
class Asked(Address):
    """One request for the volume page, by whom, on the directory and instant that answer it."""

    scope: Scope
    service: Services
    past: Past
    directory: Directory
    when: position_op.Instants
    chosen: Chosen
    reading: Reading = field(default_factory=Reading)

    @property
    def is_past(self) -> bool:
        """Tell whether the period before is asked about."""
        return pages.is_past(self.query)

    @property
    def is_worked_out(self) -> bool:
        """Tell whether it is about another period or mark than those of the snapshot."""
        return self.is_past or bool(self.text("known_at"))

    @property
    def sort(self) -> SnapshotSort:
        """Return what the table is sorted by."""
        return self.query_of_all.sort

    @property
    def descending(self) -> bool:
        """Return the direction of the sort."""
        return self.query_of_all.descending

    @property
    def query_of_all(self) -> SnapshotQuery:
        """Return what narrows the page, in its order, without a page of its table."""
        return pages.narrowed(self.query, self.chosen.accounts)

    @property
    def removable(self) -> Iterator[Link]:
        """Yield the filters that are set, each with the address without it."""
        said = {"account": self.chosen.name, "status": CHIPS[self.get("status", CHIPS)]}
        for name, label in FILTERS.items():
            value = self.get(name, CHIPS) if name == "status" else self.text(name)
            if value:
                gone = {"rollup": None} if name == "account" else {}
                url = self.link(page=None, **{name: None}, **gone)
                yield Link(f"{label}: {said.get(name) or value}", url)
        if self.text("known_at"):
            known = words.instant(self.when.mark.now, pages.UTC)
            yield Link(f"As known on {known}", self.link(page=None, known_at=None))

    @property
    def clear_url(self) -> str:
        """Return the address without any filter."""
        return self.link(page=None, rollup=None, known_at=None, **dict.fromkeys(FILTERS))

    def lines(self, query: SnapshotQuery) -> SnapshotPage:
        """List lines as they stand, or stood: when the period before ended, or at a mark.

        Raises:
            Conflict: `snapshot_moved`.
        """
        if self.is_worked_out:
            return self.worked_out(query)
        return self.reading.note(position_op.positions(self.scope, self.service.snapshot, query))

    def worked_out(self, query: SnapshotQuery) -> SnapshotPage:
        """List lines without the snapshot."""
        found = self.past.page if self.is_past else self.past.at
        return found(self.scope, self.directory, self.service.events, query, self.when)

    def together(self, query: SnapshotQuery) -> tuple[Position, ...]:
        """Return the lines of a service added up by their course, as far as this is kept.

        Raises:
            Conflict: `snapshot_moved`.
        """
        if self.is_worked_out:
            return ()
        found = position_op.together(self.scope, self.service.snapshot, query)
        self.reading.check(found)
        return found

    def rows(self) -> tuple[SnapshotPage, int]:
        """Return the lines of the table's page and its number; beyond the last is the last."""
        found = self.lines(self._page(self.number))
        last = last_page(found.total)
        if self.number <= last:
            return found, self.number
        return self.lines(self._page(last)), last

    def _page(self, number: int) -> SnapshotQuery:
        return replace(self.query_of_all, offset=(number - 1) * ROWS, limit=ROWS)
