"""Listing events newest first, and deciding in the engine which of them no meter can count."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tallybook.aggregations._shape import NUMERIC, aggregation_of
from tallybook.model.nouns import Meter
from tallybook.model.ports import FactQuery
from tallybook.model.scope import Member
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, micros
from tallybook.stores.events import standings
from tallybook.stores.events.dialect import Dialect, Parameters, Places, Rows, Statement
from tallybook.stores.events.plan import cut, filtered
from tallybook.stores.events.properties import is_scalar, quantity


def facts(
    sql: Dialect,
    query: FactQuery,
    members: Sequence[Member] | None,
    places: Places,
) -> tuple[str, Parameters]:
    """Write the statement that returns (time, seq, hidden_by) of one page; the last is 0 for what
    counts.
    """
    low, high = micros(query.start), micros(query.end)
    if query.before is not None:
        high = min(high, micros(query.before[0]) + 1)
    rows, join = cut(sql, places, (low, high), query.seq, members, event_type=query.event_type)
    bind = rows.bound.bind
    conditions = []
    if query.closes:
        rows.envelope.append("received")
        conditions.append(_late(query.closes, bind))
    if query.before is not None:
        time, seq = bind(micros(query.before[0])), bind(query.before[1])
        conditions.append(f"(time < {time} OR (time = {time} AND seq < {seq}))")
    if places.corrected:
        join += standings.hiding(sql, rows, query.seq)
    if query.state in {"voided", "replaced"}:
        conditions.append(f"hidden_as = {bind(query.state)}" if places.corrected else "false")
    elif query.state is not None:
        unresolved = _unresolved(sql, rows, query)
        conditions.append(unresolved if query.state == "unresolved" else f"NOT {unresolved}")
        conditions += ["hidden_by IS NULL"] if places.corrected else []
    hidden_by = "coalesce(hidden_by, 0)" if places.corrected else "0"
    end = f"\nORDER BY time DESC, seq DESC LIMIT {bind(query.limit)}"
    return sql.written(
        Statement(
            rows, ["DISTINCT time", "seq", hidden_by], join=join, conditions=conditions, end=end
        )
    ), rows.bound


def types(
    sql: Dialect, seq: int, members: Sequence[Member] | None, places: Places
) -> tuple[str, Parameters]:
    """Write the statement that counts events by type."""
    rows, join = cut(sql, places, (micros(FIRST_INSTANT), micros(LAST_INSTANT)), seq, members)
    end = "\nGROUP BY type ORDER BY type"
    return sql.written(Statement(rows, ["type", "count(*)"], join=join, end=end)), rows.bound


def _late(closes: Sequence[datetime], bind: Callable[[int], str]) -> str:
    """Say that a row was received once its own day was over; a day that is not over has no end."""
    ends = [bind(micros(close)) for close in closes]
    day_ends = " ".join(f"WHEN time < {end} THEN {end}" for end in ends)
    return f"received >= CASE {day_ends} END"


def _unresolved(sql: Dialect, rows: Rows, query: FactQuery) -> str:
    types = sorted({m.event_type for m in query.meters})
    reasons = [
        f"NOT {sql.among('subject', sorted(query.known_accounts), rows.bound)}",
        f"NOT {sql.among('type', types, rows.bound)}",
        *(unread(sql, rows, meter) for meter in query.meters),
    ]
    return f"({' OR '.join(reason for reason in reasons if reason)})"


def unread(sql: Dialect, rows: Rows, meter: Meter) -> str:
    """Say that this meter counts events of this kind and cannot read the one at hand; empty where
    it can read any.
    """
    reads = aggregation_of(meter).READS
    if reads == "presence" or meter.property is None:
        return ""
    x = rows.read(meter.property)
    lacks = (
        f"({quantity(sql, x)}) IS NULL"
        if reads in NUMERIC
        else f"NOT coalesce({is_scalar(x)}, false)"
    )
    return f"({counts(sql, rows, meter)} AND {lacks})"


def counts(sql: Dialect, rows: Rows, meter: Meter) -> str:
    """Say that an event is of the type that a meter counts, and passes its filter."""
    mine = [f"type = {rows.bound.bind(meter.event_type)}", *filtered(sql, rows, meter.filter)]
    return f"({' AND '.join(mine)})"
