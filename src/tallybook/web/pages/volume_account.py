"""Accounts that the volume page offers to be narrowed to. Knows nothing of lines."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.scope import Scope
from tallybook.operations.accounts_meant import SUGGESTED, Named, title

#: Accounts looked at to find those: the first of many thousands do as well as any.
_LOOKED_AT: Final = 400


def offered(scope: Scope, directory: Directory, now: datetime) -> tuple[Named, ...]:
    """Return accounts to begin with: the tops of trees, or all where there are few."""
    some = list(islice(_seen(scope, directory, now), _LOOKED_AT))
    keys = some
    if len(some) > SUGGESTED:
        parents = ((key, _parent(directory, key)) for key in some)
        keys = [key for key, parent in parents if not (parent and scope.sees(parent, now))]
    return tuple((key, title(directory, key)) for key in keys[:SUGGESTED])


def _seen(scope: Scope, directory: Directory, now: datetime) -> Iterator[str]:
    if scope.accounts is None:
        yield from directory.keys("account")
    else:
        now_seen = {m.account for m in scope.accounts if m.start <= now < m.end}
        yield from sorted(key for key in now_seen if directory.account(key))


def _parent(directory: Directory, key: str) -> str | None:
    found = directory.account(key)
    return found.parent if found else None
