"""Which line and period an address of the drill-down asks for, worked out. Shows nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request

from tallybook.model.directory import Directory
from tallybook.model.errors import NotFound
from tallybook.model.pages import line_page
from tallybook.model.position import Method, Position
from tallybook.model.scope import Scope
from tallybook.operations import cycles
from tallybook.operations import position as position_op
from tallybook.operations.pages import METHODS, ROLLUPS
from tallybook.positions.explanation import Explanation
from tallybook.positions.terms import Terms
from tallybook.web.api.positions import instants
from tallybook.web.pages.frame import with_query, zone_of
from tallybook.web.services import Services

T = TypeVar("T")

_MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """One line as the page shows it: its terms in the period shown and now, its position, how it
    came about and the period before.
    """

    path: str
    query: Mapping[str, str]
    directory: Directory
    line: Terms
    current: Terms | None
    found: Position
    how: Explanation
    before: Position | None
    when: position_op.Instants
    method: Method = "mean_7"

    @property
    def is_past(self) -> bool:
        """Tell whether it is another period than that of today."""
        return self.current is None or self.line.period != self.current.period

    @property
    def rollup(self) -> bool | None:
        """Return whether the tree counts; None is as the contract says."""
        return ROLLUPS.get(self.query.get("rollup", ""))

    @property
    def zone(self) -> str:
        """Return the zone in which the line's days begin and end."""
        return calendar_zone(self.directory, self.found)

    @property
    def last_complete(self) -> date:
        """Return the last local day of the period that is complete."""
        return (self.found.data_through - _MOMENT).astimezone(ZoneInfo(self.zone)).date()

    def link(self, **changes: str | None) -> str:
        """Return this page's address with some of its query changed."""
        return with_query(self.path, self.query, **changes)


def look(request: Request, scope: Scope, service: Services, key: tuple[str, str]) -> Shown:
    """Work out the line and period that an address asks for.

    Raises:
        NotFound: as `operations.position.position`.
    """
    query = dict(request.query_params)
    now = instants(scope, service, None, query.get("known_at") or None)
    directory = service.directories.at(scope, now.mark.revision).on(now.now.date())
    rollup = ROLLUPS.get(query.get("rollup", ""))
    method = METHODS.get(query.get("forecast", ""), "mean_7")

    def at(instant: position_op.Instants) -> tuple[Position, Explanation]:
        return position_op.position(
            scope, directory, service.events, key, instant, rollup=rollup, method=method
        )

    def line_at(instant: position_op.Instants) -> Terms:
        return position_op.find_line(scope, directory, key, instant, rollup=rollup)

    when = cycles.instant(scope, directory, key, query, now)
    found, how = at(when)
    line = line_at(when)
    current = line if when == now else _or_none(lambda: line_at(now))
    earlier = _or_none(lambda: at(cycles.before(line, when))[0])
    return Shown(
        line_page(*key), query, directory, line, current, found, how, earlier, when, method
    )


def _or_none(made: Callable[[], T]) -> T | None:
    """Return what is there, None where a line was not in force."""
    try:
        return made()
    except NotFound:
        return None


def calendar_zone(directory: Directory, found: Position) -> str:
    """Return the zone of a position's contract, else of its account."""
    return zone_of(directory, found.contract, found.account)
