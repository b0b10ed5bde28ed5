"""YAML as people write documents: a list of objects, or one; numbers and texts as in JSON.

YAML's own habits are off: `no` is a text, 03:00 is a text, dates are texts, 0.10 is exact.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final

import yaml

from tallybook.formats._numbers import exact
from tallybook.model.errors import Unreadable
from tallybook.model.table import BadRow, Row, Table


def read(stream: BinaryIO) -> Table:
    """Read the objects of all documents of a file; a row's number is its place, from 1.

    Raises:
        Unreadable: `file_not_yaml`.
    """
    items: list[Any] = []
    for document in load(stream):
        items.extend(document if isinstance(document, list) else [document])
    return Table(None, _rows(items))


def load(stream: BinaryIO) -> list[Any]:
    """Read all documents of a file that are not empty.

    Raises:
        Unreadable: `file_not_yaml`.
    """
    try:
        documents = list(yaml.load_all(stream, Loader=_Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        problem = " ".join(str(e).split())
        raise Unreadable("file_not_yaml", f"The file is not YAML: {problem}.") from e
    return [document for document in documents if document is not None]


def _rows(items: list[Any]) -> Iterator[Row | BadRow]:
    for number, item in enumerate(items, 1):
        if isinstance(item, dict) and all(isinstance(name, str) for name in item):
            yield Row(number, item)
        else:
            yield BadRow(number, "not an object with names and values")


class _Loader(yaml.SafeLoader):
    """Safe, and with the plain words of JSON only."""


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | Decimal:
    text = loader.construct_scalar(node)
    return int(text) if text.lstrip("-").isdecimal() else exact(text)


_PLAIN: Final = (
    ("tag:yaml.org,2002:null", r"null|~|", ["n", "~", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", ["t", "f"]),
    (
        "tag:tallybook,2026:number",
        r"-?(?:0|[1-9]\d{0,4000})(?:\.\d+)?(?:[eE][+-]?\d+)?",
        list("-0123456789"),
    ),
)
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _starts in _PLAIN:
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$", re.ASCII), _starts)
_Loader.add_constructor("tag:tallybook,2026:number", _number)
