"""What pages have in common: how long one may be, where it begins and what its cursor says."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tallybook.model.errors import Invalid
from tallybook.model.limits import PAGE_ROWS_MAX

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list; `totals` counts all that match, `next_cursor` asks for more."""

    items: list[T]
    next_cursor: str | None
    totals: dict[str, int]


def page_of(
    items: Sequence[T], name: Callable[[T], str], *, cursor: str | None, limit: int
) -> Page[T]:
    """Return the items that follow the one the cursor names; none of them ever goes away.

    Raises:
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    check_limit(limit)
    start = 0
    if cursor:
        after = read_cursor(cursor)
        places = (place for place, item in enumerate(items, 1) if name(item) == after)
        start = next(places, 0)
        if not start:
            raise cursor_invalid()
    some = [*items[start : start + limit]]
    more = start + limit < len(items)
    return Page(some, write_cursor(name(some[-1])) if more else None, {"count": len(items)})


def check_limit(limit: int) -> None:
    """Refuse a page that is empty or too long.

    Raises:
        Invalid: `limit_invalid`.
    """
    if not 1 <= limit <= PAGE_ROWS_MAX:
        raise Invalid(
            "limit_invalid",
            f"limit must lie between 1 and {PAGE_ROWS_MAX}; ask for the rest with next_cursor.",
            field="limit",
            limit=PAGE_ROWS_MAX,
            asked=limit,
        )


def write_cursor(key: str) -> str:
    """Return the cursor that asks for what follows a key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """Return the key that a cursor names.

    Raises:
        Invalid: `cursor_invalid`.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as e:
        raise cursor_invalid() from e


def cursor_invalid() -> Invalid:
    """Return the refusal of a cursor that no page gave."""
    said = "cursor must be the next_cursor of an earlier page; begin without one."
    return Invalid("cursor_invalid", said, field="cursor")
