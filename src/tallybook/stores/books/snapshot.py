"""The position snapshot in SQL: one row a line, all of one mark, listed and added up in scope."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
)

from tallybook.model.mark import Mark
from tallybook.model.ports import LineKey, SnapshotPage, SnapshotQuery, SnapshotState
from tallybook.model.position import DayUse, Position, Total
from tallybook.model.scope import Scope
from tallybook.stores.books import limbs
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import LIMBS, line, line_body, line_state

_ROWS_A_STATEMENT: Final = 2_000
_SUMMARIES_KEPT: Final = 64
_PERCENT: Final = 10**6
_PERCENT_MAX: Final = 9 * 10**18
_DAY: Final = timedelta(days=1)
_FLAGS: Final = ("likely_over", "low_use")
_COLUMNS: Final = {
    "contract": ("contract",),
    "account": ("account_name",),
    "service": ("service",),
    "status": ("status",),
    "percent_used": ("percent",),
    **{name: tuple(f"{name}_{limb}" for limb in found) for name, found in LIMBS.items()},
}

_Body = tuple[Position, date | None, tuple[Decimal | None, ...]]
_decode: Final[Callable[[bytes], _Body]] = msgspec.json.Decoder(_Body).decode
_Summary = tuple[dict[str, int], tuple[Total, ...]]


class BooksSnapshot:
    """See `model.ports.Snapshot`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database
        self._summaries: OrderedDict[tuple[object, ...], _Summary] = OrderedDict()

    def state(self, scope: Scope) -> SnapshotState | None:
        """Return what the snapshot rests on, None before the first refresh."""
        with self._database.reader() as connection:
            found = _state(connection)
        return found[1] if found else None

    def replace(
        self,
        scope: Scope,
        state: SnapshotState,
        positions: Iterable[Position],
        *,
        gone: Collection[LineKey] = (),
        everything: bool = False,
    ) -> None:
        """Write these lines, drop those that are gone, or all others, in one transaction."""
        scope.require("administer")
        with self._database.writer() as connection:
            if everything:
                connection.execute(delete(line))
                connection.execute(delete(line_body))
            _drop(connection, gone)
            for some in _batches(positions, _ROWS_A_STATEMENT):
                if not everything:
                    _drop(connection, [(p.contract, p.line) for p in some])
                connection.execute(insert(line), [_row(p) for p in some])
                connection.execute(insert(line_body), [_body(p) for p in some])
            before = _state(connection)
            connection.execute(delete(line_state))
            connection.execute(
                insert(line_state).values(
                    id=1,
                    version=before[0] + 1 if before else 1,
                    seq=state.mark.seq,
                    revision=state.mark.revision,
                    at=state.at,
                    refreshed_at=state.refreshed_at,
                )
            )

    def page(self, scope: Scope, query: SnapshotQuery) -> SnapshotPage:
        """Return the lines of contracts whose account the scope sees at the snapshot's instant."""
        with self._database.reader() as connection:
            found = _state(connection)
            if found is None:
                return SnapshotPage((), 0, {"all": 0}, (), None)
            version, state = found
            seen = _seen(scope, query, state)
            narrow = replace(query, accounts=seen)
            key = (version, replace(narrow, sort="contract", descending=False, offset=0, limit=0))
            summary = self._summaries.get(key)
            if summary is None:
                summary = _counts(connection, narrow), _totals(connection, narrow)
                self._summaries[key] = summary
                while len(self._summaries) > _SUMMARIES_KEPT:
                    self._summaries.popitem(last=False)
            items = _items(connection, narrow, state)
        counts, totals = summary
        return SnapshotPage(items, sum(t.lines for t in totals), counts, totals, state)


def _state(connection: Connection) -> tuple[int, SnapshotState] | None:
    row = connection.execute(select(line_state)).one_or_none()
    if row is None:
        return None
    mark = Mark(row.seq, row.revision)
    return row.version, SnapshotState(mark, row.at, row.refreshed_at)


def _seen(scope: Scope, query: SnapshotQuery, state: SnapshotState) -> frozenset[str] | None:
    """Return whose lines may be listed: a child that has moved away is no longer seen."""
    if scope.accounts is None:
        return query.accounts
    seen = frozenset(m.account for m in scope.accounts if m.start <= state.at < m.end)
    return seen if query.accounts is None else seen & query.accounts


def _drop(connection: Connection, keys: Iterable[LineKey]) -> None:
    """Delete lines one by one key: SQLite would look through all lines for a list of pairs."""
    found = [{"number": contract, "line": code} for contract, code in keys]
    for table in (line, line_body) if found else ():
        one = and_(table.c.contract == bindparam("number"), table.c.code == bindparam("line"))
        connection.execute(delete(table).where(one), found)


def _items(
    connection: Connection, query: SnapshotQuery, state: SnapshotState
) -> tuple[Position, ...]:
    columns = _sort_columns(query.sort)
    keys = select(*columns).where(*_conditions(connection, query))
    keys = keys.order_by(*_order(columns, query)).offset(query.offset).limit(query.limit)
    some = keys.subquery()
    mine = and_(line_body.c.contract == some.c.contract, line_body.c.code == some.c.code)
    bodies = select(line_body.c.body).join(some, mine)
    bodies = bodies.order_by(*_order([some.c[column.name] for column in columns], query))
    return tuple(_position(body, state) for body in connection.scalars(bodies))


def _sort_columns(sort: str) -> list[Column[Any]]:
    """Return the columns of a sort, then the key."""
    names = dict.fromkeys((*_COLUMNS[sort], "contract", "code"))
    return [line.c[name] for name in names]


def _order(columns: Iterable[ColumnElement[Any]], query: SnapshotQuery) -> list[ColumnElement[Any]]:
    """Order by columns, all in one direction; what has no value is least."""
    if query.descending:
        return [column.desc().nulls_last() for column in columns]
    return [column.asc().nulls_first() for column in columns]


def _conditions(
    connection: Connection, query: SnapshotQuery, *, any_state: bool = False
) -> list[ColumnElement[bool]]:
    found = [
        line.c[name] == wanted
        for name in ("contract", "service", "branch", "csm")
        if (wanted := getattr(query, name)) is not None
    ]
    if query.accounts is not None:
        found.append(line.c.account.in_(_keys(connection, query.accounts)))
    if query.text:
        found.append(line.c.text.contains(query.text.casefold(), autoescape=True))
    if query.states and not any_state:
        words = [state for state in query.states if state not in _FLAGS]
        flags = [line.c[state] for state in query.states if state in _FLAGS]
        found.append(or_(line.c.status.in_(words), *flags))
    return found


def _keys(connection: Connection, keys: Iterable[str]) -> Select[Any]:
    """Return keys as a relation: one parameter, however many they are."""
    text = msgspec.json.encode(sorted(keys)).decode()
    if connection.dialect.name == "sqlite":
        return select(func.json_each(text).table_valued("value").c.value)
    return select(func.json_array_elements_text(cast(text, JSON)).table_valued("value").c.value)


def _counts(connection: Connection, query: SnapshotQuery) -> dict[str, int]:
    """Count the lines in each state."""
    groups = (line.c.status, line.c.likely_over, line.c.low_use)
    rows = connection.execute(
        select(*groups, func.count())
        .where(*_conditions(connection, query, any_state=True))
        .group_by(*groups)
    )
    counts = {"all": 0}
    for status, *flags, count in rows:
        raised = [name for name, flag in zip(_FLAGS, flags, strict=True) if flag]
        for state in ("all", status, *raised):
            counts[state] = counts.get(state, 0) + count
    return counts


def _totals(connection: Connection, query: SnapshotQuery) -> tuple[Total, ...]:
    groups = (line.c.service, line.c.unit, line.c.currency)
    parts = [list(limbs.sums(line, name)) for name in LIMBS]
    rows = connection.execute(
        select(*groups, func.count(), *(part for some in parts for part in some))
        .where(*_conditions(connection, query))
        .group_by(*groups)
        .order_by(*groups)
    )
    return tuple(_total(row, [len(some) for some in parts]) for row in rows)


def _total(row: Sequence[Any], widths: Sequence[int]) -> Total:
    service, unit, currency, lines, *found = row
    values = {}
    for name, width in zip(LIMBS, widths, strict=True):
        values[name], found = limbs.joined(name, found[:width]), found[width:]
    return Total(service, unit, currency, lines, **values)


def _row(position: Position) -> dict[str, Any]:
    ahead = position.forecast
    percent = position.percent_used
    texts = (
        position.account_name,
        position.account,
        position.contract,
        position.line,
        position.service,
    )
    values = {
        "used": position.used,
        "allotment": position.allotment,
        "overage": position.overage,
        "projected": position.used if ahead.projected is None else ahead.projected,
        "projected_overage": ahead.projected_overage,
        "amount": position.amount,
        "overage_amount": position.overage_amount,
        "projected_amount": (
            position.amount if ahead.projected_amount is None else ahead.projected_amount
        ),
    }
    row = {
        "contract": position.contract,
        "code": position.line,
        "account": position.account,
        "account_name": position.account_name,
        "service": position.service,
        "unit": position.unit,
        "currency": position.currency,
        "branch": position.branch,
        "csm": position.csm,
        "status": position.status,
        "likely_over": position.likely_over,
        "low_use": position.low_use,
        "text": "\n".join(texts).casefold(),
        "percent": (
            None
            if percent is None
            else max(-_PERCENT_MAX, min(_PERCENT_MAX, int(percent * _PERCENT)))
        ),
    }
    for name, value in values.items():
        columns = (f"{name}_{limb}" for limb in LIMBS[name])
        row |= zip(columns, limbs.split(name, value), strict=True)
    return row


def _body(position: Position) -> dict[str, Any]:
    """Return the whole position; its days follow each other, so only the first is dated."""
    first = position.daily[0].date if position.daily else None
    body: _Body = (replace(position, daily=()), first, tuple(d.used for d in position.daily))
    return {
        "contract": position.contract,
        "code": position.line,
        "body": msgspec.json.encode(body),
    }


def _position(body: bytes, state: SnapshotState) -> Position:
    position, first, uses = _decode(body)
    daily = (
        ()
        if first is None
        else tuple(DayUse(first + i * _DAY, used) for i, used in enumerate(uses))
    )
    return replace(position, daily=daily, known_at=state.mark, refreshed_at=state.refreshed_at)


def _batches(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    some: list[Any] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
