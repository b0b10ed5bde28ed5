"""A noun as a file holds it: its fields in the order in which people read them, without those that
say only what holds anyway. Says nothing about formats, nor about which day a document is for.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, Final

from tallybook.model.contract import Allotment, Rollover
from tallybook.model.nouns import Noun

#: What a thing is called comes first; then its own fields, then those it shares with others.
_FIRST: Final = ("number", "key", "code", "name")
#: Where null is without limit, it is written: nobody should have to know that from an empty place.
_ALWAYS: Final[Mapping[type[Noun], frozenset[str]]] = {
    Allotment: frozenset({"quantity"}),
    Rollover: frozenset({"cap", "expires_after"}),
}


def written(noun: Noun) -> dict[str, Any]:
    """Return the document of a noun: decimals and dates as text, free parts as they came.

    `parse` makes an equal noun of it.
    """
    return dict(_fields(noun, noun.model_dump()))


def _fields(noun: Noun, dumped: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    kind = type(noun)
    always = _ALWAYS.get(kind, frozenset())
    for name in _order(kind):
        value = getattr(noun, name)
        if name in always or value != _default(kind, name):
            yield name, _value(value, dumped[name])


def _value(value: Any, dumped: Any) -> Any:
    if isinstance(value, Noun):
        return dict(_fields(value, dumped))
    if isinstance(value, list):
        return [_value(item, text) for item, text in zip(value, dumped, strict=True)]
    return dumped.isoformat() if isinstance(dumped, date) else dumped


@cache
def _order(kind: type[Noun]) -> tuple[str, ...]:
    own = [name for name in kind.__annotations__ if name in kind.model_fields]
    return tuple(
        dict.fromkeys(
            [*(name for name in _FIRST if name in kind.model_fields), *own, *kind.model_fields]
        )
    )


def _default(kind: type[Noun], name: str) -> Any:
    return kind.model_fields[name].get_default(call_default_factory=True)
