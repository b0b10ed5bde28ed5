"""Listing events newest first, and deciding in the engine which of them no meter can count."""

from collections.abc import Sequence
from typing import Final

import msgspec

from tallybook.aggregations._shape import aggregation_of
from tallybook.model.nouns import Meter
from tallybook.model.ports import FactQuery
from tallybook.model.scope import Member
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, micros
from tallybook.stores.duckdb import dialect
from tallybook.stores.duckdb.dialect import Parameters
from tallybook.stores.duckdb.query import Rows, cut, filtered, where

_ANY_SEQ: Final = 2**63 - 1


def facts(
    query: FactQuery, members: Sequence[Member] | None, relations: Sequence[str]
) -> tuple[str, Parameters]:
    """Write the statement that returns (time, seq) of one page."""
    low, high = micros(query.start), micros(query.end)
    if query.before is not None:
        high = min(high, micros(query.before[0]) + 1)
    rows, join = cut(relations, low, high, query.seq, members)
    rows.event_type = query.event_type
    bind = rows.bound.bind
    conditions = []
    if query.before is not None:
        time, seq = bind(micros(query.before[0])), bind(query.before[1])
        conditions.append(f"(time < {time} OR (time = {time} AND seq < {seq}))")
    if query.state is not None:
        unresolved = _unresolved(rows, query)
        conditions.append(unresolved if query.state == "unresolved" else f"NOT {unresolved}")
    found = f"(\n    {rows.sql()}\n) AS e{join or ''}{where(conditions)}"
    sql = (
        f"SELECT DISTINCT time, seq FROM {found}\n"
        f"ORDER BY time DESC, seq DESC LIMIT {bind(query.limit)}"
    )
    return sql, rows.bound


def types(members: Sequence[Member] | None, relations: Sequence[str]) -> tuple[str, Parameters]:
    """Write the statement that counts events by type."""
    rows, join = cut(relations, micros(FIRST_INSTANT), micros(LAST_INSTANT), _ANY_SEQ, members)
    found = f"(\n    {rows.sql()}\n) AS e{join or ''}"
    sql = f"SELECT type, count(*) FROM {found}\nGROUP BY type ORDER BY type"
    return sql, rows.bound


def _unresolved(rows: Rows, query: FactQuery) -> str:
    accounts = rows.bound.bind(msgspec.json.encode(sorted(query.known_accounts)).decode())
    types = rows.bound.bind(sorted({m.event_type for m in query.meters}))
    reasons = [
        f"subject NOT IN (SELECT unnest(from_json({accounts}, '[\"VARCHAR\"]')))",
        f"NOT list_contains(CAST({types} AS VARCHAR[]), type)",
        *(_unread(rows, meter) for meter in query.meters if meter.property is not None),
    ]
    return f"({' OR '.join(reason for reason in reasons if reason)})"


def _unread(rows: Rows, meter: Meter) -> str:
    """Say that this meter counts events of this kind and cannot read the one at hand."""
    reads = aggregation_of(meter).READS
    if reads == "presence" or meter.property is None:
        return ""
    x = rows.read(meter.property)
    unread = (
        f"({dialect.quantity(x)}) IS NULL"
        if reads == "quantity"
        else f"({dialect.is_scalar(x)}) IS NOT TRUE"
    )
    mine = [f"type = {rows.bound.bind(meter.event_type)}", *filtered(rows, meter.filter)]
    return f"({' AND '.join(mine)} AND {unread})"
