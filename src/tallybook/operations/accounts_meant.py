"""The account that somebody means by a key or a name, with its tree, and those with a name like it.
Knows nothing of lines.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tallybook.model import limits
from tallybook.model.directory import Directory
from tallybook.model.errors import NotFound
from tallybook.model.scope import Scope
from tallybook.operations import definitions
from tallybook.operations.position import reach

#: Accounts that are suggested at once.
SUGGESTED: Final = 40

#: An account's key and its name.
Named = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is said of an account: `key` is empty where nothing is said, or nobody meant.

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
        return Chosen(said, accounts=frozenset(), alike=tuple(alike[:SUGGESTED]))
    accounts = frozenset({key}) if alone else tree
    return Chosen(said, key, title(directory, key), accounts, len(tree) - 1)


def like(
    scope: Scope, directory: Directory, now: datetime, part: str, limit: int = SUGGESTED
) -> list[Named]:
    """Return the first accounts one may see whose key or name has this part."""
    found = definitions.page(scope, directory, "account", now, q=part.strip(), limit=limit)
    return [(version.key, version.document.get("name") or version.key) for version in found.items]


def _tree(scope: Scope, directory: Directory, key: str, now: datetime) -> frozenset[str] | None:
    try:
        return reach(scope, directory, key, now)
    except NotFound:
        return None


def title(directory: Directory, key: str) -> str:
    """Return what an account is called."""
    found = directory.account(key)
    return found.title if found else key
