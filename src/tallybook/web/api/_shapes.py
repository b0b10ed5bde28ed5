"""The words of the OpenAPI document: kinds of values, and how they are put together.

The shapes of answers themselves are in `_answers` and beside it.
"""

from typing import Any, Final, get_args

Shape = dict[str, Any]

TEXT: Final = {"type": "string"}
WHOLE: Final = {"type": "integer"}
YES_OR_NO: Final = {"type": "boolean"}
INSTANT: Final = {"type": "string", "format": "date-time"}
DATE: Final = {"type": "string", "format": "date"}
DECIMAL: Final = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
MARK: Final = {"type": "string", "description": "Ask again with it as `known_at`: the same bytes."}


def maybe(shape: Shape) -> Shape:
    """Return the shape of what may be null."""
    return {"anyOf": [shape, {"type": "null"}]}


def many(shape: Shape) -> Shape:
    """Return the shape of a list."""
    return {"type": "array", "items": shape}


def one_of(values: object) -> Shape:
    """Return the shape of one of the words of a Literal."""
    return {"enum": [*get_args(values)]}


def record(**fields: Shape) -> Shape:
    """Return the shape of an object that always has these fields."""
    return {"type": "object", "required": [*fields], "properties": fields}


def ref(name: str) -> Shape:
    """Return a reference to a shape by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(item: str, totals: Shape | None = None, **more: Shape) -> Shape:
    """Return the shape of a page of a list."""
    counted = record(count=WHOLE) if totals is None else totals
    return record(items=many(ref(item)), next_cursor=maybe(TEXT), totals=counted, **more)
