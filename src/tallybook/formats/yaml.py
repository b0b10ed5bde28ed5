"""YAML as people write documents: a list of objects, or one; numbers and texts as in JSON.

YAML's own habits are off: `no` is a text, 03:00 is a text, dates are texts, 0.10 is exact.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final

import yaml

from tallybook.formats._numbers import exact
from tallybook.model.errors import Unreadable
from tallybook.model.table import BadRow, Row, Table

_NUMBER_TAG: Final = "tag:tallybook,2026:number"
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
        documents = list(yaml.load_all(stream, Loader=_Loader))
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        problem = " ".join(str(e).split())
        raise Unreadable("file_not_yaml", f"The file is not YAML: {problem}.") from e
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


class _Loader(yaml.SafeLoader):
    """Safe, and with the plain words of JSON only; a name that stands twice is no YAML.

    Nor is an alias: a few hundred bytes of them stand for more than any memory holds.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse an alias; anything else is read as ever."""
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.composer.ComposerError(
                "an alias", mark, "is not read; write out what it stands for", mark
            )
        found: yaml.Node | None = super().compose_node(parent, index)
        return found


class _Dumper(yaml.SafeDumper):
    """Quotes what this or any other reader of YAML would take for more than a text."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write what is the same in two places twice, as people do."""
        return True


def _object(loader: _Loader, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
    """Make an object; the second of two values of one name would be lost without a word.

    It is given out before it is filled, as PyYAML wants what may hold itself.
    """
    made: dict[Any, Any] = {}
    yield made
    made.update(loader.construct_mapping(node))
    if len(made) < len(node.value):
        raise yaml.constructor.ConstructorError(
            "an object", node.start_mark, "has a name twice", node.start_mark
        )


def _write_number(dumper: _Dumper, value: int | Decimal) -> yaml.ScalarNode:
    return dumper.represent_scalar(_NUMBER_TAG, str(value))


def _write_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    """Escape what no eye can see: PyYAML would read some ends of lines back as blanks."""
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | Decimal:
    text = loader.construct_scalar(node)
    return int(text) if text.lstrip("-").isdecimal() else exact(text)


_PLAIN: Final = (
    ("tag:yaml.org,2002:null", r"null|~|", ["n", "~", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", ["t", "f"]),
    (
        _NUMBER_TAG,
        r"-?(?:0|[1-9]\d{0,4000})(?:\.\d+)?(?:[eE][+-]?\d+)?",
        list("-0123456789"),
    ),
)
_Loader.yaml_implicit_resolvers = {}
_Dumper.yaml_implicit_resolvers = {}
for _kind in (_Loader, _Dumper):
    for _tag, _pattern, _starts in _PLAIN:
        _kind.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$", re.ASCII), _starts)
for _start, _words in yaml.SafeDumper.yaml_implicit_resolvers.items():
    for _tag, _other in _words:
        if not _tag.endswith("timestamp"):  # a date is a text everywhere, and reads best unquoted
            _Dumper.add_implicit_resolver(_tag, _other, [_start])
_Loader.add_constructor(_NUMBER_TAG, _number)
_Loader.add_constructor("tag:yaml.org,2002:map", _object)
_Dumper.add_representer(Decimal, _write_number)
_Dumper.add_representer(int, _write_number)
_Dumper.add_representer(str, _write_text)
