"""What changed between two documents, field by field: parts with a code or name are matched by it,
not by their place. Knows no noun.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tallybook.model import canonical

#: What tells the items of a list apart, the first that all of them have, each its own.
_IDENTITIES: Final = ("code", "name", "start_date")


class Change(NamedTuple):
    """One field that is not as it was: a path such as `lines[sms].allotment.quantity`; None is
    nothing. A list of names that changed is their order.
    """

    field: str
    before: Any
    after: Any


def difference(before: Any, after: Any, field: str = "") -> Iterator[Change]:
    """Yield what differs, in the order of the newer document; nothing when the documents are one.

    Values are the same when they are written the same: 1 and "1" are two.
    """
    if canonical.encode(before) == canonical.encode(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*after, *before)):
            below = f"{field}.{name}".lstrip(".")
            if (name in before) is not (name in after):
                yield Change(below, before.get(name), after.get(name))
            else:
                yield from difference(before[name], after[name], below)
    elif _are_lists(before, after):
        yield from _of_lists(before, after, field)
    else:
        yield Change(field, before, after)


def _are_lists(before: Any, after: Any) -> bool:
    """Tell whether both are lists of objects; a list of names is one value."""
    return all(
        isinstance(found, (list, tuple)) and all(isinstance(item, Mapping) for item in found)
        for found in (before, after)
    )


def _of_lists(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], field: str
) -> Iterator[Change]:
    old, new = _named(before, after)
    for name in dict.fromkeys((*new, *old)):
        yield from difference(old.get(name), new.get(name), f"{field}[{name}]")
    kept = [name for name in old if name in new]
    if [*kept, *(name for name in new if name not in old)] != [*new]:
        yield Change(field, [*old], [*new])


def _named(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the items of both lists by what tells them apart, else by their places."""
    for identity in _IDENTITIES:
        found = [{str(item.get(identity)): item for item in items} for items in (before, after)]
        whole = all(item.get(identity) is not None for item in (*before, *after))
        if whole and (len(found[0]), len(found[1])) == (len(before), len(after)):
            return found[0], found[1]
    return (
        {str(place): item for place, item in enumerate(before)},
        {str(place): item for place, item in enumerate(after)},
    )
