"""Reads definitions as the caller may see them: one, its history, or a page of many."""

import base64
import binascii
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Any

from tallybook.model import limits
from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.ports import NounName, Version
from tallybook.model.scope import Scope


@dataclass(frozen=True, slots=True)
class Page:
    """Some definitions by key; `totals` counts all that match, `next_cursor` asks for more."""

    items: list[Version]
    next_cursor: str | None
    totals: dict[str, int]


def get(scope: Scope, directory: Directory, noun: NounName, key: str) -> Version:
    """Return the version that holds on the directory's day, else the first one planned.

    What is retired is still there and says so.

    Raises:
        NotFound: `account_not_found`, `meter_not_found`, `contract_not_found`.
    """
    versions = history(scope, directory, noun, key)
    held = directory.version(noun, key)
    return held if held in versions else min(versions, key=lambda v: v.valid_from or date.min)


def history(scope: Scope, directory: Directory, noun: NounName, key: str) -> list[Version]:
    """Return every version the caller may see, oldest first.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: as `get`.
    """
    scope.require("read")
    seen = _Seen(scope)
    found = [v for v in directory.history(noun, key) if seen.covers(v)]
    if not found:
        raise not_found(noun, key)
    return found


def page(
    scope: Scope,
    directory: Directory,
    noun: NounName,
    *,
    q: str | None = None,
    cursor: str | None = None,
    limit: int = limits.PAGE_ROWS_DEFAULT,
) -> Page:
    """Return what stands on the directory's day, by key; `q` is part of a key or name.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("read")
    if not 1 <= limit <= limits.PAGE_ROWS_MAX:
        raise Invalid(
            "limit_invalid",
            f"limit must lie between 1 and {limits.PAGE_ROWS_MAX}.",
            field="limit",
            limit=limits.PAGE_ROWS_MAX,
            asked=limit,
        )
    keys = _matching(scope, directory, noun, q)
    start = bisect_right(keys, _read_cursor(cursor)) if cursor else 0
    some = keys[start : start + limit]
    versions = (directory.version(noun, key) for key in some)
    more = start + limit < len(keys)
    return Page(
        items=[v for v in versions if v is not None],
        next_cursor=_write_cursor(some[-1]) if more else None,
        totals={"count": len(keys)},
    )


def not_found(noun: NounName, key: str) -> NotFound:
    """Return the refusal for what is not there or not the caller's."""
    return NotFound(f"{noun}_not_found", f"There is no {noun} {key[: limits.KEY_CHARS_MAX]!r}.")


class _Seen:
    """Which definitions a scope may read: those of its accounts, and all meters."""

    def __init__(self, scope: Scope) -> None:
        members = scope.accounts
        self.everything = members is None
        self._accounts = frozenset(m.account for m in members or ())

    def covers(self, version: Version) -> bool:
        """Tell whether a version may be seen."""
        if self.everything or version.noun == "meter":
            return True
        owner = version.key if version.noun == "account" else version.document.get("account")
        return owner in self._accounts


def _matching(scope: Scope, directory: Directory, noun: NounName, q: str | None) -> tuple[str, ...]:
    keys, seen = directory.keys(noun), _Seen(scope)
    if seen.everything and not q:
        return keys
    part = (q or "").casefold()
    found = ((key, directory.version(noun, key)) for key in keys)
    return tuple(key for key, v in found if v and seen.covers(v) and _holds(v.document, key, part))


def _holds(document: Any, key: str, part: str) -> bool:
    return part in key.casefold() or part in (document.get("name") or "").casefold()


def _write_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as e:
        raise Invalid(
            "cursor_invalid", "cursor must be the next_cursor of an earlier page.", field="cursor"
        ) from e
