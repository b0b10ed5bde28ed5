"""The position snapshot in SQL: one row a line, all of one mark, listed and added up in scope.

A small refresh is one transaction. A large one is written beside what is read, as a generation of
its own and in many short transactions, and takes its place in one: others who write to Books wait
for a part of it only, and who reads sees the one or the other.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice, pairwise
from threading import Lock
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
)

from tallybook.model.mark import Mark, minute_of
from tallybook.model.ports import (
    Claim,
    LineKey,
    SnapshotPage,
    SnapshotQuery,
    SnapshotState,
    SnapshotWalk,
)
from tallybook.model.position import Choices, Position
from tallybook.model.scope import Scope
from tallybook.stores.books import limbs, totals
from tallybook.stores.books.bodies import packed, unpacked
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import keep
from tallybook.stores.books.schema import LIMBS, line, line_body, line_state
from tallybook.stores.books.seen import among, relation, seen

#: Lines of a small refresh at most, and of each transaction of a large one: a few tenths of a
#: second to write.
LINES_A_TRANSACTION: Final = 2_000
_SUMMARIES_KEPT: Final = 64
_PERCENT: Final = 10**6
_PERCENT_MAX: Final = 9 * 10**18
_TABLES: Final = (line, line_body)
_COLUMNS: Final = {
    "contract": ("contract",),
    "account": ("account_name",),
    "service": ("service",),
    "status": ("status",),
    "percent_used": ("percent",),
    **{name: tuple(f"{name}_{limb}" for limb in found) for name, found in LIMBS.items()},
}


class _Stands(NamedTuple):
    """What `line_state` says."""

    version: int
    generation: int
    state: SnapshotState


class BooksSnapshot:
    """See `model.ports.Snapshot`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database
        self._replacing = Lock()
        self._sums: OrderedDict[tuple[object, ...], totals.Sums] = OrderedDict()
        self._choices: OrderedDict[tuple[object, ...], Choices] = OrderedDict()

    def state(self, scope: Scope) -> SnapshotState | None:
        """Return what the snapshot rests on, None before the first refresh."""
        with self._database.reader() as connection:
            found = _stands(connection)
        return found.state if found else None

    def replace(
        self,
        scope: Scope,
        state: SnapshotState,
        positions: Iterable[Position],
        *,
        claim: Claim,
        gone: Collection[LineKey] = (),
        everything: bool = False,
    ) -> None:
        """Write these lines, drop those that are gone, or all others; who reads sees all or none.

        No transaction is open while positions are worked out, and none of those that write ends
        where another process has taken the claim over.
        """
        scope.require("administer")
        rest = iter(positions)
        some = list(islice(rest, LINES_A_TRANSACTION + 1))
        with self._replacing:
            everything = everything or self.state(scope) is None
            writing = _Writing(self._database, claim)
            if everything or len(some) + len(gone) > LINES_A_TRANSACTION:
                writing.beside(state, chain(some, rest), gone, everything=everything)
            else:
                writing.into(state, some, gone)

    def page(self, scope: Scope, query: SnapshotQuery) -> SnapshotPage:
        """Return the lines of contracts whose account the scope sees at the snapshot's instant."""
        with self._database.reader() as connection:
            stands = _stands(connection)
            if stands is None:
                return SnapshotPage((), 0, {"all": 0}, (), None)
            state = stands.state
            narrow = replace(query, accounts=seen(scope, query.accounts, state.mark.now))
            sums = self._sums_of(connection, stands, narrow)
            items = _items(connection, stands, narrow)
        found = totals.totals(sums, query.states)
        return SnapshotPage(items, sum(t.lines for t in found), totals.counts(sums), found, state)

    @contextmanager
    def walk(self, scope: Scope, query: SnapshotQuery) -> Iterator[SnapshotWalk]:
        """Open all lines of `page`, read part by part in one transaction, which sees one state."""
        with self._database.reader() as connection:
            stands = _stands(connection)
            if stands is None:
                yield SnapshotWalk(iter(()), 0, None)
                return
            narrow = replace(query, accounts=seen(scope, query.accounts, stands.state.mark.now))
            sums = self._sums_of(connection, stands, narrow)
            total = sum(found.lines for found in totals.totals(sums, query.states))
            yield SnapshotWalk(_walked(connection, stands, narrow), total, stands.state)

    def choices(self, scope: Scope) -> Choices:
        """Return what the lines that the scope sees can be narrowed to; found once a refresh."""
        with self._database.reader() as connection:
            stands = _stands(connection)
            if stands is None:
                return Choices()
            query = SnapshotQuery(accounts=seen(scope, None, stands.state.mark.now))
            key = (stands.version, query.accounts)
            found = self._choices.get(key)
            if found is None:
                conditions = _conditions(connection, stands, query)
                found = Choices(
                    *(_values(connection, line.c[name], conditions) for name in ("branch", "csm"))
                )
                self._choices[key] = found
                while len(self._choices) > _SUMMARIES_KEPT:
                    self._choices.popitem(last=False)
        return found

    def _sums_of(
        self, connection: Connection, stands: _Stands, query: SnapshotQuery
    ) -> totals.Sums:
        """Return the sums of all lines in reach, in whichever state: kept, or asked for once."""
        filters = [query.accounts, query.contract, query.branch, query.csm, query.text or None]
        if filters == [None] * len(filters):
            sums = totals.kept(connection)
            wanted = query.service
            return sums if wanted is None else {g: v for g, v in sums.items() if g[0] == wanted}
        key = (stands.version, query.service, *filters)
        found = self._sums.get(key)
        if found is None:
            found = totals.asked(connection, _conditions(connection, stands, query))
            self._sums[key] = found
            while len(self._sums) > _SUMMARIES_KEPT:
                self._sums.popitem(last=False)
        return found


class _Writing:
    """The writing of one refresh, each transaction of it under the claim of its holder."""

    def __init__(self, database: Database, claim: Claim) -> None:
        self._database = database
        self._claim = claim

    @contextmanager
    def _writer(self) -> Iterator[Connection]:
        with self._database.writer() as connection:
            keep(connection, self._claim)
            yield connection

    def into(
        self, state: SnapshotState, positions: Sequence[Position], gone: Collection[LineKey]
    ) -> None:
        lines, bodies = [_row(p) for p in positions], [_body(p) for p in positions]
        keys = {(p.contract, p.line) for p in positions}.union(gone)
        with self._writer() as connection:
            stands = _stands(connection)
            generation = stands.generation if stands else 0
            changes = totals.counted(_lines(connection, generation, keys), -1)
            totals.change(connection, totals.counted(lines, 1, changes))
            _drop(connection, generation, keys)
            _insert(connection, generation, lines, bodies)
            _stand(connection, stands, generation, state)

    def beside(
        self,
        state: SnapshotState,
        positions: Iterator[Position],
        gone: Collection[LineKey],
        *,
        everything: bool,
    ) -> None:
        with self._database.reader() as connection:
            stands = _stands(connection)
        old = stands.generation if stands else 0
        new = old + 1
        self._clear_but(old)
        while some := list(islice(positions, LINES_A_TRANSACTION)):
            lines, bodies = [_row(p) for p in some], [_body(p) for p in some]
            with self._writer() as connection:
                _insert(connection, new, lines, bodies)
        if not everything:
            self._copy(old, new)
            for keys in _batches(gone, LINES_A_TRANSACTION):
                with self._writer() as connection:
                    _drop(connection, new, keys)
        with self._database.reader() as connection:
            sums = totals.asked(connection, [line.c.generation == new])
        with self._writer() as connection:
            totals.keep(connection, sums)
            _stand(connection, stands, new, state)
        self._clear_but(new)

    def _copy(self, old: int, new: int) -> None:
        """Take over the lines of a generation that the other does not have."""
        for table in _TABLES:
            for part in self._parts(table, old):
                with self._writer() as connection:
                    _take_over(connection, table, new, part)

    def _clear_but(self, generation: int) -> None:
        """Delete every other generation, also what a refresh that was cut off has left."""
        for table in _TABLES:
            others = select(table.c.generation).where(table.c.generation != generation).distinct()
            with self._database.reader() as connection:
                found = connection.scalars(others).all()
            for part in chain.from_iterable(self._parts(table, other) for other in found):
                with self._writer() as connection:
                    connection.execute(delete(table).where(part))

    def _parts(self, table: Table, generation: int) -> Iterator[ColumnElement[bool]]:
        """Yield conditions that cut a generation into parts, by contract."""
        of = table.c.generation == generation
        with self._database.reader() as connection:
            found = connection.scalars(
                select(table.c.contract).where(of).order_by(table.c.contract)
            ).all()
        firsts = [None, *dict.fromkeys(found[LINES_A_TRANSACTION::LINES_A_TRANSACTION]), None]
        for low, high in pairwise(firsts):
            since = [] if low is None else [table.c.contract >= low]
            before = [] if high is None else [table.c.contract < high]
            if found:
                yield and_(of, *since, *before)


def _stands(connection: Connection) -> _Stands | None:
    row = connection.execute(select(line_state)).one_or_none()
    if row is None:
        return None
    mark = Mark(row.seq, row.revision, minute_of(row.at))
    state = SnapshotState(mark, row.refreshed_at)
    return _Stands(row.version, row.generation, state)


def _stand(
    connection: Connection, before: _Stands | None, generation: int, state: SnapshotState
) -> None:
    connection.execute(delete(line_state))
    connection.execute(
        insert(line_state).values(
            id=1,
            version=before.version + 1 if before else 1,
            generation=generation,
            seq=state.mark.seq,
            revision=state.mark.revision,
            at=state.mark.now,
            refreshed_at=state.refreshed_at,
        )
    )


def _lines(
    connection: Connection, generation: int, keys: Collection[LineKey]
) -> Iterator[RowMapping]:
    """Yield what `totals` reads of lines; only contracts can be looked up many at once."""
    contracts = relation(connection, {contract for contract, _ in keys})
    rows = connection.execute(
        select(line.c.contract, line.c.code, *totals.READ).where(
            line.c.generation == generation, line.c.contract.in_(contracts)
        )
    ).mappings()
    return (row for row in rows if (row["contract"], row["code"]) in keys)


def _drop(connection: Connection, generation: int, keys: Iterable[LineKey]) -> None:
    """Delete lines one by one key: SQLite would look through all lines for a list of pairs."""
    found = [{"of": generation, "number": contract, "line": code} for contract, code in keys]
    for table in _TABLES if found else ():
        one = and_(
            table.c.generation == bindparam("of"),
            table.c.contract == bindparam("number"),
            table.c.code == bindparam("line"),
        )
        connection.execute(delete(table).where(one), found)


def _insert(
    connection: Connection, generation: int, lines: list[dict[str, Any]], bodies: list[Any]
) -> None:
    for table, rows in ((line, lines), (line_body, bodies)) if lines else ():
        connection.execute(insert(table), [{"generation": generation, **row} for row in rows])


def _take_over(
    connection: Connection, table: Table, generation: int, part: ColumnElement[bool]
) -> None:
    """Copy a part of another generation, but for lines that this one has."""
    mine = table.alias()
    known = exists().where(
        mine.c.generation == generation,
        mine.c.contract == table.c.contract,
        mine.c.code == table.c.code,
    )
    others = [column for column in table.c if column.name != "generation"]
    found = select(literal(generation), *others).where(part, ~known)
    connection.execute(insert(table).from_select(["generation", *others], found))


def _items(connection: Connection, stands: _Stands, query: SnapshotQuery) -> tuple[Position, ...]:
    columns = _sort_columns(query.sort)
    keys = select(*columns).where(*_conditions(connection, stands, query), *_states(query))
    keys = keys.order_by(*_order(columns, query)).offset(query.offset).limit(query.limit)
    some = keys.subquery()
    mine = and_(
        line_body.c.generation == stands.generation,
        line_body.c.contract == some.c.contract,
        line_body.c.code == some.c.code,
    )
    bodies = select(line_body.c.body).join(some, mine)
    bodies = bodies.order_by(*_order([some.c[column.name] for column in columns], query))
    return tuple(unpacked(body, stands.state) for body in connection.scalars(bodies))


def _walked(connection: Connection, stands: _Stands, query: SnapshotQuery) -> Iterator[Position]:
    """Yield all lines in their order: keys first, which are small to sort, then bodies by parts."""
    columns = _sort_columns(query.sort)
    keys = select(line.c.contract, line.c.code).where(
        *_conditions(connection, stands, query), *_states(query)
    )
    keys = keys.order_by(*_order(columns, query)).execution_options(yield_per=LINES_A_TRANSACTION)
    for some in connection.execute(keys).partitions():
        numbers = relation(connection, {contract for contract, _ in some})
        wanted = select(line_body.c.contract, line_body.c.code, line_body.c.body).where(
            line_body.c.generation == stands.generation, line_body.c.contract.in_(numbers)
        )
        bodies = {(row.contract, row.code): row.body for row in connection.execute(wanted)}
        for contract, code in some:
            yield unpacked(bodies[contract, code], stands.state)


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
    connection: Connection, stands: _Stands, query: SnapshotQuery
) -> list[ColumnElement[bool]]:
    """Return what lines have to meet, in whichever state they are."""
    found = [line.c.generation == stands.generation]
    found += [
        line.c[name] == wanted
        for name in ("contract", "service", "branch", "csm")
        if (wanted := getattr(query, name)) is not None
    ]
    found += among(connection, line.c.account, query.accounts)
    if query.text:
        found.append(line.c.text.contains(query.text.casefold(), autoescape=True))
    return found


def _values(
    connection: Connection, column: Column[Any], conditions: list[ColumnElement[bool]]
) -> tuple[str, ...]:
    """Return the values of a column, sorted."""
    found = select(column).where(*conditions, column.is_not(None)).distinct()
    return tuple(sorted(connection.scalars(found)))


def _states(query: SnapshotQuery) -> list[ColumnElement[bool]]:
    if not query.states:
        return []
    words = [state for state in query.states if state not in totals.FLAGS]
    flags = [line.c[state] for state in query.states if state in totals.FLAGS]
    return [or_(line.c.status.in_(words), *flags)]


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
    return {"contract": position.contract, "code": position.line, "body": packed(position)}


def _batches(items: Iterable[LineKey], size: int) -> Iterator[list[LineKey]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
