"""Questions about use and their answers, engine-neutral: a set of accounts and buckets in one call,
or the events themselves one by one.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Member


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Count one meter over members and buckets, as known at ledger position `seq`.

    `edges` are n + 1 ascending instants that cut n half-open buckets; an event counts in bucket
    i when edges[i] <= time < edges[i+1]. `members` None means every account in scope, as group 0.
    `group_by` names declared dimensions; `by_account` splits by account as well.
    """

    meter: Meter
    edges: tuple[datetime, ...]
    seq: int
    members: tuple[Member, ...] | None = None
    group_by: tuple[str, ...] = ()
    by_account: bool = False
    filter: tuple[FilterTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageCell:
    """One value of the answer; cells without any event are not in it.

    `dimensions` are the values of `group_by` in its order, None where an event has none; `value`
    is None only where the aggregation has no value.
    """

    group: int
    bucket: int
    account: str | None
    dimensions: tuple[str | None, ...]
    value: Decimal | None


class PieceKey(NamedTuple):
    """Where a piece stands in the order of pieces; ids are compared by their bytes."""

    time: datetime
    id: str
    seq: int
    group: int


class PieceRow(NamedTuple):
    """What one event brings to a meter, and the values of the dimensions asked for."""

    key: PieceKey
    quantity: Decimal
    values: tuple[str | None, ...]


class Reading(NamedTuple):
    """What a counter showed, and what it had shown before; None where it is its first reading.

    `values` are those of the meter's dimensions: each account has a counter for each of them.
    """

    account: str
    time: datetime
    seq: int
    values: tuple[str | None, ...]
    quantity: Decimal
    before: Decimal | None

    @property
    def rise(self) -> Decimal:
        """Return what was used since the reading before: nothing where it fell."""
        before = self.quantity if self.before is None else self.before
        return max(Decimal(0), EXACT.subtract(self.quantity, before))


@dataclass(frozen=True, slots=True)
class ReadingsQuery:
    """The readings of a meter's counters within [start, end), as known at ledger position `seq`,
    in order of (time, seq): at most `limit` of them, or of those that fell.
    """

    meter: Meter
    start: datetime
    end: datetime
    seq: int
    members: tuple[Member, ...] | None
    limit: int
    falls: bool = False


@dataclass(frozen=True, slots=True)
class TrafficQuery:
    """What came in for members within [start, end), as known at ledger position `seq`, whether a
    meter counts it or not.

    Of `followed` it is asked when they last had an event; `read_by` are the meters that need to
    read what came.
    """

    members: tuple[Member, ...] | None
    start: datetime
    end: datetime
    seq: int
    followed: tuple[Meter, ...] = ()
    read_by: tuple[Meter, ...] = ()


class Traffic(NamedTuple):
    """What one source sent of one type for one account: so many events on so many days, each of 24
    hours from the start of the question.

    `missing` and `invalid` count the events whose quantity some meter does not find or cannot
    read. `newest` is the time of the newest event of each meter followed.
    """

    account: str
    source: str
    type: str
    events: int
    days: int
    first: datetime
    last: datetime
    missing: int
    invalid: int
    newest: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class PiecesQuery:
    """The events that a meter adds up within [start, end), as known at ledger position `seq`, in
    order of (time, id): at most `limit` of them, those beyond `after`.

    `members` are as in `UsageQuery`. `dimensions` are paths into the data, declared or not. An
    event brings its quantity, or 1 where the meter counts.
    """

    meter: Meter
    start: datetime
    end: datetime
    seq: int
    members: tuple[Member, ...] | None
    dimensions: tuple[str, ...]
    limit: int
    after: PieceKey | None = None
