"""Listing facts as they were sent, with what became of each (GET /events). Changes none."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from tallybook.aggregations._shape import NUMERIC, aggregation_of
from tallybook.model import limits
from tallybook.model.correction import Correction, Op, correction_in
from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid
from tallybook.model.fact import Fact
from tallybook.model.mark import Mark
from tallybook.model.nouns import Meter
from tallybook.model.ports import Events, FactQuery, Ledger, Listed
from tallybook.model.reading import holds, is_scalar, property_at, quantity_of
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import (
    FIRST_INSTANT,
    LAST_INSTANT,
    Calendar,
    from_micros,
    micros,
    read_instant,
)
from tallybook.model.wire import Number, data_of, read_json
from tallybook.operations._page import check_limit, cursor_invalid

State = Literal["counted", "voided", "replaced", "unresolved"]

_CURSOR: Final = re.compile(r"f(-?\d{1,18})\.(\d{1,18})\.(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class EventsRequest:
    """Which events to list; `start` and `end` are instants or local dates of the account.

    `members` are the accounts and spans of a tree, in place of one account.
    """

    account: str | None = None
    type: str | None = None
    start: str | None = None
    end: str | None = None
    state: State | None = None
    cursor: str | None = None
    limit: int = limits.PAGE_ROWS_DEFAULT
    members: tuple[Member, ...] | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction as a list shows it: entry `ledger_seq`, of the event that is entry `of`.

    `reason` and `author` are the vendor's own affair: None for a customer's people.
    """

    op: Op
    of: int
    reason: str | None
    author: str | None
    recorded_at: datetime
    ledger_seq: int


@dataclass(frozen=True, slots=True)
class EventItem:
    """An event as it was sent, or as it replaces one; `codes` say why it is unresolved.

    `correction` is the one since which it counts no more, or that it came by.
    """

    event: bytes
    received_at: datetime
    ledger_seq: int
    state: State
    codes: tuple[str, ...]
    correction: Corrected | None


@dataclass(frozen=True, slots=True)
class EventsPage:
    """Events newest first, and where the next page begins."""

    items: tuple[EventItem, ...]
    next_cursor: str | None
    known_at: Mark


def list_events(
    scope: Scope,
    directory: Directory,
    ledger: Ledger,
    events: Events,
    request: EventsRequest,
    *,
    mark: Mark,
) -> EventsPage:
    """Return one page; the pages after it are of the same facts, also when more arrive.

    Raises:
        Invalid: `limit_invalid`, `cursor_invalid`, `time_invalid`, `date_invalid`.
    """
    scope.require("read")
    check_limit(request.limit)
    before, seq = _read_cursor(request.cursor, mark.seq)
    known = _Known(directory, with_reasons=scope.sees_reasons)
    found = events.facts(scope, _query(directory, request, known, before, seq))
    page = found[: request.limit]
    # What may be seen is decided: a replacement is an entry of the account it was taken from.
    entries = {one.seq for one in page} | {one.hidden_by for one in page if one.hidden_by}
    facts = ledger.fetch(operator(scope.who), entries)
    return EventsPage(
        tuple(
            known.item(facts[one.seq], facts[one.hidden_by] if one.hidden_by else None)
            for one in page
        ),
        _write_cursor(page[-1], seq) if len(found) > len(page) else None,
        mark,
    )


def _query(
    directory: Directory,
    request: EventsRequest,
    known: "_Known",
    before: tuple[datetime, int] | None,
    seq: int,
) -> FactQuery:
    account = directory.account(request.account) if request.account else None
    calendar = account.calendar if account else Calendar()
    start = read_instant(request.start, calendar, "from") if request.start else FIRST_INSTANT
    end = read_instant(request.end, calendar, "to") if request.end else LAST_INSTANT
    # An account that is not defined is asked for as well: its events wait for it, unresolved.
    one = (Member(request.account, start, end),) if request.account else None
    members = request.members or one
    return FactQuery(
        members,
        request.type,
        start,
        end,
        seq,
        request.limit + 1,  # so that it is known whether another page follows
        before,
        request.state,
        known.accounts,
        known.meters,
    )


class _Known:
    """What is defined, and so what an event's subject, type and properties mean."""

    def __init__(self, directory: Directory, *, with_reasons: bool) -> None:
        self._with_reasons = with_reasons
        self.accounts = frozenset(directory.ever("account"))
        spans = (directory.spans("meter", key) for key in directory.keys("meter"))
        self.meters = tuple(found[-1].noun for found in spans if found)
        self._types = frozenset(meter.event_type for meter in self.meters)

    def item(self, fact: Fact, hidden_by: Fact | None) -> EventItem:
        """Say what became of a fact, as stores decide it."""
        own = correction_in(fact.wire)
        wire = (own and own.replacement) or fact.wire
        state: State
        codes: tuple[str, ...] = ()
        if hidden_by is not None:
            found = correction_in(hidden_by.wire)
            state = "replaced" if found and found.op == "replace" else "voided"
            shown = self._corrected(hidden_by, found)
        else:
            codes = tuple(dict.fromkeys(self._codes(read_json(wire.decode()))))
            state = "unresolved" if codes else "counted"
            shown = self._corrected(fact, own)
        return EventItem(wire, fact.received_at, fact.seq, state, codes, shown)

    def _corrected(self, fact: Fact, found: Correction | None) -> Corrected | None:
        if found is None:
            return None
        reason, author = (found.reason, found.author) if self._with_reasons else (None, None)
        return Corrected(found.op, found.of, reason, author, fact.received_at, fact.seq)

    def _codes(self, event: dict[str, Any]) -> Iterable[str]:
        if event["subject"] not in self.accounts:
            yield "account_unknown"
        if event["type"] not in self._types:
            yield "type_unknown"
        data = _exact(data_of(event))
        for meter in self.meters:
            if meter.event_type == event["type"] and all(holds(t, data) for t in meter.filter):
                yield from _unread(meter, data)


def counted_by(meter: Meter, item: EventItem) -> Decimal | None:
    """Return what a meter took from an event, None where it did not count it."""
    if item.state in {"voided", "replaced"}:
        return None
    event = read_json(item.event.decode())
    data = _exact(data_of(event))
    if event["type"] != meter.event_type or not all(holds(t, data) for t in meter.filter):
        return None
    if aggregation_of(meter).READS not in NUMERIC or meter.property is None:
        return Decimal(1)
    try:
        return quantity_of(property_at(data, meter.property))
    except Invalid:
        return None


def _unread(meter: Meter, data: object) -> Sequence[str]:
    """Say why a meter that counts an event cannot read it."""
    reads = aggregation_of(meter).READS
    if reads == "presence" or meter.property is None:
        return ()
    value = property_at(data, meter.property)
    if reads == "value":
        return () if is_scalar(value) else ("quantity_missing",)
    try:
        quantity_of(value)
    except Invalid as e:
        return (e.code,)
    return ()


def _exact(value: Any) -> Any:
    """Make decimals of the numbers; one beyond all measure becomes no number."""
    if isinstance(value, Number):
        try:
            return Decimal(value)
        except InvalidOperation:
            return Decimal("NaN")
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    return value


def _write_cursor(last: Listed, seq: int) -> str:
    return f"f{micros(last.time)}.{last.seq}.{seq}"


def _read_cursor(cursor: str | None, seq: int) -> tuple[tuple[datetime, int] | None, int]:
    """Return where to go on, and up to which entry the first page looked."""
    if cursor is None:
        return None, seq
    found = _CURSOR.fullmatch(cursor)
    try:
        if found:
            return (from_micros(int(found[1])), int(found[2])), min(seq, int(found[3]))
    except OverflowError:
        pass
    raise cursor_invalid()
