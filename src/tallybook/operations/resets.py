"""Where counters fell: readings below the one before of the same counter. They count as no use, and
somebody should look at them.
"""

from collections.abc import Sequence
from datetime import datetime

from tallybook.aggregations._shape import aggregation_of
from tallybook.model.directory import Directory
from tallybook.model.errors import NotFound
from tallybook.model.limits import PAGE_ROWS_MAX
from tallybook.model.ports import Events
from tallybook.model.scope import Member, Scope
from tallybook.model.usage import Reading, ReadingsQuery
from tallybook.positions.terms import meter_on


def resets(
    scope: Scope,
    directory: Directory,
    events: Events,
    meter: str,
    span: tuple[datetime, datetime],
    seq: int,
    *,
    members: Sequence[Member] | None = None,
) -> list[Reading]:
    """Return the falls of a meter's counters within [start, end), as known at ledger position
    `seq`, oldest first; at most `PAGE_ROWS_MAX`. Without `members` those of all one may see.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `meter_not_found`.
    """
    scope.require("read")
    found = meter_on(directory, meter, directory.day)
    if found is None:
        raise NotFound("meter_not_found", f"There is no meter {meter!r}; GET /meters lists them.")
    if aggregation_of(found).READS != "rise":
        return []
    who = None if members is None else tuple(members)
    return events.readings(scope, ReadingsQuery(found, *span, seq, who, PAGE_ROWS_MAX, falls=True))
