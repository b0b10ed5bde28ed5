"""Definitions in SQL: every change is a row, and nothing is updated or deleted."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select, tuple_

from tallybook.model.errors import Conflict
from tallybook.model.nouns import Document
from tallybook.model.ports import Draft, NounName, Version
from tallybook.model.scope import Scope
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import revision as revisions
from tallybook.stores.books.schema import version as versions

_KEYS_A_QUERY: Final = 400
_ROWS_A_FETCH: Final = 2_000


class BooksVersions:
    """The port `Books` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def revision(self, scope: Scope) -> int:
        """Return the revision of the newest commit, 0 before the first."""
        with self._database.reader() as connection:
            return newest_revision(connection)

    def revision_at(self, scope: Scope, instant: datetime) -> int:
        """Return the newest revision recorded at or before an instant, 0 where there is none."""
        newest = (
            select(revisions.c.number)
            .where(revisions.c.recorded_at <= instant)
            .order_by(revisions.c.number.desc())
            .limit(1)
        )
        with self._database.reader() as connection:
            return connection.scalar(newest) or 0

    def write(self, scope: Scope, drafts: Sequence[Draft], recorded_at: datetime) -> list[Version]:
        """Add versions in one commit, numbered on from those there are; none for no drafts.

        Raises:
            Conflict: `version_conflict`; nothing was written.
        """
        if not drafts:
            return []
        with self._database.writer() as connection:
            newest = _newest_numbers(connection, drafts)
            revision = newest_revision(connection) + 1
            written = []
            for draft in drafts:
                number = newest.get((draft.noun, draft.key), 0)
                _check_match(draft, number)
                newest[draft.noun, draft.key] = number + 1
                written.append(_version(draft, number + 1, revision, recorded_at, scope.who))
            connection.execute(insert(revisions).values(number=revision, recorded_at=recorded_at))
            connection.execute(insert(versions), [_row(v) for v in written])
        return written

    def versions(self, scope: Scope, noun: NounName, *, after: int = 0) -> Iterator[Version]:
        """Yield the versions of revisions above `after`, in order of (revision, key, number)."""
        query = (
            _query()
            .where(versions.c.noun == noun, versions.c.revision > after)
            .order_by(versions.c.revision, versions.c.key, versions.c.number)
        )
        with self._database.reader() as connection:
            stream = connection.execution_options(yield_per=_ROWS_A_FETCH)
            with stream.execute(query) as rows:
                yield from _visible(scope, rows)

    def history(self, scope: Scope, noun: NounName, key: str) -> list[Version]:
        """Return every version of one key, oldest first; empty when there is none."""
        query = (
            _query()
            .where(versions.c.noun == noun, versions.c.key == key)
            .order_by(versions.c.number)
        )
        with self._database.reader() as connection:
            return list(_visible(scope, connection.execute(query)))


def _query() -> Select[Any]:
    return select(versions, revisions.c.recorded_at).join(revisions)


def _visible(scope: Scope, rows: Iterable[Row[Any]]) -> Iterator[Version]:
    """Keep what belongs to an account in scope, and what belongs to nobody: the meters."""
    seen = None if scope.accounts is None else {m.account for m in scope.accounts} | {None}
    for row in rows:
        if seen is None or row.account in seen:
            yield Version(
                row.noun,
                row.key,
                row.number,
                row.revision,
                row.valid_from,
                row.recorded_at,
                row.author,
                row.reason,
                row.retired,
                row.document,
            )


def newest_revision(connection: Connection) -> int:
    """Return the revision of the newest commit, 0 before the first."""
    return connection.scalar(select(func.max(revisions.c.number))) or 0


def _newest_numbers(
    connection: Connection, drafts: Sequence[Draft]
) -> dict[tuple[NounName, str], int]:
    wanted = sorted({(draft.noun, draft.key) for draft in drafts})
    found: dict[tuple[NounName, str], int] = {}
    for start in range(0, len(wanted), _KEYS_A_QUERY):
        some = wanted[start : start + _KEYS_A_QUERY]
        rows = connection.execute(
            select(versions.c.noun, versions.c.key, func.max(versions.c.number))
            .where(tuple_(versions.c.noun, versions.c.key).in_(some))
            .group_by(versions.c.noun, versions.c.key)
        )
        found |= {(noun, key): number for noun, key, number in rows}
    return found


def _check_match(draft: Draft, newest: int) -> None:
    if draft.if_match is not None and draft.if_match != newest:
        raise Conflict(
            "version_conflict",
            f"{draft.noun} {draft.key} is at version {newest}, not {draft.if_match}: somebody "
            "changed it; read it again and repeat the change.",
            newest=newest,
        )


def _version(
    draft: Draft, number: int, revision: int, recorded_at: datetime, author: str
) -> Version:
    return Version(
        draft.noun,
        draft.key,
        number,
        revision,
        draft.valid_from,
        recorded_at,
        author,
        draft.reason,
        draft.retired,
        draft.document,
    )


def _row(version: Version) -> dict[str, Any]:
    return {
        "noun": version.noun,
        "key": version.key,
        "number": version.number,
        "revision": version.revision,
        "valid_from": version.valid_from,
        "author": version.author,
        "reason": version.reason,
        "retired": version.retired,
        "account": _owner(version.noun, version.key, version.document),
        "document": version.document,
    }


def _owner(noun: NounName, key: str, document: Document) -> str | None:
    owner: str | None = key if noun == "account" else document.get("account")
    return owner if noun != "meter" else None
