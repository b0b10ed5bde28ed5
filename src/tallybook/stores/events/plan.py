"""The usage question as one statement: rows of the touched tables as texts of their properties,
cut by members and filter, counted by group, bucket, account and dimensions.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tallybook.aggregations._shape import NUMERIC, aggregation_of, expressions
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.scope import Member, Scope
from tallybook.model.time import micros
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.stores.events import standings
from tallybook.stores.events.buckets import bucket
from tallybook.stores.events.dialect import Dialect, Parameters, Places, Rows, Statement
from tallybook.stores.events.properties import holds, is_scalar, quantity, shown


def seen(scope: Scope, members: Sequence[Member] | None) -> list[Member] | None:
    """Cut members to the scope; None is everything there is."""
    if members is not None:
        return scope.narrow(members)
    if scope.accounts is None:
        return None
    return [Member(m.account, m.start, m.end) for m in scope.accounts]


def usage(
    sql: Dialect,
    query: UsageQuery,
    members: Sequence[Member] | None,
    places: Places,
) -> tuple[str, Parameters]:
    """Write the statement; its columns are those `cells` reads. Where no row that it may touch was
    ever corrected, it need not look for corrections.
    """
    kind = aggregation_of(query.meter)
    span = (micros(query.edges[0]), micros(query.edges[-1]))
    event_type = query.meter.event_type
    rows, join = cut(sql, places, span, query.seq, members, event_type=event_type)
    keys = {
        **key(sql, query, rows.bound, is_joined=bool(join)),
        **{f"d{i}": shown(rows.read(path)) for i, path in enumerate(query.group_by)},
    }
    # What is the same for all rows is no key to the engine: it plans and groups by less.
    columns = {name: key for name, key in keys.items() if key not in {"0", "NULL"}}
    selected = [name if name in columns else key for name, key in keys.items()]
    end = f"\nGROUP BY {', '.join(columns)}" if columns else ""
    conditions = filtered(sql, rows, query.filter)
    if places.corrected:
        conditions.append(standings.counted(sql, rows, query.seq))
    columns |= read(sql, rows, query.meter, conditions)
    selected += expressions(kind, sql.NAME)
    statement = Statement(
        rows, selected, {**columns, "time": "time", "seq": "seq"}, join, conditions, end
    )
    return sql.written(statement), rows.bound


def key(sql: Dialect, query: UsageQuery, bound: Parameters, *, is_joined: bool) -> dict[str, str]:
    """Return the columns that cells begin with."""
    return {
        "grp": "m.grp" if is_joined else "0",
        "bucket": bucket(sql, [micros(edge) for edge in query.edges], bind=bound.bind),
        "account": "subject" if query.by_account else "NULL",
    }


def read(sql: Dialect, rows: Rows, meter: Meter, conditions: list[str]) -> dict[str, str]:
    """Return the column that a meter counts by, `value` or `quantity`, if any; it is NULL where an
    event has none. What else must hold for an event is added to `conditions`.
    """
    conditions += filtered(sql, rows, meter.filter)
    if meter.property is None:
        return {}
    x = rows.read(meter.property)
    match aggregation_of(meter).READS:
        case "presence":
            conditions.append(f"{x} IS NOT NULL")
            return {}
        case "value":
            # Not a condition: the engine would look for it in all that is known of each block.
            return {"value": f"CASE WHEN {is_scalar(x)} THEN {x} END"}
        case "quantity" | "rise":
            return {"quantity": quantity(sql, x)}


def cells(query: UsageQuery, found: Iterable[Sequence[Any]]) -> list[UsageCell]:
    """Make cells of the statement's rows, but for those where nothing was counted."""
    kind = aggregation_of(query.meter)
    finish, nothing = kind.finish, None if kind.READS in NUMERIC else 0
    end = 3 + len(query.group_by)
    return [
        UsageCell(row[0], row[1], row[2], tuple(row[3:end]), finish(row[end:]))
        for row in found
        if row[end] != nothing
    ]


def cut(
    sql: Dialect,
    places: Places,
    span: tuple[int, int],
    seq: int,
    members: Sequence[Member] | None,
    *,
    event_type: str | None = None,
) -> tuple[Rows, str]:
    """Cut rows to what was known at `seq`, to a span and to members: by plain conditions where
    all are members for the same time, as nearly all are, else by a join, which is returned.
    """
    rows = Rows(places.relations, sql.parameters(), [*places.terms])
    join, bind = "", rows.bound.bind
    if members is not None:
        spans = {(max(span[0], micros(m.start)), min(span[1], micros(m.end))) for m in members}
        accounts = sorted({m.account for m in members})
        if len(spans) == 1 and len(accounts) == len(members) and not any(m.group for m in members):
            (span,) = spans
            rows.terms.append(_subject(sql, accounts, rows.bound))
        else:
            on = "m.account = e.subject AND e.time >= m.first AND e.time < m.last"
            join = f"\n  JOIN {sql.members(members, rows.bound)} AS m ON {on}"
    if event_type is not None:
        rows.terms.append(f"type = {bind(event_type)}")
    rows.terms += (f"time >= {bind(span[0])}", f"time < {bind(span[1])}", f"seq <= {bind(seq)}")
    return rows, join


def _subject(sql: Dialect, accounts: Sequence[str], bound: Parameters) -> str:
    """Write who it must be: one is compared, so that sorted months are read at one place."""
    if len(accounts) == 1:
        return f"subject = {bound.bind(accounts[0])}"
    return sql.among("subject", accounts, bound)


def filtered(sql: Dialect, rows: Rows, terms: Iterable[FilterTerm]) -> list[str]:
    """Write a filter's terms as conditions on the columns of `rows`."""
    return [holds(sql, rows.read(t.property), t, rows.bound) for t in terms]
