"""How YAML is loaded: with the plain words of JSON only, and nothing that no answer could carry.
Says nothing about files.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import yaml

from tallybook.formats._numbers import exact
from tallybook.model import limits
from tallybook.model.errors import Invalid
from tallybook.model.quantity import check_exponent

_YAML: Final = "tag:yaml.org,2002:"
NUMBER_TAG: Final = "tag:tallybook,2026:number"
#: What a value may be called: by nothing, or by what it is anyway.
_TAGS: Final = frozenset({None, "!", *(f"{_YAML}{kind}" for kind in ("map", "seq", "str"))})
#: The words that are more than a text: tag, pattern and first characters.
PLAIN: Final = (
    ("tag:yaml.org,2002:null", r"null|~|", ["n", "~", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", ["t", "f"]),
    (
        NUMBER_TAG,
        r"-?(?:0|[1-9]\d{0,4000})(?:\.\d+)?(?:[eE][+-]?\d+)?",
        list("-0123456789"),
    ),
)


class Loader(yaml.SafeLoader):
    """Safe, and with the plain words of JSON only; a name that stands twice is no YAML.

    Nor is an alias: a few hundred bytes of them stand for more than any memory holds. Nor is a tag
    that makes something else of a value than what it looks like, nor what no answer could carry.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse an alias, another tag and what is nested too deeply; all else is read as ever."""
        is_alias, event = self.check_event(yaml.AliasEvent), self.current_event
        if is_alias:
            raise _refusal("an alias", event, "is not read; write out what it stands for")
        tag = getattr(event, "tag", None)
        if tag not in _TAGS:
            named = str(tag).replace(_YAML, "!!")
            raise _refusal(f"the tag {named}", event, "is not read; leave it out")
        if self.depth >= limits.JSON_DEPTH_MAX:
            deepest = f"is nested deeper than {limits.JSON_DEPTH_MAX}; write it flatter"
            raise _refusal("a value", event, deepest)
        self.depth += 1
        found: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return found


def _refusal(what: str, at: Any, problem: str) -> yaml.MarkedYAMLError:
    """Return the refusal of a node or an event, with its line and column."""
    return yaml.MarkedYAMLError(what, at.start_mark, problem, at.start_mark)


def _object(loader: Loader, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
    """Make an object; the second of two values of one name would be lost without a word.

    It is given out before it is filled, as PyYAML wants what may hold itself.
    """
    made: dict[Any, Any] = {}
    yield made
    made.update(loader.construct_mapping(node))
    if len(made) < len(node.value):
        raise _refusal("an object", node, "has a name twice; keep one of them")


def _number(loader: Loader, node: yaml.ScalarNode) -> int | Decimal:
    text = loader.construct_scalar(node)
    if text.lstrip("-").isdecimal():
        return int(text)
    try:
        return check_exponent(exact(text))
    except (Invalid, ValueError) as e:
        raise _refusal("a number", node, f"cannot be carried ({e}); write one in its size") from e


def _text(loader: Loader, node: yaml.ScalarNode) -> str:
    """Read a text; half a character can be written with an escape, and nowhere be stored."""
    text: str = loader.construct_scalar(node)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _refusal("a text", node, "has half a character; write it whole")
    return text


Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _starts in PLAIN:
    Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$", re.ASCII), _starts)
Loader.add_constructor(NUMBER_TAG, _number)
Loader.add_constructor("tag:yaml.org,2002:map", _object)
Loader.add_constructor("tag:yaml.org,2002:str", _text)
