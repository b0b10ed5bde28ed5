"""The position snapshot in SQL: one row a line, all of one mark, listed and added up in scope.

How it is written is in `writing`.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    tuple_,
)

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
from tallybook.stores.books import courses, totals
from tallybook.stores.books.bodies import unpacked
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import SORTS, line, line_body, line_text
from tallybook.stores.books.seen import among, relation, seen
from tallybook.stores.books.writing import Stands, Writing, stands_now

#: Answers of each kind that are kept until the next refresh.
_ANSWERS_KEPT: Final = 64
#: Lines with a text that are looked up by key; of more, some are met soon in an index.
FOUND_MAX: Final = 4_000
#: Lines that are read together where all are.
_WALKED: Final = 2_000
_Answer = TypeVar("_Answer")


class BooksSnapshot:
    """See `model.ports.Snapshot`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database
        self._replacing = Lock()
        self._sums: OrderedDict[tuple[object, ...], totals.Sums] = OrderedDict()
        self._found: OrderedDict[tuple[object, ...], frozenset[str] | None] = OrderedDict()

    def state(self, scope: Scope) -> SnapshotState | None:
        """Return what the snapshot rests on, None before the first refresh."""
        with self._database.reader() as connection:
            found = stands_now(connection)
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
        with self._replacing:
            everything = everything or self.state(scope) is None
            Writing(self._database, claim).write(state, positions, gone, everything=everything)

    def page(self, scope: Scope, query: SnapshotQuery) -> SnapshotPage:
        """Return the lines of contracts whose account the scope sees at the snapshot's instant."""
        with self._database.reader() as connection:
            stands = stands_now(connection)
            if stands is None:
                return SnapshotPage((), 0, {"all": 0}, (), None)
            reach = self._reach(connection, scope, stands, query)
            sums = self._sums_of(reach)
            items = _items(reach) if query.limit else ()
        found = totals.totals(sums, query.states)
        counts = totals.counts(sums)
        return SnapshotPage(items, sum(t.lines for t in found), counts, found, stands.state)

    @contextmanager
    def walk(self, scope: Scope, query: SnapshotQuery) -> Iterator[SnapshotWalk]:
        """Open all lines of `page`, read part by part in one transaction, which sees one state."""
        with self._database.reader() as connection:
            stands = stands_now(connection)
            if stands is None:
                yield SnapshotWalk(iter(()), 0, None)
                return
            reach = self._reach(connection, scope, stands, query)
            sums = totals.totals(self._sums_of(reach), query.states)
            yield SnapshotWalk(_walked(reach), sum(t.lines for t in sums), stands.state)

    def choices(self, scope: Scope) -> Choices:
        """Return what the lines that the scope sees can be narrowed to."""
        with self._database.reader() as connection:
            stands = stands_now(connection)
            if stands is None:
                return Choices()
            reach = self._reach(connection, scope, stands, SnapshotQuery())
            return Choices(*(_values(reach, cut) for cut in totals.CUTS))

    def together(self, scope: Scope, query: SnapshotQuery) -> tuple[Position, ...]:
        """Return the lines of a service added up to one for each kind of course that they take, as
        far as this is kept; none where the query narrows to what is not.
        """
        with self._database.reader() as connection:
            stands = stands_now(connection)
            if stands is None or query.service is None:
                return ()
            cut = _cut(self._reach(connection, scope, stands, query).query)
            if cut is None:
                return ()
            kept = totals.kept_courses(connection, *cut, query.service, query.states)
            return tuple(courses.joined(group, sums, stands.state) for group, sums in kept)

    def _reach(
        self, connection: Connection, scope: Scope, stands: Stands, query: SnapshotQuery
    ) -> "_Reach":
        accounts = seen(scope, query.accounts, stands.state.mark.now)
        narrow = replace(query, accounts=accounts, text=query.text or None)
        found = None
        if narrow.text:
            key = (stands.version, narrow.text)
            if key not in self._found:
                _keep(self._found, key, _contracts_with(connection, stands, narrow.text))
            found = self._found.get(key)
        return _Reach(connection, stands, narrow, found)

    def _sums_of(self, reach: "_Reach") -> totals.Sums:
        """Return the sums of all lines in reach, in whichever state. Those of every service are
        kept, as who asks of one asks of the others, too.
        """
        query = reach.query
        narrow = (query.accounts, query.contract, query.branch, query.csm, query.text)
        key = (reach.stands.version, *narrow)
        found = self._sums.get(key)
        if found is None:
            cut = _cut(query)
            found = totals.kept(reach.connection, *cut) if cut else _summed(reach)
            _keep(self._sums, key, found)
        return {g: v for g, v in found.items() if query.service in {None, g[0]}}


class _Reach(NamedTuple):
    """A query narrowed to what its scope sees, on the snapshot as it stands in a transaction.

    `found` are the contracts whose lines have the text, None where they are many.
    """

    connection: Connection
    stands: Stands
    query: SnapshotQuery
    found: frozenset[str] | None

    @property
    def is_narrow(self) -> bool:
        """Tell whether an index finds the few lines that it is about."""
        query = self.query
        narrow = (query.accounts, query.contract, query.csm, self.found)
        return any(value is not None for value in narrow)


def _keep(answers: OrderedDict[tuple[object, ...], _Answer], key: Any, answer: _Answer) -> None:
    answers[key] = answer
    while len(answers) > _ANSWERS_KEPT:
        answers.popitem(last=False)


def _summed(reach: _Reach) -> totals.Sums:
    """Add up lines of any service that are otherwise in reach. Lines with a text are found by it,
    and where most have it, those that do not are taken away from all.
    """
    connection = reach.connection
    every = reach._replace(query=replace(reach.query, service=None))
    if not every.query.text or reach.is_narrow:
        return totals.asked(connection, _conditions(every))
    rest = every._replace(query=replace(every.query, text=None))
    cut = _cut(rest.query)
    if cut is None or not _most_have_it(reach):
        return totals.asked(connection, [*_conditions(rest), _one_of(_by_text(reach, _has))])
    without = totals.asked(connection, [*_conditions(rest), _one_of(_by_text(reach, _lacks))])
    return totals.less(totals.kept(connection, *cut), without)


def _most_have_it(reach: _Reach) -> bool:
    """Tell whether more lines of the snapshot have the text than have not."""
    having = func.count().filter(_has(reach.query.text or ""))
    counted = select(having * 2 > func.count())
    mine = line_text.c.generation == reach.stands.generation
    return bool(reach.connection.scalar(counted.select_from(line_text).where(mine)))


def _by_text(reach: _Reach, wanted: Callable[[str], ColumnElement[bool]]) -> Select[Any]:
    """Return the keys of the lines that have the text, or of those that lack it."""
    mine = line_text.c.generation == reach.stands.generation
    keys = select(line_text.c.contract, line_text.c.code)
    return keys.where(mine, wanted(reach.query.text or ""))


def _one_of(keys: Select[Any]) -> ColumnElement[bool]:
    return tuple_(line.c.contract, line.c.code).in_(keys)


def _cut(query: SnapshotQuery) -> tuple[str, str] | None:
    """Return which lines' sums are kept that a query is about, but for a service; None for none."""
    narrow = [(name, value) for name in totals.CUTS if (value := getattr(query, name)) is not None]
    if query.accounts is not None or query.contract is not None or query.text or len(narrow) > 1:
        return None
    return narrow[0] if narrow else ("", "")


def _items(reach: _Reach) -> tuple[Position, ...]:
    query, stands = reach.query, reach.stands
    names = [column.name for column in _sort_columns(query.sort)]
    keys = _keys(reach).offset(query.offset).limit(query.limit).subquery()
    mine = and_(
        line_body.c.generation == stands.generation,
        line_body.c.contract == keys.c.contract,
        line_body.c.code == keys.c.code,
    )
    bodies = select(line_body.c.body).join(keys, mine)
    bodies = bodies.order_by(*_order([keys.c[name] for name in names], query))
    return tuple(unpacked(body, stands.state) for body in reach.connection.scalars(bodies))


def _keys(reach: _Reach) -> Select[Any]:
    """Return the keys of lines in their order. Where these are few, they are found first and then
    sorted; else they are met soon in the order of an index.
    """
    query = reach.query
    columns: list[ColumnElement[Any]] = [*_sort_columns(query.sort)]
    found = select(*columns).where(*_conditions(reach), *_states(query))
    if reach.is_narrow:
        first = found.cte("found").prefix_with("MATERIALIZED")
        columns = [first.c[column.name] for column in _sort_columns(query.sort)]
        found = select(*columns)
    return found.order_by(*_order(columns, query))


def _walked(reach: _Reach) -> Iterator[Position]:
    """Yield all lines in their order: keys first, which are small to sort, then bodies by parts."""
    stands = reach.stands
    keys = _keys(reach).execution_options(yield_per=_WALKED)
    for some in reach.connection.execute(keys).partitions():
        numbers = relation(reach.connection, {key.contract for key in some})
        wanted = select(line_body.c.contract, line_body.c.code, line_body.c.body).where(
            line_body.c.generation == stands.generation, line_body.c.contract.in_(numbers)
        )
        bodies = {(row.contract, row.code): row.body for row in reach.connection.execute(wanted)}
        for key in some:
            yield unpacked(bodies[key.contract, key.code], stands.state)


def _sort_columns(sort: str) -> list[Column[Any]]:
    """Return the columns of a sort, then the key."""
    names = dict.fromkeys((*SORTS.get(sort, ()), "contract", "code"))
    return [line.c[name] for name in names]


def _order(columns: Iterable[ColumnElement[Any]], query: SnapshotQuery) -> list[ColumnElement[Any]]:
    """Order by columns, all in one direction; what has no value is least."""
    if query.descending:
        return [column.desc().nulls_last() for column in columns]
    return [column.asc().nulls_first() for column in columns]


def _conditions(reach: _Reach) -> list[ColumnElement[bool]]:
    """Return what lines have to meet, in whichever state they are."""
    query = reach.query
    found = [line.c.generation == reach.stands.generation]
    found += [
        line.c[name] == wanted
        for name in ("contract", "service", "branch", "csm")
        if (wanted := getattr(query, name)) is not None
    ]
    found += among(reach.connection, line.c.account, query.accounts)
    found += among(reach.connection, line.c.contract, reach.found)
    if query.text:
        same = (line_text.c[name] == line.c[name] for name in ("generation", "contract", "code"))
        found.append(exists().where(*same, _has(query.text)))
    return found


def _has(text: str) -> ColumnElement[bool]:
    return line_text.c.text.contains(text.casefold(), autoescape=True)


def _lacks(text: str) -> ColumnElement[bool]:
    return ~_has(text)


def _contracts_with(connection: Connection, stands: Stands, text: str) -> frozenset[str] | None:
    """Return the contracts whose lines have a text; None where they are many."""
    found = connection.scalars(
        select(line_text.c.contract)
        .where(line_text.c.generation == stands.generation, _has(text))
        .limit(FOUND_MAX + 1)
    ).all()
    return frozenset(found) if len(found) <= FOUND_MAX else None


def _values(reach: _Reach, cut: str) -> tuple[str, ...]:
    """Return the values of a column, sorted."""
    if reach.query.accounts is None:
        return totals.values(reach.connection, cut)
    found = select(line.c[cut]).where(*_conditions(reach), line.c[cut].is_not(None)).distinct()
    return tuple(sorted(reach.connection.scalars(found)))


def _states(query: SnapshotQuery) -> list[ColumnElement[bool]]:
    if not query.states:
        return []
    words = [state for state in query.states if state not in totals.FLAGS]
    flags = [line.c[state] for state in query.states if state in totals.FLAGS]
    return [or_(line.c.status.in_(words), *flags)]
