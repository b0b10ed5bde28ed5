"""What pages have in common: how long one may be, and what is said of a cursor that is none."""

from tallybook.model.errors import Invalid
from tallybook.model.limits import PAGE_ROWS_MAX


def check_limit(limit: int) -> None:
    """Refuse a page that is empty or too long.

    Raises:
        Invalid: `limit_invalid`.
    """
    if not 1 <= limit <= PAGE_ROWS_MAX:
        raise Invalid(
            "limit_invalid",
            f"limit must lie between 1 and {PAGE_ROWS_MAX}.",
            field="limit",
            limit=PAGE_ROWS_MAX,
            asked=limit,
        )


def cursor_invalid() -> Invalid:
    """Return the refusal of a cursor that no page gave."""
    return Invalid(
        "cursor_invalid", "cursor must be the next_cursor of an earlier page.", field="cursor"
    )
