"""The sums of a snapshot's lines by what tells them apart, kept up without reading all lines again:
of all lines, and of those of each branch and of each manager.

Lines are alike that share a service, a unit, a currency, a status, its flags and the course of a
period. Sums are whole numbers of least units, so that adding and subtracting them for years loses
nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select

from tallybook.model.position import Position, Total
from tallybook.stores.books import courses, limbs
from tallybook.stores.books.schema import LIMBS, line, line_total

FLAGS: Final = ("likely_over", "low_use")
GROUP: Final = ("service", "unit", "currency", "status", *FLAGS)
#: What sums are kept of: everything, and each value of these columns.
CUTS: Final = ("branch", "csm")
_KEY: Final = ("cut", "value", *GROUP, "alike")
_COLUMNS: Final = {name: [f"{name}_{limb}" for limb in found] for name, found in LIMBS.items()}
_SUMS: Final = len(LIMBS)
_KEYS_A_QUERY: Final = 400

Group = tuple[Any, ...]
#: For each group how many lines there are, and their sums in the order of `LIMBS`.
Sums = dict[Group, list[int]]
#: The same for each key of `line_total`, with the sums of `courses` behind.
Kept = dict[Group, list[int]]


class Counted:
    """Lines that are added and taken away, by branch and manager: a snapshot's sums, or a change
    of them.
    """

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._found: dict[Group, list[int]] = {}

    def add(self, position: Position, row: Mapping[str, Any], sign: int = 1) -> None:
        """Add a line, or with `sign` -1 take it away; `row` has its columns."""
        alike, days = courses.split(position)
        key = (row["branch"], row["csm"], *(row[name] for name in GROUP), alike)
        values = [limbs.whole([row[name] for name in columns]) for columns in _COLUMNS.values()]
        _add(self._found, key, [1, *values, *days], sign)

    def kept(self) -> Kept:
        """Return the sums of every cut."""
        found: Kept = {}
        for (branch, csm, *group), values in self._found.items():
            _add(found, ("", "", *group), values)
            for cut, value in zip(CUTS, (branch, csm), strict=True):
                if value is not None:
                    _add(found, (cut, value, *group), values)
        return found


def _add(found: Kept, key: Group, values: list[int], sign: int = 1) -> None:
    before = found.get(key)
    if before is None:
        found[key] = [sign * value for value in values]
    else:
        found[key] = [a + sign * b for a, b in zip(before, values, strict=True)]


def asked(connection: Connection, conditions: Iterable[ColumnElement[bool]]) -> Sums:
    """Add up the lines that match, all of them; found first, as no order of an index helps."""
    columns = (column for some in _COLUMNS.values() for column in some)
    matching = select(*(line.c[name] for name in (*GROUP, *columns))).where(*conditions)
    lines = matching.cte("found").prefix_with("MATERIALIZED")
    groups = [lines.c[name] for name in GROUP]
    parts = {name: list(limbs.sums(lines, name)) for name in LIMBS}
    rows = connection.execute(
        select(*groups, func.count(), *(part for some in parts.values() for part in some)).group_by(
            *groups
        )
    )
    sums: Sums = {}
    for row in rows:
        group, count, found = row[: len(GROUP)], row[len(GROUP)], row[len(GROUP) + 1 :]
        values = [count]
        for some in parts.values():
            values.append(limbs.added(found[: len(some)]))
            found = found[len(some) :]
        sums[tuple(group)] = values
    return sums


def less(sums: Sums, others: Sums) -> Sums:
    """Return the sums of those lines that are not among the others."""
    found = {group: list(values) for group, values in sums.items()}
    for group, values in others.items():
        _add(found, group, values, -1)
    return {group: values for group, values in found.items() if values[0]}


def kept(connection: Connection, cut: str, value: str) -> Sums:
    """Return the sums of the lines of one value of a cut."""
    sums: Sums = {}
    columns = [line_total.c[name] for name in (*GROUP, "lines", "sums")]
    query = select(*columns).where(line_total.c.cut == cut, line_total.c.value == value)
    for *group, lines, values in connection.execute(query):
        _add(sums, tuple(group), [lines, *map(int, values)])
    return sums


def kept_courses(
    connection: Connection, cut: str, value: str, service: str, states: AbstractSet[str]
) -> Iterator[tuple[Group, list[int]]]:
    """Yield what `courses` makes lines of: what they share, and their sums."""
    columns = [line_total.c[name] for name in (*GROUP, "alike", "days")]
    query = select(*columns).where(
        line_total.c.cut == cut, line_total.c.value == value, line_total.c.service == service
    )
    for *group, days in connection.execute(query):
        if not states or states & set(_states(tuple(group[: len(GROUP)]))):
            yield tuple(group), [*map(int, days)]


def values(connection: Connection, cut: str) -> tuple[str, ...]:
    """Return the values that a cut has, sorted."""
    found = select(line_total.c.value).where(line_total.c.cut == cut).distinct()
    return tuple(sorted(connection.scalars(found)))


def keep(connection: Connection, sums: Kept) -> None:
    """Put these sums in place of those that were kept."""
    connection.execute(delete(line_total))
    _write(connection, sums)


def change(connection: Connection, changes: Kept) -> None:
    """Add changes to the sums that are kept."""
    moved = {group: change for group, change in changes.items() if any(change)}
    if not moved:
        return
    before = _before(connection, moved)
    one = and_(*(line_total.c[name] == bindparam(f"old_{name}") for name in _KEY))
    keys = [{f"old_{name}": v for name, v in zip(_KEY, g, strict=True)} for g in before]
    if keys:
        connection.execute(delete(line_total).where(one), keys)
    for group, change in moved.items():
        _add(before, group, change)
    _write(connection, before)


def _before(connection: Connection, moved: Kept) -> Kept:
    """Return the sums that are kept of these groups."""
    found: Kept = {}
    for cut, keys in groupby(sorted(moved, key=itemgetter(0)), itemgetter(0)):
        named = sorted({key[1] for key in keys})
        for start in range(0, len(named), _KEYS_A_QUERY):
            some = named[start : start + _KEYS_A_QUERY]
            for *key, lines, sums, days in connection.execute(
                select(*(line_total.c[name] for name in (*_KEY, "lines", "sums", "days"))).where(
                    line_total.c.cut == cut, line_total.c.value.in_(some)
                )
            ):
                if tuple(key) in moved:
                    found[tuple(key)] = [lines, *map(int, sums), *map(int, days)]
    return found


def counts(sums: Sums) -> dict[str, int]:
    """Count the lines in each state."""
    found = {"all": 0}
    for group, (count, *_) in sums.items():
        for state in ("all", *_states(group)):
            found[state] = found.get(state, 0) + count
    return found


def totals(sums: Sums, states: AbstractSet[str]) -> tuple[Total, ...]:
    """Return the sums of lines in any of these states, or in all, by service, unit, currency."""
    found: Sums = {}
    for group, values in sums.items():
        if not states or states & set(_states(group)):
            _add(found, group[:3], values)
    return tuple(_total(key, *found[key]) for key in sorted(found))


def _total(key: Group, lines: int, *found: int) -> Total:
    service, unit, currency = key
    values = {name: limbs.decimal(name, v) for name, v in zip(LIMBS, found, strict=True)}
    return Total(service, unit, currency, lines, **values)


def _states(group: Group) -> list[str]:
    status, *flags = group[3:]
    return [status, *(name for name, raised in zip(FLAGS, flags, strict=True) if raised)]


def _write(connection: Connection, sums: Kept) -> None:
    rows = [
        {
            **dict(zip(_KEY, key, strict=True)),
            "lines": count,
            "sums": list(map(str, found[:_SUMS])),
            "days": list(map(str, found[_SUMS:])),
        }
        for key, (count, *found) in sums.items()
        if count
    ]
    if rows:
        connection.execute(insert(line_total), rows)
