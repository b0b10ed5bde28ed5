"""The account that the volume page is narrowed to, by the key or name in its address, and accounts
to choose from. Knows nothing of lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from tallybook.model import limits
from tallybook.model.directory import Directory
from tallybook.model.errors import NotFound
from tallybook.model.scope import Scope
from tallybook.operations import definitions
from tallybook.operations import position as position_op

#: Accounts that a field suggests at first, and as somebody types.
_SUGGESTED: Final = 40
#: Accounts looked at to find those: the first of many thousands do as well as any.
_LOOKED_AT: Final = 400

#: An account's key and its name.
Named = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an address says of an account: `key` is empty where nothing is said, or nobody meant.

    `accounts` are those whose contracts are listed, None for all one may see; `below` counts who
    is under the account today, and `alike` are those with a name or key like what was said.
    """

    said: str = ""
    key: str = ""
    name: str = ""
    accounts: frozenset[str] | None = None
    below: int = 0
    alike: tuple[Named, ...] = ()


def chosen(scope: Scope, directory: Directory, now: datetime, said: str, *, alone: bool) -> Chosen:
    """Find the account that is meant by a key or by a whole name that only one account has.

    `alone` leaves out who is under it.
    """
    if not said:
        return Chosen()
    key, alike = said, list[Named]()
    tree = _tree(scope, directory, said, now)
    if tree is None:
        alike = like(scope, directory, now, said, limits.PAGE_ROWS_MAX)
        exact = [found for found, name in alike if name.casefold() == said.strip().casefold()]
        key = exact[0] if len(exact) == 1 else ""
        tree = _tree(scope, directory, key, now) if key else None
    if tree is None:
        return Chosen(said, accounts=frozenset(), alike=tuple(alike[:_SUGGESTED]))
    reach = frozenset({key}) if alone else tree
    return Chosen(said, key, _title(directory, key), reach, len(tree) - 1)


def like(
    scope: Scope, directory: Directory, now: datetime, part: str, limit: int = _SUGGESTED
) -> list[Named]:
    """Return the first accounts one may see whose key or name has this part."""
    found = definitions.page(scope, directory, "account", now, q=part.strip(), limit=limit)
    return [(version.key, version.document.get("name") or version.key) for version in found.items]


def offered(scope: Scope, directory: Directory, now: datetime) -> tuple[Named, ...]:
    """Return accounts to begin with: the tops of trees, or all where there are few."""
    some = list(islice(_seen(scope, directory, now), _LOOKED_AT))
    keys = some
    if len(some) > _SUGGESTED:
        parents = ((key, _parent(directory, key)) for key in some)
        keys = [key for key, parent in parents if not (parent and scope.sees(parent, now))]
    return tuple((key, _title(directory, key)) for key in keys[:_SUGGESTED])


def _seen(scope: Scope, directory: Directory, now: datetime) -> Iterator[str]:
    if scope.accounts is None:
        yield from directory.keys("account")
    else:
        now_seen = {m.account for m in scope.accounts if m.start <= now < m.end}
        yield from sorted(key for key in now_seen if directory.account(key))


def _tree(scope: Scope, directory: Directory, key: str, now: datetime) -> frozenset[str] | None:
    try:
        return position_op.reach(scope, directory, key, now)
    except NotFound:
        return None


def _parent(directory: Directory, key: str) -> str | None:
    found = directory.account(key)
    return found.parent if found else None


def _title(directory: Directory, key: str) -> str:
    found = directory.account(key)
    return found.title if found else key
