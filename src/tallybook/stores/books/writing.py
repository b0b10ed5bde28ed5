"""Writes a refresh of the position snapshot: into what is read, or beside it as a generation.

A small refresh is worked out first and then is one transaction. A large one is written beside what
is read, as a generation of its own and in many short transactions, and takes its place in one:
others who write to Books wait for a part of it only, and who reads sees the one or the other.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice, pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
)

from tallybook.model.mark import Mark, minute_of
from tallybook.model.ports import Claim, LineKey, SnapshotState
from tallybook.model.position import Position
from tallybook.stores.books import limbs, totals
from tallybook.stores.books.bodies import packed, unpacked
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import keep
from tallybook.stores.books.schema import LIMBS, line, line_body, line_state, line_text
from tallybook.stores.books.seen import relation

#: Lines of each transaction of a large refresh: a few tenths of a second to write.
LINES_A_TRANSACTION: Final = 2_000
#: Lines of a small refresh at most, whose rows are held in memory and written in one transaction of
#: a few seconds; for more, all other lines are copied.
LINES_AT_ONCE: Final = 20_000
_PERCENT: Final = 10**6
_PERCENT_MAX: Final = 9 * 10**18
_TABLES: Final = (line, line_text, line_body)


class _Written(NamedTuple):
    """The rows of some lines in each of the tables, in their order."""

    lines: list[dict[str, Any]]
    texts: list[dict[str, Any]]
    bodies: list[dict[str, Any]]

    @property
    def keys(self) -> set[LineKey]:
        """Return the keys of the lines."""
        return {(row["contract"], row["code"]) for row in self.lines}


class Stands(NamedTuple):
    """What `line_state` says."""

    version: int
    generation: int
    state: SnapshotState


def stands_now(connection: Connection) -> Stands | None:
    """Return what is read, None before the first refresh."""
    row = connection.execute(select(line_state)).one_or_none()
    if row is None:
        return None
    mark = Mark(row.seq, row.revision, minute_of(row.at))
    return Stands(row.version, row.generation, SnapshotState(mark, row.refreshed_at))


class Writing:
    """The writing of one refresh, each transaction of it under the claim of its holder."""

    def __init__(self, database: Database, claim: Claim) -> None:
        self._database = database
        self._claim = claim

    @contextmanager
    def _writer(self) -> Iterator[Connection]:
        with self._database.writer() as connection:
            keep(connection, self._claim)
            yield connection

    def write(
        self,
        state: SnapshotState,
        positions: Iterable[Position],
        gone: Collection[LineKey],
        *,
        everything: bool,
    ) -> None:
        """Write a refresh: into what is read, or where it is large, or of all, beside it."""
        counted = totals.Counted()
        batches = _written(positions, counted)
        some: list[_Written] = []
        count = len(gone)
        while not everything and count <= LINES_AT_ONCE and (batch := next(batches, None)):
            some.append(batch)
            count += len(batch.lines)
        if everything or count > LINES_AT_ONCE:
            self._beside(state, chain(some, batches), gone, counted, everything=everything)
        else:
            self._into(state, some, gone, counted)

    def _into(
        self,
        state: SnapshotState,
        batches: Sequence[_Written],
        gone: Collection[LineKey],
        counted: totals.Counted,
    ) -> None:
        """Write into what is read, in one transaction."""
        keys = set(gone).union(*(batch.keys for batch in batches))
        with self._writer() as connection:
            stands = stands_now(connection)
            generation = stands.generation if stands else 0
            if stands:
                _take_away(connection, stands, keys, counted)
            totals.change(connection, counted.kept())
            _drop(connection, generation, keys)
            for batch in batches:
                _insert(connection, generation, batch)
            _stand(connection, stands, generation, state)

    def _beside(
        self,
        state: SnapshotState,
        batches: Iterable[_Written],
        gone: Collection[LineKey],
        counted: totals.Counted,
        *,
        everything: bool,
    ) -> None:
        """Write a generation, with the lines of the former one that stay, that takes its place."""
        with self._database.reader() as connection:
            stands = stands_now(connection)
        old = stands.generation if stands else 0
        new = old + 1
        self._clear_but(old)
        for batch in batches:
            with self._writer() as connection:
                _insert(connection, new, batch)
                if stands and not everything:
                    _take_away(connection, stands, batch.keys, counted)
        if stands and not everything:
            self._copy(old, new)
            for keys in _batches(gone, LINES_A_TRANSACTION):
                with self._writer() as connection:
                    _take_away(connection, stands, keys, counted)
                    _drop(connection, new, keys)
        with self._writer() as connection:
            (totals.keep if everything else totals.change)(connection, counted.kept())
            _stand(connection, stands, new, state)
        self._clear_but(new)
        for table in _TABLES:  # else the planner takes a few accounts for as many as all
            with self._writer() as connection:
                connection.exec_driver_sql(f"ANALYZE {table.name}")

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


def _stand(
    connection: Connection, before: Stands | None, generation: int, state: SnapshotState
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


def _take_away(
    connection: Connection, stands: Stands, keys: Collection[LineKey], counted: totals.Counted
) -> None:
    """Take lines as they stand off what is counted; only contracts can be found many at once."""
    contracts = relation(connection, {contract for contract, _ in keys})
    rows = connection.execute(
        select(line_body.c.contract, line_body.c.code, line_body.c.body).where(
            line_body.c.generation == stands.generation, line_body.c.contract.in_(contracts)
        )
    )
    wanted = set(keys)
    for contract, code, body in rows:
        if (contract, code) in wanted:
            position = unpacked(body, stands.state)
            counted.add(position, _row(position), -1)


def _written(positions: Iterable[Position], counted: totals.Counted) -> Iterator[_Written]:
    """Yield the rows of lines, batch by batch; they are counted."""
    rest = iter(positions)
    while some := list(islice(rest, LINES_A_TRANSACTION)):
        batch = _Written([], [], [])
        for position in some:
            row = _row(position)
            counted.add(position, row)
            key = {"contract": row["contract"], "code": row["code"]}
            batch.lines.append(row)
            batch.texts.append({**key, "text": _text(position)})
            batch.bodies.append({**key, "body": packed(position)})
        yield batch


def _text(position: Position) -> str:
    names = (
        position.account_name,
        position.account,
        position.contract,
        position.line,
        position.service,
    )
    return "\n".join(names).casefold()


def _insert(connection: Connection, generation: int, written: _Written) -> None:
    for table, rows in zip(_TABLES, written, strict=True):
        if rows:
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


def _row(position: Position) -> dict[str, Any]:
    ahead = position.forecast
    percent = position.percent_used
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


def _batches(items: Iterable[LineKey], size: int) -> Iterator[list[LineKey]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
