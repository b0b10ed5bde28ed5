"""Keeps the newest directory in memory, and a few older ones, and finds what is closed beside it.
Reads Books; writes nothing.
"""

from collections import OrderedDict
from collections.abc import Collection
from itertools import takewhile
from threading import Lock, RLock
from typing import Final

from tallybook.model.directory import NOUNS, Directory
from tallybook.model.errors import Invalid
from tallybook.model.ports import Books, Statements
from tallybook.model.scope import Scope, operator
from tallybook.model.statement import ClosedStatement

_OLDER_KEPT: Final = 8


class Directories:
    """Directories by revision. They are whole: operations narrow what they answer by scope."""

    def __init__(self, books: Books, statements: Statements) -> None:
        """Start empty; the first question reads all there is."""
        self._books = books
        self._statements = statements
        #: Held from reading the newest directory to writing what was checked against it.
        self.changing = RLock()
        self._lock = Lock()
        self._newest = Directory()
        self._older: OrderedDict[int, Directory] = OrderedDict()

    def current(self, scope: Scope) -> Directory:
        """Return the directory of the newest revision; `on(day)` says which day is current."""
        revision = self._books.revision(scope)
        if revision != self._newest.revision:
            self._refresh(revision)
        return self._newest

    def at(self, scope: Scope, revision: int) -> Directory:
        """Return the directory as it was known at a revision.

        Raises:
            Invalid: `known_at_unknown`, for a revision that is not there yet.
        """
        newest = self.current(scope)
        if revision == newest.revision:
            return newest
        if revision > newest.revision:
            raise Invalid(
                "known_at_unknown",
                "known_at is newer than this installation; use a mark from one of its answers.",
                field="known_at",
            )
        with self._lock:
            found = self._older.get(revision) or newest.as_of(revision)
            self._older[revision] = found
            self._older.move_to_end(revision)
            while len(self._older) > _OLDER_KEPT:
                self._older.popitem(last=False)
        return found

    def closed(self, contracts: Collection[str]) -> list[ClosedStatement]:
        """Return the statements of contracts that are closed by now, whoever asks."""
        whole = operator("directory")
        return self._statements.closed(whole, contracts, self._books.revision(whole))

    def _refresh(self, revision: int) -> None:
        """Add what is new up to `revision`; later commits wait for the next call."""
        with self._lock:
            known = self._newest
            if known.revision >= revision:
                return
            whole = operator("directory")
            added = [
                version
                for noun in NOUNS
                for version in takewhile(
                    lambda v: v.revision <= revision,
                    self._books.versions(whole, noun, after=known.revision),
                )
            ]
            self._newest = known.extend(added, revision)
