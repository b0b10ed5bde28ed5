"""A contract's document as text that people edit: YAML out, YAML or JSON in, decimals as texts."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import msgspec

from tallybook.formats import yaml
from tallybook.model.errors import Invalid, Unreadable
from tallybook.model.plain import plain


def write_text(document: Mapping[str, Any]) -> str:
    """Write a document as JSON over several lines, which is YAML as well."""
    return msgspec.json.format(msgspec.json.encode(plain(document)), indent=2).decode()


def read_text(text: str) -> dict[str, Any]:
    """Read a document; an empty text is an empty one.

    Raises:
        Invalid: `document_invalid`.
    """
    try:
        found = yaml.load(BytesIO(text.encode()))
    except Unreadable as e:
        raise Invalid("document_invalid", e.detail, field="document") from e
    if not found:
        return {}
    if len(found) != 1 or not isinstance(found[0], dict):
        said = "The text must be one document with names and values; write it so."
        raise Invalid("document_invalid", said, field="document")
    return {str(name): value for name, value in found[0].items()}
