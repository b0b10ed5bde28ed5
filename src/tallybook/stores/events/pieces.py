"""The events that a meter adds up, one by one, as one statement: what a price looks at that is for
each event. Which rows count is what `plan` says.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from tallybook.model.scope import Member
from tallybook.model.time import from_micros, micros
from tallybook.model.usage import PieceKey, PieceRow, PiecesQuery
from tallybook.stores.events import standings
from tallybook.stores.events.dialect import Dialect, Parameters, Places, Statement
from tallybook.stores.events.plan import cut, read
from tallybook.stores.events.properties import shown

_ONE: Final = Decimal(1)


def pieces(
    sql: Dialect, query: PiecesQuery, members: Sequence[Member] | None, places: Places
) -> tuple[str, Parameters]:
    """Write the statement; its columns are those `rows` reads."""
    meter, after = query.meter, query.after
    low = micros(query.start if after is None else max(query.start, after.time))
    found, join = cut(
        sql, places, (low, micros(query.end)), query.seq, members, event_type=meter.event_type
    )
    found.envelope.append("id")
    conditions: list[str] = []
    if places.corrected:
        conditions.append(standings.counted(sql, found, query.seq))
    columns = {"time": "time", "id": "id", "seq": "seq"}
    columns |= {"grp": "m.grp"} if join else {}
    conditions += beyond(after, list(columns.values()), found.bound)
    quantity = read(sql, found, meter, conditions)
    conditions += ["quantity IS NOT NULL"] if quantity else []
    dimensions = {f"d{i}": shown(found.read(path)) for i, path in enumerate(query.dimensions)}
    selected = ["time", "id", "seq", "grp" if join else "0", *(quantity or ["1"]), *dimensions]
    end = ordered(list(columns), query.limit, found.bound)
    statement = Statement(
        found, selected, {**columns, **quantity, **dimensions}, join, conditions, end
    )
    return sql.written(statement), found.bound


def beyond(after: PieceKey | None, columns: Sequence[str], bound: Parameters) -> list[str]:
    """Say that a row comes after another in the order of `columns`: time, id, seq, and the group
    where there are groups.
    """
    if after is None:
        return []
    values = (micros(after.time), after.id, after.seq, after.group)[: len(columns)]
    return [f"({', '.join(columns)}) > ({', '.join(map(bound.bind, values))})"]


def ordered(columns: Sequence[str], limit: int, bound: Parameters) -> str:
    """Write the order of rows, and how many of them."""
    return f"\nORDER BY {', '.join(columns)} LIMIT {bound.bind(limit)}"


def rows(found: Iterable[Sequence[Any]]) -> list[PieceRow]:
    """Make pieces of the statement's rows; those of equal values share them."""
    known: dict[tuple[str | None, ...], tuple[str | None, ...]] = {}
    return [
        PieceRow(
            PieceKey(from_micros(time), id_, seq, group),
            quantity if isinstance(quantity, Decimal) else _ONE,
            known.setdefault(tuple(values), tuple(values)),
        )
        for time, id_, seq, group, quantity, *values in found
    ]
