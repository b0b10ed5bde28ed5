"""The sums of a snapshot's lines by what tells them apart, kept up without reading all lines again.

Lines are alike that share a service, a unit, a currency, a status and its flags. Sums are whole
numbers of least units, so that adding and subtracting them for years loses nothing.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select

from tallybook.model.position import Total
from tallybook.stores.books import limbs
from tallybook.stores.books.schema import LIMBS, line, line_total

FLAGS: Final = ("likely_over", "low_use")
GROUP: Final = ("service", "unit", "currency", "status", *FLAGS)
_COLUMNS: Final = {name: [f"{name}_{limb}" for limb in found] for name, found in LIMBS.items()}

#: The columns that `counted` reads of a line.
READ: Final = [line.c[name] for name in (*GROUP, *(c for some in _COLUMNS.values() for c in some))]
Group = tuple[Any, ...]
#: For each group how many lines there are, and their sums in the order of `LIMBS`.
Sums = dict[Group, list[int]]


def counted(rows: Iterable[Mapping[Any, Any]], sign: int = 1, found: Sums | None = None) -> Sums:
    """Add lines to sums, or with `sign` -1 take them away."""
    sums: Sums = {} if found is None else found
    for row in rows:
        group = tuple(row[name] for name in GROUP)
        before = sums.setdefault(group, [0] * (1 + len(LIMBS)))
        before[0] += sign
        for i, columns in enumerate(_COLUMNS.values(), 1):
            before[i] += sign * limbs.whole([row[name] for name in columns])
    return sums


def asked(connection: Connection, conditions: Iterable[ColumnElement[bool]]) -> Sums:
    """Add up the lines that match, all of them."""
    groups = [line.c[name] for name in GROUP]
    parts = {name: list(limbs.sums(line, name)) for name in LIMBS}
    rows = connection.execute(
        select(*groups, func.count(), *(part for some in parts.values() for part in some))
        .where(*conditions)
        .group_by(*groups)
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


def kept(connection: Connection) -> Sums:
    """Return the sums of all lines."""
    return {
        tuple(row[: len(GROUP)]): [row.lines, *map(int, row.sums)]
        for row in connection.execute(select(line_total))
    }


def keep(connection: Connection, sums: Sums) -> None:
    """Put these sums in place of those that were kept."""
    connection.execute(delete(line_total))
    _write(connection, sums)


def change(connection: Connection, changes: Sums) -> None:
    """Add changes to the sums that are kept."""
    before = kept(connection)
    moved = {group: change for group, change in changes.items() if any(change)}
    if not moved:
        return
    one = and_(*(line_total.c[name] == bindparam(f"old_{name}") for name in GROUP))
    keys = [{f"old_{name}": v for name, v in zip(GROUP, g, strict=True)} for g in moved]
    connection.execute(delete(line_total).where(one), keys)
    nothing = [0] * (1 + len(LIMBS))
    _write(
        connection,
        {
            group: [a + b for a, b in zip(before.get(group, nothing), change, strict=True)]
            for group, change in moved.items()
        },
    )


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
            key = group[:3]
            before = found.get(key)
            found[key] = (
                values if before is None else [a + b for a, b in zip(before, values, strict=True)]
            )
    return tuple(_total(key, *found[key]) for key in sorted(found))


def _total(key: Group, lines: int, *found: int) -> Total:
    service, unit, currency = key
    values = {name: limbs.decimal(name, v) for name, v in zip(LIMBS, found, strict=True)}
    return Total(service, unit, currency, lines, **values)


def _states(group: Group) -> list[str]:
    status, *flags = group[3:]
    return [status, *(name for name, raised in zip(FLAGS, flags, strict=True) if raised)]


def _write(connection: Connection, sums: Sums) -> None:
    rows = [
        {**dict(zip(GROUP, group, strict=True)), "lines": count, "sums": list(map(str, found))}
        for group, (count, *found) in sums.items()
        if count
    ]
    if rows:
        connection.execute(insert(line_total), rows)
