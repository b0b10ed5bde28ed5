"""What several routes take: a JSON document, a page of a list, a name."""

from typing import Annotated, Any

from fastapi import Depends, Query

from tallybook.model import limits
from tallybook.model.errors import Invalid
from tallybook.web.exact import document

Body = Annotated[Any, Depends(document)]
Cursor = Annotated[str | None, Query(max_length=limits.CURSOR_CHARS_MAX)]
Limit = Annotated[int, Query(ge=1, le=limits.PAGE_ROWS_MAX)]
Text = Annotated[str | None, Query(max_length=limits.NAME_CHARS_MAX)]


def as_mapping(body: Any) -> dict[str, Any]:
    """Return the body when it is an object.

    Raises:
        Invalid: `document_invalid`.
    """
    if not isinstance(body, dict):
        raise Invalid("document_invalid", "The body must be a JSON object.")
    return body
