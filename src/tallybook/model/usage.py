"""The usage question and its answer: a set of accounts and buckets in one call, engine-neutral."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tallybook.model.nouns import FilterTerm, Meter
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
