"""The position snapshot in SQL: one row a line, all of one mark, listed and added up in scope.

How it is written is in `writing`.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import chain, islice
from threading import Lock
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, and_, or_, select

from tallybook.model.ports import Claim, LineKey, SnapshotPage, SnapshotQuery, SnapshotState
from tallybook.model.position import Position
from tallybook.model.scope import Scope
from tallybook.stores.books import courses, totals, writing
from tallybook.stores.books.bodies import unpacked
from tallybook.stores.books.database import Database
from tallybook.stores.books.keys import relation
from tallybook.stores.books.schema import LIMBS, line, line_body
from tallybook.stores.books.writing import Stands, Writing, stands_now

_SUMMARIES_KEPT: Final = 64
_COLUMNS: Final = {
    "contract": ("contract",),
    "account": ("account_name",),
    "service": ("service",),
    "status": ("status",),
    "percent_used": ("percent",),
    **{name: tuple(f"{name}_{limb}" for limb in found) for name, found in LIMBS.items()},
}


class BooksSnapshot:
    """See `model.ports.Snapshot`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database
        self._replacing = Lock()
        self._sums: OrderedDict[tuple[object, ...], totals.Sums] = OrderedDict()

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
        rest = iter(positions)
        some = list(islice(rest, writing.LINES_A_TRANSACTION + 1))
        with self._replacing:
            everything = everything or self.state(scope) is None
            refresh = Writing(self._database, claim)
            if everything or len(some) + len(gone) > writing.LINES_A_TRANSACTION:
                refresh.beside(state, chain(some, rest), gone, everything=everything)
            else:
                refresh.into(state, some, gone)

    def page(self, scope: Scope, query: SnapshotQuery) -> SnapshotPage:
        """Return the lines of contracts whose account the scope sees at the snapshot's instant."""
        with self._database.reader() as connection:
            stands = stands_now(connection)
            if stands is None:
                return SnapshotPage((), 0, {"all": 0}, (), None)
            state = stands.state
            narrow = replace(query, accounts=_seen(scope, query, state))
            sums = self._sums_of(connection, stands, narrow)
            items = _items(connection, stands, narrow)
        found = totals.totals(sums, query.states)
        return SnapshotPage(items, sum(t.lines for t in found), totals.counts(sums), found, state)

    def together(self, scope: Scope, query: SnapshotQuery) -> tuple[Position, ...]:
        """Return the lines of a service added up to one for each kind of course that they take, as
        far as this is kept; none where the query narrows to what is not.
        """
        with self._database.reader() as connection:
            stands = stands_now(connection)
            if stands is None or query.service is None:
                return ()
            cut = _cut(replace(query, accounts=_seen(scope, query, stands.state)))
            if cut is None:
                return ()
            kept = totals.kept_courses(connection, *cut, query.service, query.states)
            return tuple(courses.joined(group, sums, stands.state) for group, sums in kept)

    def _sums_of(self, connection: Connection, stands: Stands, query: SnapshotQuery) -> totals.Sums:
        """Return the sums of all lines in reach, in whichever state: kept, or asked for once."""
        cut = _cut(query)
        if cut is not None:
            return totals.kept(connection, *cut, query.service)
        text = query.text or None
        filters = (query.accounts, query.contract, query.branch, query.csm, query.service, text)
        key = (stands.version, *filters)
        found = self._sums.get(key)
        if found is None:
            found = totals.asked(connection, _conditions(connection, stands, query))
            self._sums[key] = found
            while len(self._sums) > _SUMMARIES_KEPT:
                self._sums.popitem(last=False)
        return found


def _cut(query: SnapshotQuery) -> tuple[str, str] | None:
    """Return which lines' sums are kept that a query is about, but for a service; None for none."""
    narrow = [(name, value) for name in totals.CUTS if (value := getattr(query, name)) is not None]
    if query.accounts is not None or query.contract is not None or query.text or len(narrow) > 1:
        return None
    return narrow[0] if narrow else ("", "")


def _seen(scope: Scope, query: SnapshotQuery, state: SnapshotState) -> frozenset[str] | None:
    """Return whose lines may be listed: a child that has moved away is no longer seen."""
    if scope.accounts is None:
        return query.accounts
    seen = frozenset(m.account for m in scope.accounts if m.start <= state.mark.now < m.end)
    return seen if query.accounts is None else seen & query.accounts


def _items(connection: Connection, stands: Stands, query: SnapshotQuery) -> tuple[Position, ...]:
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
    connection: Connection, stands: Stands, query: SnapshotQuery
) -> list[ColumnElement[bool]]:
    """Return what lines have to meet, in whichever state they are."""
    found = [line.c.generation == stands.generation]
    found += [
        line.c[name] == wanted
        for name in ("contract", "service", "branch", "csm")
        if (wanted := getattr(query, name)) is not None
    ]
    if query.accounts is not None:
        found.append(line.c.account.in_(relation(connection, query.accounts)))
    if query.text:
        found.append(line.c.text.contains(query.text.casefold(), autoescape=True))
    return found


def _states(query: SnapshotQuery) -> list[ColumnElement[bool]]:
    if not query.states:
        return []
    words = [state for state in query.states if state not in totals.FLAGS]
    flags = [line.c[state] for state in query.states if state in totals.FLAGS]
    return [or_(line.c.status.in_(words), *flags)]
