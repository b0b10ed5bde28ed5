"""Closed statements in SQL: rows that are added and never changed."""

from collections.abc import Collection
from typing import Any, Final

import zstandard
from sqlalchemy import Row, func, insert, select

from tallybook.model.canonical import decode, encode
from tallybook.model.errors import Conflict
from tallybook.model.mark import parse_mark
from tallybook.model.scope import Scope
from tallybook.model.statement import ClosedStatement
from tallybook.stores.books.database import Database
from tallybook.stores.books.people import note
from tallybook.stores.books.schema import revision as revisions
from tallybook.stores.books.schema import statement as statements
from tallybook.stores.books.versions import newest_revision

_CONTRACTS_A_QUERY: Final = 400


class BooksStatements:
    """The port `Statements` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def closed(
        self, scope: Scope, contracts: Collection[str], revision: int
    ) -> list[ClosedStatement]:
        """Return those of contracts that a revision knows, in order of (contract, start_date)."""
        wanted = sorted(set(contracts))
        query = (
            select(statements, revisions.c.recorded_at)
            .join(revisions)
            .where(statements.c.revision <= revision)
            .order_by(statements.c.contract, statements.c.start_date)
        )
        found: list[ClosedStatement] = []
        with self._database.reader() as connection:
            for start in range(0, len(wanted), _CONTRACTS_A_QUERY):
                some = wanted[start : start + _CONTRACTS_A_QUERY]
                rows = connection.execute(query.where(statements.c.contract.in_(some)))
                found += [_statement(row) for row in rows if scope.sees(row.account)]
        return found

    def close(self, scope: Scope, statement: ClosedStatement, *, after: int) -> None:
        """Add one, unless another of its contract was closed since it was worked out.

        Raises:
            Conflict: `statements_changed`; nothing was written.
        """
        of_contract = statements.c.contract == statement.contract
        closed = select(func.count()).select_from(statements).where(of_contract)
        at = statement.closed_at
        with self._database.writer() as connection:
            if connection.scalar(closed) != after:
                raise Conflict(
                    "statements_changed",
                    f"Another statement of {statement.contract} was closed at the same time; read "
                    "this one again and close it then.",
                )
            revision = newest_revision(connection) + 1
            connection.execute(insert(revisions).values(number=revision, recorded_at=at))
            connection.execute(insert(statements).values(_row(statement, revision)))
            entity = f"{statement.contract}/{statement.start_date}"
            note(connection, scope, at, "statement.closed", entity)


def _row(statement: ClosedStatement, revision: int) -> dict[str, Any]:
    return {
        "contract": statement.contract,
        "start_date": statement.start_date,
        "end_date": statement.end_date,
        "account": statement.account,
        "revision": revision,
        "document": zstandard.compress(encode(statement.document).encode()),
        "sha256": statement.sha256,
        "known_at": str(statement.known_at),
        "closed_by": statement.closed_by,
        "reason": statement.reason,
    }


def _statement(row: Row[Any]) -> ClosedStatement:
    return ClosedStatement(
        contract=row.contract,
        account=row.account,
        start_date=row.start_date,
        end_date=row.end_date,
        document=decode(zstandard.decompress(row.document).decode()),
        sha256=row.sha256,
        known_at=parse_mark(row.known_at),
        closed_at=row.recorded_at,
        closed_by=row.closed_by,
        reason=row.reason,
    )
