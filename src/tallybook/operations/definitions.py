"""Reads definitions as the caller may see them: one, its history, or a page of many.

An account that has left a customer's tree is no longer theirs, nor are its contracts.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from tallybook.model import limits
from tallybook.model.contract import Contract
from tallybook.model.difference import Change
from tallybook.model.directory import NOUNS, AnyNoun, Directory, History
from tallybook.model.errors import Fault, NotFound
from tallybook.model.nouns import Account
from tallybook.model.ports import NounName, Version
from tallybook.model.scope import Scope
from tallybook.model.time import Calendar
from tallybook.operations._page import Page, check_limit, cursor_invalid, read_cursor, write_cursor
from tallybook.operations._shown import changes, sees_amounts, without_amounts
from tallybook.positions.findings import findings
from tallybook.positions.periods import add_days, calendar_of

#: No local day is further from that of UTC, whatever the zone and the hour at which days start.
_ZONES_DAYS: Final = 2


def get(
    scope: Scope,
    directory: Directory,
    noun: NounName,
    key: str,
    now: datetime,
    at: date | datetime | None = None,
) -> Version:
    """Return the version that holds at an instant, on the noun's local day, or on a local day;
    without either today's, else the first one planned.

    What is retired is still there and says so.

    Raises:
        NotFound: `account_not_found`, `meter_not_found`, `contract_not_found`.
    """
    scope.require("read")
    if at is None:
        found = _standing(directory, noun, key, now)
    elif isinstance(at, datetime):
        found = _holding(directory, noun, key, at)
    else:
        found = directory.on(at).version(noun, key)
    if found is None or not _Seen(scope, now).covers(found):
        raise not_found(noun, key)
    return shown(scope, found)


def history(
    scope: Scope, directory: Directory, noun: NounName, key: str, now: datetime
) -> list[Version]:
    """Return every version the caller may see, oldest first.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: as `get`.
    """
    scope.require("read")
    seen = _Seen(scope, now)
    found = [shown(scope, v) for v in directory.history(noun, key) if seen.covers(v)]
    if not found:
        raise not_found(noun, key)
    return found


def changed(
    scope: Scope, directory: Directory, version: Version, now: datetime
) -> Sequence[Change]:
    """Return what a version changed to what held on its day before it came; nothing where that
    was not there or not the caller's.
    """
    name, key = version.noun, version.key
    known = (v for v in directory.history(name, key) if v.number < version.number)
    history: History[Any] = History(NOUNS[name], tuple(known))
    held = history.version(version.valid_from or date.min)
    if held is None or held.retired or not _Seen(scope, now).covers(held):
        return ()
    return changes(
        directory.parsed(held),
        directory.parsed(directory.history(name, key)[version.number - 1]),
        amounts=sees_amounts(scope, name, held.document, version.document),
    )


def findings_of(
    scope: Scope, directory: Directory, version: Version, now: datetime
) -> Sequence[Fault]:
    """Return what is odd about a contract today, in its version of that day; see
    `positions.findings`. Customers are told nothing of how the vendor set up what.
    """
    if version.noun != "contract" or version.retired or not scope.sees_reasons:
        return ()
    noun = directory.parsed(directory.history("contract", version.key)[version.number - 1])
    day = max(local_day(directory, noun, now), version.valid_from or date.min)
    return findings(directory, version.key, day)


def page(
    scope: Scope,
    directory: Directory,
    noun: NounName,
    now: datetime,
    *,
    q: str | None = None,
    cursor: str | None = None,
    limit: int = limits.PAGE_ROWS_DEFAULT,
) -> Page[Version]:
    """Return what stands today, by key; `q` is part of a key or name.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("read")
    check_limit(limit)
    directory = directory.on(now.astimezone(UTC).date())
    keys = _matching(_Seen(scope, now), directory, noun, q)
    start = place_after(scope, directory, noun, keys, cursor)
    some = keys[start : start + limit]
    versions = (_standing(directory, noun, key, now) for key in some)
    more = start + limit < len(keys)
    return Page(
        items=[shown(scope, v) for v in versions if v is not None],
        next_cursor=write_cursor(some[-1]) if more else None,
        totals={"count": len(keys)},
    )


def place_after(
    scope: Scope, directory: Directory, noun: NounName, keys: Sequence[str], cursor: str | None
) -> int:
    """Return where a page of sorted keys begins: after the one that a cursor names, also where that
    was retired since.

    Raises:
        Invalid: `cursor_invalid`, for one that no page gave.
    """
    if not cursor:
        return 0
    key = read_cursor(cursor)
    if key not in (directory.ever(noun) if scope.accounts is None else keys):
        raise cursor_invalid()
    return bisect_right(keys, key)


def visible(scope: Scope, directory: Directory, noun: NounName, now: datetime) -> tuple[str, ...]:
    """Return the keys of what stands on the directory's day and the caller may see, sorted."""
    return _matching(_Seen(scope, now), directory, noun, None)


def standing(
    scope: Scope, directory: Directory, noun: NounName, now: datetime
) -> Iterator[Version]:
    """Yield all that stands on the directory's day and may be seen, by key; `page` is for some.

    Documents are whole: what is answered of them goes through `shown`.

    Raises:
        Forbidden: `verb_not_allowed`.
    """
    scope.require("read")
    for key in _matching(_Seen(scope, now), directory, noun, None):
        version = _standing(directory, noun, key, now)
        if version is not None and not version.retired:
            yield version


def not_found(noun: NounName, key: str) -> NotFound:
    """Return the refusal for what is not there or not the caller's."""
    return NotFound(f"{noun}_not_found", f"There is no {noun} {key[: limits.KEY_CHARS_MAX]!r}.")


def local_day(directory: Directory, noun: AnyNoun, now: datetime) -> date:
    """Return the day it is for a noun: in an account's zone, a contract's own, else in UTC."""
    calendar = Calendar()
    if isinstance(noun, Account):
        calendar = noun.calendar
    elif isinstance(noun, Contract):
        calendar = calendar_of(noun, directory.account_at(noun.account, now))
    return calendar.day_of(now)


def _holding(directory: Directory, noun: NounName, key: str, now: datetime) -> Version | None:
    """Return the version that holds now, each by its own local day, also one that retires.

    What begins days ago or ahead does so in every zone: no document is parsed to know it.
    """
    today = now.date()
    for begins, _, version in reversed(directory.in_force(noun, key)):
        if begins is None or begins <= add_days(today, -_ZONES_DAYS):
            return version
        near = begins <= add_days(today, _ZONES_DAYS)
        if near and begins <= local_day(directory, directory.parsed(version), now):
            return version
    return None


def _standing(directory: Directory, noun: NounName, key: str, now: datetime) -> Version | None:
    """Return the version that holds now, else the first one planned."""
    found = _holding(directory, noun, key, now)
    if found is not None:
        return found
    planned = directory.history(noun, key)
    return min(planned, key=lambda v: v.valid_from or date.min, default=None)


def shown(scope: Scope, version: Version) -> Version:
    """Hide the amounts of a contract from whom they are not, and from customers who of the vendor
    changed something, and why.
    """
    if not scope.sees_reasons:
        version = replace(version, author=None, reason=None)
    if sees_amounts(scope, version.noun, version.document):
        return version
    return replace(version, document=without_amounts(version.document))


class _Seen:
    """Which definitions a scope may read: those of the accounts it has now, and all meters."""

    def __init__(self, scope: Scope, now: datetime) -> None:
        members = scope.accounts
        self.everything = members is None
        self._accounts = frozenset(m.account for m in members or () if m.start <= now < m.end)

    def covers(self, version: Version) -> bool:
        """Tell whether a version may be seen."""
        if self.everything or version.noun == "meter":
            return True
        owner = version.key if version.noun == "account" else version.document.get("account")
        return owner in self._accounts


def _matching(seen: _Seen, directory: Directory, noun: NounName, q: str | None) -> tuple[str, ...]:
    """Return the keys of what stands on the directory's day; of contracts also of what is planned
    only, so that one can be found from the day it was agreed.
    """
    keys = directory.keys(noun)
    if seen.everything and not q and noun != "contract":
        return keys
    part = (q or "").casefold()
    standing = ((key, directory.version(noun, key)) for key in keys)
    found = _agreed(directory) if noun == "contract" else standing
    return tuple(key for key, v in found if v and seen.covers(v) and _holds(v.document, key, part))


def _agreed(directory: Directory) -> Iterator[tuple[str, Version | None]]:
    """Yield each contract with the version of the directory's day, or the first one planned."""
    for number in sorted(directory.ever("contract")):
        version = directory.version("contract", number)
        if version is None:
            version = directory.in_force("contract", number)[0][2]
        if not version.retired:
            yield number, version


def _holds(document: Any, key: str, part: str) -> bool:
    return part in key.casefold() or part in (document.get("name") or "").casefold()
