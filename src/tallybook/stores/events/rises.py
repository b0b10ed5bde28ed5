"""Counters: what they showed, and had shown before, and what the rises come to, as statements.

A counter is that of an account and of the values of all of the meter's dimensions. What it showed
before may lie anywhere in the past, so rows are cut to a span and to members only once it is found.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from tallybook.aggregations._shape import aggregation_of, expressions
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.scope import Member
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, micros
from tallybook.model.usage import PiecesQuery, ReadingsQuery, UsageQuery
from tallybook.stores.events import standings
from tallybook.stores.events.dialect import Dialect, Parameters, Places, Statement
from tallybook.stores.events.pieces import beyond, ordered
from tallybook.stores.events.plan import cut, filtered, key, read
from tallybook.stores.events.properties import shown

#: The reading before, of the same counter: a frame of one row.
_BEFORE: Final = "max(reading) OVER (PARTITION BY {counter} ORDER BY time, seq {frame})"
_FRAME: Final = "ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING"
_RISE: Final = "CASE WHEN reading > before THEN reading - before ELSE {zero} END"
_ON: Final = "m.account = e.subject AND e.time >= m.first AND e.time < m.last"


class _Counters:
    """The readings of a meter as a relation `e`, with what is bound in it."""

    def __init__(
        self,
        sql: Dialect,
        meter: Meter,
        members: Sequence[Member] | None,
        places: Places,
        known: tuple[int, int],
        *,
        paths: Sequence[str] = (),
        terms: Iterable[FilterTerm] = (),
    ) -> None:
        """Write it; `known` is the end of the span in microseconds, and the ledger position.

        `paths` are read beside the dimensions, as `columns`.
        """
        end, seq = known
        accounts = dict.fromkeys(m.account for m in members or ())
        ever = [Member(account, FIRST_INSTANT, LAST_INSTANT) for account in accounts]
        span = (micros(FIRST_INSTANT), end)
        who = None if members is None else ever
        rows, _ = cut(sql, places, span, seq, who, event_type=meter.event_type)
        rows.envelope.append("id")
        conditions = filtered(sql, rows, terms)
        if places.corrected:
            conditions.append(standings.counted(sql, rows, seq))
        reading = read(sql, rows, meter, conditions)["quantity"]
        named = {path: f"d{i}" for i, path in enumerate(dict.fromkeys((*meter.dimensions, *paths)))}
        counter = ", ".join(["subject", *(named[path] for path in meter.dimensions)])
        before = _BEFORE.format(counter=counter, frame=_FRAME)
        kept = ["subject", "time", "id", "seq", "reading", *named.values()]
        columns = {name: name for name in kept[:4]} | {"reading": reading}
        columns |= {name: shown(rows.read(path)) for path, name in named.items()}
        conditions.append("reading IS NOT NULL")
        statement = Statement(rows, [*kept, f"{before} AS before"], columns, "", conditions)
        rise = _RISE.format(zero=sql.decimal("'0'"))
        self.bound: Parameters = rows.bound
        self.columns = [named[path] for path in paths or meter.dimensions]
        self.relation = (
            f"(SELECT *, {rise} AS quantity FROM (\n{sql.written(statement)}\n) AS r) AS e"
        )
        if members is not None:
            self.relation += f"\n  JOIN {sql.members(members, self.bound)} AS m ON {_ON}"


def usage(
    sql: Dialect, query: UsageQuery, members: Sequence[Member] | None, places: Places
) -> tuple[str, Parameters]:
    """Write the statement of a usage question; its columns are those `plan.cells` reads."""
    known = micros(query.edges[-1]), query.seq
    found = _Counters(
        sql, query.meter, members, places, known, paths=query.group_by, terms=query.filter
    )
    keys = key(sql, query, found.bound, is_joined=members is not None)
    selected = [*keys.values(), *found.columns[: len(query.group_by)]]
    # By place: `account` is a column of members as well.
    grouped = [str(place) for place, x in enumerate(selected, 1) if x not in {"0", "NULL"}]
    selected += expressions(aggregation_of(query.meter), sql.NAME)
    start = found.bound.bind(micros(query.edges[0]))
    text = f"SELECT {', '.join(selected)} FROM {found.relation}\nWHERE time >= {start}"
    return text + (f"\nGROUP BY {', '.join(grouped)}" if grouped else ""), found.bound


def pieces(
    sql: Dialect, query: PiecesQuery, members: Sequence[Member] | None, places: Places
) -> tuple[str, Parameters]:
    """Write the statement that returns rises one by one; its columns are those `pieces.rows`
    reads.
    """
    known = micros(query.end), query.seq
    found = _Counters(sql, query.meter, members, places, known, paths=query.dimensions)
    group = "m.grp" if members is not None else "0"
    dimensions = found.columns[: len(query.dimensions)]
    selected = ["time", "id", "seq", group, "quantity", *dimensions]
    conditions = [f"time >= {found.bound.bind(micros(query.start))}"]
    columns = ["time", "id", "seq", *([group] if members is not None else [])]
    conditions += beyond(query.after, columns, found.bound)
    text = f"SELECT {', '.join(selected)} FROM {found.relation}"
    text += f"\nWHERE {' AND '.join(conditions)}"
    return text + ordered(columns, query.limit, found.bound), found.bound


def readings(
    sql: Dialect, query: ReadingsQuery, members: Sequence[Member] | None, places: Places
) -> tuple[str, Parameters]:
    """Write the statement that returns (subject, time, seq, reading, before, dimensions …)."""
    known = micros(query.end), query.seq
    found = _Counters(sql, query.meter, members, places, known)
    selected = ["subject", "time", "seq", "reading", "before", *found.columns]
    text = f"SELECT {', '.join(selected)} FROM {found.relation}"
    text += f"\nWHERE time >= {found.bound.bind(micros(query.start))}"
    text += " AND reading < before" if query.falls else ""
    return text + ordered(["time", "seq"], query.limit, found.bound), found.bound
