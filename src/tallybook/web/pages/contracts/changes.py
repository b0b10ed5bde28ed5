"""What differs between two documents of a contract, term by term, in words a person reads."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tallybook.web.pages.contracts.view import Change

#: Parts that are lists of named things, and what names one of them.
_NAMES: Final = ("code", "name", "start_date", "up_to")
_TOP: Final = {"number", "applies"}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield each difference with its path in words; named parts are matched by their names."""
    for name in dict.fromkeys((*before, *after)):
        if name not in _TOP:
            yield from _differ(_word(name), before.get(name), after.get(name))


def _differ(what: str, before: Any, after: Any) -> Iterator[Change]:
    if _same(before, after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from _differ(f"{what} › {_word(name)}", before.get(name), after.get(name))
    elif _is_named(before) and _is_named(after) and (before or after):
        old, new = _by_name(before), _by_name(after)
        for name in dict.fromkeys((*old, *new)):
            yield from _differ(f"{what} › {name}", old.get(name), new.get(name))
    else:
        yield Change(what, said(before), said(after))


def _same(before: Any, after: Any) -> bool:
    return before == after or (_is_empty(before) and _is_empty(after))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (list, tuple, Mapping)) and not value)


def _is_named(value: Any) -> bool:
    is_list = isinstance(value, (list, tuple))
    return value is None or (is_list and all(isinstance(one, Mapping) for one in value))


def _by_name(parts: Sequence[Mapping[str, Any]] | None) -> dict[str, Mapping[str, Any]]:
    """Index parts by the name they have; a second one of a name is told by its place."""
    found: dict[str, Mapping[str, Any]] = {}
    for place, part in enumerate(parts or (), 1):
        named = next((str(part[n]) for n in _NAMES if part.get(n) is not None), f"no. {place}")
        found[f"{named} (no. {place})" if named in found else named] = part
    return found


def said(value: Any) -> str:
    """Write a value in one line: what is not there is empty."""
    if _is_empty(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        parts = (f"{_word(n)} {said(v)}" for n, v in value.items() if _counts(v))
        return ", ".join(parts)
    if isinstance(value, (list, tuple)):
        return "; ".join(said(one) for one in value)
    return str(value)


def _counts(value: Any) -> bool:
    return not _is_empty(value) and value is not False


def _word(name: str) -> str:
    return str(name).replace("_", " ")
