"""YAML as people write documents: a list of objects, or one; numbers and texts as in JSON.

YAML's own habits are off: `no` is a text, 03:00 is a text, dates are texts, 0.10 is exact.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final

import yaml

from tallybook.formats._yaml import NUMBER_TAG, PLAIN, Loader
from tallybook.model.errors import Unreadable
from tallybook.model.table import BadRow, Row, Table

#: No text is folded: a change of a word is a change of its line.
_WIDTH: Final = 1_000_000


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
        documents = list(yaml.load_all(stream, Loader=Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        problem = " ".join(str(e).split())
        said = f"The file is not YAML: {problem}. Mend that and send it again."
        raise Unreadable("file_not_yaml", said) from e
    return [document for document in documents if document is not None]


def write(documents: Iterable[Any]) -> bytes:
    """Write documents one after another, so that `read` gives equal ones, in the same order."""
    text: str = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH
    )
    return text.encode()


def _rows(items: list[Any]) -> Iterator[Row | BadRow]:
    for number, item in enumerate(items, 1):
        if isinstance(item, dict) and all(isinstance(name, str) for name in item):
            yield Row(number, item)
        else:
            yield BadRow(number, "not an object with names and values")


class _Dumper(yaml.SafeDumper):
    """Quotes what this or any other reader of YAML would take for more than a text."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write what is the same in two places twice, as people do."""
        return True


def _write_number(dumper: _Dumper, value: int | Decimal) -> yaml.ScalarNode:
    return dumper.represent_scalar(NUMBER_TAG, str(value))


def _write_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    """Escape what no eye can see: PyYAML would read some ends of lines back as blanks."""
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.yaml_implicit_resolvers = {}
for _tag, _pattern, _starts in PLAIN:
    _Dumper.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$", re.ASCII), _starts)
for _start, _words in yaml.SafeDumper.yaml_implicit_resolvers.items():
    for _tag, _other in _words:
        if not _tag.endswith("timestamp"):  # a date is a text everywhere, and reads best unquoted
            _Dumper.add_implicit_resolver(_tag, _other, [_start])
_Dumper.add_representer(Decimal, _write_number)
_Dumper.add_representer(int, _write_number)
_Dumper.add_representer(str, _write_text)
