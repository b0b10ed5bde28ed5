"""How much of a meter was used: by bucket, account and dimension (GET /usage). Rates nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from tallybook.aggregations._shape import Aggregation, aggregation_of
from tallybook.model.buckets import Bucket, Interval, buckets, check_rows
from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.limits import FILTER_TERMS_MAX, GROUP_BY_FIELDS_MAX
from tallybook.model.mark import Mark
from tallybook.model.nouns import Account, FilterTerm, Meter, parse
from tallybook.model.ports import Events
from tallybook.model.quantity import parse_decimal
from tallybook.model.scope import Member, Scope
from tallybook.model.time import (
    FIRST_INSTANT,
    LAST_INSTANT,
    Calendar,
    read_instant,
)
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.positions.hierarchy import members

_TERM: Final = re.compile(
    r"(.+?):(eq|ne|in|not_in|gt|gte|lt|lte|exists):(.*)", re.ASCII | re.DOTALL
)
ACCOUNT: Final = "account"

Group = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """What is asked, in the words of the API.

    `start` and `end` are instants or local dates, by default this month up to the end of today;
    `filter` holds terms as `name:op:value`.
    """

    meter: str
    account: str | None = None
    start: str | None = None
    end: str | None = None
    interval: Interval | None = None
    timezone: str | None = None
    group_by: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()
    rollup: bool = True


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One bucket of one group; `value` is None where the aggregation has none."""

    start: datetime
    end: datetime
    account: str | None
    group: Mapping[str, str | None]
    value: Decimal | None
    partial: bool


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """Rows in order of start, then group, all as known at one mark."""

    meter: str
    unit: str
    interval: Interval | None
    timezone: str
    data_through: datetime
    refreshed_at: datetime | None
    known_at: Mark
    rows: tuple[UsageRow, ...]


def usage(
    scope: Scope,
    directory: Directory,
    events: Events,
    request: UsageRequest,
    *,
    mark: Mark,
    now: datetime,
    refreshed_at: datetime | None = None,
) -> UsageAnswer:
    """Answer a question about usage; `directory` is the one of the mark's revision.

    Raises:
        NotFound: `account_not_found`, `meter_not_found`.
        Invalid: `dimension_unknown`, `too_many_names`, `range_invalid`, `filter_invalid`,
            `too_many_buckets`, and those of times, zones and quantities.
    """
    scope.require("read")
    meter = _meter(directory, request.meter)
    account = _account(scope, directory, request.account, now)
    terms = _terms(meter, request)
    calendar = _calendar(account, request.timezone)
    start, end = span(request.start, request.end, calendar, now)
    cut = _cut(calendar, request.interval, start, end)
    table = _Table(request, aggregation_of(meter), meter.kind == "stock", cut, now)
    reach = _reach(directory, request, table.since, end)
    known = _known_groups(scope, request, reach)
    check_rows(len(cut) * len(known))
    query = UsageQuery(
        meter,
        table.edges,
        mark.seq,
        tuple(reach),
        tuple(name for name in request.group_by if name != ACCOUNT),
        by_account=ACCOUNT in request.group_by,
        filter=terms,
    )
    rows = table.rows(events.usage(scope, query), known)
    return UsageAnswer(
        meter.key,
        meter.unit,
        request.interval,
        calendar.timezone,
        calendar.start_of(calendar.day_of(now)),
        refreshed_at,
        mark,
        tuple(rows),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells as rows: every bucket of every group, empty ones too."""

    request: UsageRequest
    kind: Aggregation
    is_stock: bool
    cut: Sequence[Bucket]
    now: datetime

    @property
    def carries(self) -> bool:
        """Tell whether an empty bucket shows the value before it."""
        return self.kind.CARRIES and self.is_stock

    @property
    def since(self) -> datetime:
        """Return where counting begins: what a stock carries may be older than the range."""
        return FIRST_INSTANT if self.carries else self.cut[0].start

    @property
    def edges(self) -> tuple[datetime, ...]:
        """Return the instants to count between; a stock has a bucket for all that was before."""
        edges = (self.cut[0].start, *(b.end for b in self.cut))
        return (FIRST_INSTANT, *edges) if edges[0] > FIRST_INSTANT and self.carries else edges

    def rows(self, cells: Iterable[UsageCell], known: Iterable[Group]) -> list[UsageRow]:
        """Return the rows in order of start, then group."""
        earlier = len(self.edges) - 1 - len(self.cut)
        values: dict[Group, dict[int, Decimal | None]] = {group: {} for group in known}
        for cell in cells:
            values.setdefault(self._group(cell), {})[cell.bucket - earlier] = cell.value
        check_rows(len(self.cut) * len(values))
        groups = sorted(values, key=lambda group: [(name is not None, name) for name in group])
        columns = [(self._names(group), self._series(values[group])) for group in groups]
        return [
            UsageRow(
                bucket.start,
                bucket.end,
                names.get(ACCOUNT, self.request.account),
                names,
                series[i],
                bucket.clipped or bucket.end > self.now,
            )
            for i, bucket in enumerate(self.cut)
            for names, series in columns
        ]

    def _group(self, cell: UsageCell) -> Group:
        dimensions = iter(cell.dimensions)
        return tuple(
            [
                cell.account if name == ACCOUNT else next(dimensions)
                for name in self.request.group_by
            ]
        )

    def _names(self, group: Group) -> Mapping[str, str | None]:
        return dict(zip(self.request.group_by, group, strict=True))

    def _series(self, values: Mapping[int, Decimal | None]) -> list[Decimal | None]:
        """Return a value for each bucket; what was before the range is bucket -1."""
        if not self.carries:
            return [values.get(i, self.kind.EMPTY) for i in range(len(self.cut))]
        last, series = values.get(-1), []
        for i, bucket in enumerate(self.cut):
            last = values.get(i, last if bucket.start <= self.now else None)
            series.append(last)
        return series


@lru_cache(maxsize=8)  # the meters of an account are asked for the same days
def _cut(
    calendar: Calendar, interval: Interval | None, start: datetime, end: datetime
) -> tuple[Bucket, ...]:
    return tuple(buckets(calendar, interval, start, end))


def _known_groups(scope: Scope, request: UsageRequest, reach: Sequence[Member]) -> list[Group]:
    """Return the groups that are listed even without an event: the whole, or a tree's accounts."""
    if not request.group_by:
        return [()]
    if request.group_by == (ACCOUNT,) and request.account is not None:
        return sorted({(m.account,) for m in scope.narrow(reach)})
    return []


def _reach(
    directory: Directory, request: UsageRequest, start: datetime, end: datetime
) -> list[Member]:
    """Return who is asked about: an account, its tree, or everyone; the retired have a past."""
    if request.account is not None:
        return members(directory, request.account, start, end, rollup=request.rollup)
    return [Member(key, FIRST_INSTANT, LAST_INSTANT) for key in directory.ever("account")]


def _meter(directory: Directory, key: str) -> Meter:
    spans = directory.spans("meter", key)
    meter = directory.meter(key) or (spans[-1].noun if spans else None)
    if meter is None:
        raise NotFound("meter_not_found", f"There is no meter {key!r}; GET /meters lists them.")
    return meter


def _account(scope: Scope, directory: Directory, key: str | None, now: datetime) -> Account | None:
    """Find the account; a retired one keeps its past."""
    if key is None:
        return None
    account = directory.account_at(key, now)
    if account is None or not scope.sees(key):
        raise NotFound("account_not_found", f"There is no account {key!r} to be seen.")
    return account


def _calendar(account: Account | None, timezone: str | None) -> Calendar:
    """Return the local days to count by: the account's, in another zone if one is asked for."""
    own = account.calendar if account else Calendar()
    return Calendar(timezone, own.day_start) if timezone else own


def _terms(meter: Meter, request: UsageRequest) -> tuple[FilterTerm, ...]:
    _check_names(meter, request.group_by, "group_by", GROUP_BY_FIELDS_MAX)
    terms = tuple(filter_term(text) for text in request.filter)
    _check_names(meter, [term.property for term in terms], "filter", FILTER_TERMS_MAX)
    return terms


def _check_names(meter: Meter, names: Sequence[str], field: str, limit: int) -> None:
    """Refuse names that are not declared dimensions, and more of them than may be."""
    if len(names) > limit:
        raise Invalid(
            "too_many_names",
            f"{field} takes up to {limit} names, not {len(names)}.",
            field=field,
            limit=limit,
            asked=len(names),
        )
    for name in names:
        if name not in meter.dimensions and not (field == "group_by" and name == ACCOUNT):
            declared = ", ".join(meter.dimensions) or "none"
            raise Invalid(
                "dimension_unknown",
                f"{name[:80]!r} is no dimension of the meter {meter.key}; it declares {declared}.",
                field=field,
            )


def span(
    start: str | None, end: str | None, calendar: Calendar, now: datetime
) -> tuple[datetime, datetime]:
    """Read a half-open range of instants or local dates; by default this month up to tonight.

    Raises:
        Invalid: `range_invalid`, `time_invalid`, `date_invalid`.
    """
    today = calendar.day_of(now)
    first = (
        read_instant(start, calendar, "from") if start else calendar.start_of(today.replace(day=1))
    )
    last = (
        read_instant(end, calendar, "to") if end else calendar.start_of(today + timedelta(days=1))
    )
    if first >= last:
        raise Invalid("range_invalid", "The range is empty: to must lie after from.", field="to")
    return first, last


def filter_term(text: str) -> FilterTerm:
    """Read `name:op:value`. A value that could be a number, true, false or null means both that
    and the text; `in` and `not_in` take values between commas.

    Raises:
        Invalid: `filter_invalid`, `document_invalid`.
    """
    found = _TERM.fullmatch(text)
    if found is None:
        raise Invalid(
            "filter_invalid",
            f"{text[:80]!r} is no filter; write name:op:value, such as channel:eq:sms.",
            field="filter",
        )
    name, op, value = found.groups()
    return parse(FilterTerm, {"property": name, **_condition(op, value)})


def _condition(op: str, value: str) -> dict[str, Any]:
    if op == "exists":
        return {"op": op, "value": {"true": True, "false": False}.get(value, value)}
    if op in {"gt", "gte", "lt", "lte"}:
        return {"op": op, "value": _readings(value)[-1]}
    texts = value.split(",") if op in {"in", "not_in"} else [value]
    readings = [reading for text in texts for reading in _readings(text)]
    return {"op": "in" if op in {"eq", "in"} else "not_in", "value": readings}


def _readings(text: str) -> list[Any]:
    """Return what a word of a query string may mean: the text, and the JSON scalar it spells."""
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    if text in words:
        return [text, words[text]]
    try:
        return [text, parse_decimal(text)]
    except Invalid:
        return [text]
