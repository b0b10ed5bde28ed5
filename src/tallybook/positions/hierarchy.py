"""Who belongs to an account's tree, and when. Membership is by date: a child that moves counts in
both trees, each for its own days. Counts nothing and refuses nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from tallybook.model.directory import Directory, Link
from tallybook.model.limits import TREE_DEPTH_MAX
from tallybook.model.scope import Member
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT

Way = tuple[str, datetime, datetime, tuple[str, ...]]


def members(
    directory: Directory,
    root: str,
    start: datetime,
    end: datetime,
    *,
    rollup: bool = True,
    group: int = 0,
) -> list[Member]:
    """Return the root, then its descendants by key, with their spans within [start, end).

    An account has one parent at a time, so no instant of an account is listed twice.
    """
    found = _reach(root, start, end, lambda key: _down(directory, key)) if rollup else []
    own = [Member(root, start, end, group)] if start < end else []
    return own + [Member(*span, group) for span in _merged(found)]


def ancestors(directory: Directory, account: str) -> frozenset[str]:
    """Return the accounts whose tree this account ever belonged to, and itself."""
    up = _reach(account, FIRST_INSTANT, LAST_INSTANT, lambda key: _up(directory, key))
    return frozenset({account, *(key for key, _, _ in up)})


def above(directory: Directory, account: str, at: datetime) -> Iterator[str]:
    """Yield an account and those whose tree it belongs to at an instant, the nearest first."""
    seen: set[str] = set()
    key: str | None = account
    while key is not None and key not in seen:
        seen.add(key)
        yield key
        links = directory.links(key)
        key = next((link.parent for link in links if link.start <= at < link.end), None)


def faults(directory: Directory, account: str) -> list[str]:
    """Say what is wrong with the links above an account: `tree_cycle`, `tree_too_deep`, `orphan`.

    A cycle is cut where it would return to an account it came through; nothing loops.
    """
    codes: set[str] = set()
    open_ways: list[Way] = [(account, FIRST_INSTANT, LAST_INSTANT, (account,))]
    while open_ways:
        key, start, end, path = open_ways.pop()
        if len(path) > TREE_DEPTH_MAX:
            codes.add("tree_too_deep")
        for link in directory.links(key):
            first, last = max(start, link.start), min(end, link.end)
            if first >= last:
                continue
            if link.parent in path:
                codes.add("tree_cycle")
                continue
            if not directory.history("account", link.parent):
                codes.add("orphan")
            open_ways.append((link.parent, first, last, (*path, link.parent)))
    return sorted(codes)


def _down(directory: Directory, key: str) -> Iterable[tuple[str, Link]]:
    return ((link.account, link) for link in directory.children(key))


def _up(directory: Directory, key: str) -> Iterable[tuple[str, Link]]:
    return ((link.parent, link) for link in directory.links(key))


def _reach(
    root: str,
    start: datetime,
    end: datetime,
    step: Callable[[str], Iterable[tuple[str, Link]]],
) -> list[tuple[str, datetime, datetime]]:
    """Follow links from the root and cut each span by those on its way."""
    found = []
    open_ways: list[Way] = [(root, start, end, (root,))]
    while open_ways:
        key, since, until, path = open_ways.pop()
        for other, link in step(key):
            first, last = max(since, link.start), min(until, link.end)
            if first < last and other not in path:
                found.append((other, first, last))
                open_ways.append((other, first, last, (*path, other)))
    return found


def _merged(
    spans: Iterable[tuple[str, datetime, datetime]],
) -> list[tuple[str, datetime, datetime]]:
    """Sort spans by key and start, and join those that touch."""
    joined: list[tuple[str, datetime, datetime]] = []
    for key, start, end in sorted(spans):
        if joined and joined[-1][0] == key and joined[-1][2] == start:
            joined[-1] = (key, joined[-1][1], end)
        else:
            joined.append((key, start, end))
    return joined
