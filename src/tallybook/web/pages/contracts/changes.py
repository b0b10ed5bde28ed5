"""What differs between two documents of a contract, and what is odd in one, as people read it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tallybook.model.difference import Change as Difference
from tallybook.model.errors import Fault
from tallybook.model.plain import plain
from tallybook.web.pages.contracts.view import Change
from tallybook.web.pages.view import Note

_SILENT: Final = {"number", "applies"}


def told(found: Iterable[Difference]) -> Iterator[Change]:
    """Yield each difference with its path in words: lines › sms › allotment › quantity."""
    for one in found:
        if one.field not in _SILENT:
            path = one.field.replace("[", ".").replace("]", "").split(".")
            said = " › ".join(name.replace("_", " ") for name in path)
            yield Change(said, _said(plain(one.before)), _said(plain(one.after)))


def notes(found: Iterable[Fault]) -> Iterator[Note]:
    """Yield what is set up oddly as notes: nothing is refused for it, but somebody should look."""
    for one in found:
        yield Note("near", "risk", _word(one.code).capitalize(), f"{one.detail} ({one.field})")


def _said(value: Any) -> str:
    """Write a value in one line: what is not there is empty."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_empty(value):
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{_word(n)} {_said(v)}" for n, v in value.items() if not _is_empty(v))
    if isinstance(value, (list, tuple)):
        return "; ".join(_said(one) for one in value)
    return str(value)


def _is_empty(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, (list, Mapping)) and not value)


def _word(name: str) -> str:
    return str(name).replace("_", " ")
