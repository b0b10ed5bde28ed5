"""The usage question as one statement: rows of the touched tables as texts of their properties,
cut by members and filter, counted by group, bucket, account and dimensions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tallybook.aggregations._shape import aggregation_of
from tallybook.model.nouns import FilterTerm
from tallybook.model.scope import Member
from tallybook.model.time import micros
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.stores.duckdb import dialect
from tallybook.stores.duckdb.dialect import Parameters

#: Members as columns of one JSON text: a table of 20,000 rows is one parameter.
_MEMBERS: Final = """(
    SELECT unnest(m.account) AS account, unnest(m.first) AS first, unnest(m.last) AS last,
        unnest(m.grp) AS grp
    FROM (SELECT from_json({members}, '{{"account": ["VARCHAR"], "first": ["BIGINT"],
        "last": ["BIGINT"], "grp": ["BIGINT"]}}') AS m)
)"""


@dataclass(slots=True)
class Rows:
    """Which rows of which tables, and the properties read from each."""

    relations: Sequence[str]
    low: int
    high: int
    seq: int
    event_type: str | None = None
    accounts: Sequence[str] | None = None
    bound: Parameters = field(default_factory=Parameters)
    _paths: dict[str, str] = field(default_factory=dict)

    def read(self, path: str) -> str:
        """Ask for a property; return the column that holds its text."""
        return self._paths.setdefault(path, f"x{len(self._paths)}")

    def sql(self) -> str:
        """Write the rows of all tables as one relation, with as little as is asked for."""
        bind = self.bound.bind
        terms = [f"time >= {bind(self.low)}", f"time < {bind(self.high)}"]
        terms.append(f"seq <= {bind(self.seq)}")
        if self.event_type is not None:
            terms.insert(0, f"type = {bind(self.event_type)}")
        if self.accounts is not None:
            terms.insert(0, self._subject(self.accounts))
        return "\n    UNION ALL\n    ".join(
            f"SELECT {', '.join(self._columns(relation))} FROM {relation} "
            f"WHERE {' AND '.join(terms)}"
            for relation in self.relations
        )

    def _subject(self, accounts: Sequence[str]) -> str:
        """Write who it must be: one is compared, so that sorted months are read at one place."""
        if len(accounts) == 1:
            return f"subject = {self.bound.bind(accounts[0])}"
        return f"subject IN (SELECT unnest(CAST({self.bound.bind(accounts)} AS VARCHAR[])))"

    def _columns(self, relation: str) -> Iterable[str]:
        yield from ("subject", "type", "time", "seq")
        for path, column in self._paths.items():
            yield f"{dialect.text(relation, path, self.bound)} AS {column}"


def usage(
    query: UsageQuery, members: Sequence[Member] | None, relations: Sequence[str]
) -> tuple[str, Parameters]:
    """Write the statement; its columns are those `cells` reads."""
    kind = aggregation_of(query.meter)
    edges = [micros(edge) for edge in query.edges]
    rows, join = cut(relations, edges[0], edges[-1], query.seq, members)
    rows.event_type = query.meter.event_type
    keys = {
        "grp": "m.grp" if join else "0",
        "bucket": dialect.bucket(edges, bind=rows.bound.bind),
        "account": "subject" if query.by_account else "NULL",
        **{f"d{i}": dialect.shown(rows.read(path)) for i, path in enumerate(query.group_by)},
    }
    # What is the same for all rows is no key to the engine: it plans and groups by less.
    varied = [name for name, key in keys.items() if key not in {"0", "NULL"}]
    columns = [f"{keys[name]} AS {name}" for name in varied]
    conditions = filtered(rows, [*query.meter.filter, *query.filter])
    if query.meter.property is not None:
        x = rows.read(query.meter.property)
        if kind.READS == "presence":
            conditions.append(f"{x} IS NOT NULL")
        elif kind.READS == "value":
            # Not a condition: the engine would look for it in all that is known of each block.
            columns.append(f"CASE WHEN {dialect.is_scalar(x)} THEN {x} END AS value")
        else:
            columns.append(f"{dialect.quantity(x)} AS quantity")
    selected = (*(name if name in varied else key for name, key in keys.items()), *kind.SQL)
    grouped = f"\nGROUP BY {', '.join(varied)}" if varied else ""
    sql = (
        f"SELECT {', '.join(selected)} FROM (\n"
        f"  SELECT {', '.join((*columns, 'time', 'seq'))} FROM (\n    {rows.sql()}\n  ) AS e"
        f"{join or ''}{where(conditions)}\n){grouped}"
    )
    return sql, rows.bound


def where(conditions: Sequence[str]) -> str:
    """Write conditions that must all hold."""
    return f"\nWHERE {' AND '.join(conditions)}" if conditions else ""


def cells(query: UsageQuery, found: Iterable[Sequence[Any]]) -> list[UsageCell]:
    """Make cells of the statement's rows, but for those where nothing was counted."""
    kind = aggregation_of(query.meter)
    finish, nothing = kind.finish, None if kind.READS == "quantity" else 0
    end = 3 + len(query.group_by)
    return [
        UsageCell(row[0], row[1], row[2], tuple(row[3:end]), finish(row[end:]))
        for row in found
        if row[end] != nothing
    ]


def cut(
    relations: Sequence[str], low: int, high: int, seq: int, members: Sequence[Member] | None
) -> tuple[Rows, str | None]:
    """Cut rows to a span and members: by plain conditions where all are members for the same
    time, as nearly all are, else by a join, which is returned.
    """
    rows = Rows(relations, low, high, seq)
    if members is None:
        return rows, None
    spans = {(max(low, micros(m.start)), min(high, micros(m.end)), m.group) for m in members}
    accounts = sorted({m.account for m in members})
    if len(spans) == 1 and len(accounts) == len(members) and not members[0].group:
        rows.accounts = accounts
        ((rows.low, rows.high, _),) = spans
        return rows, None
    text = msgspec.json.encode(
        {
            "account": [m.account for m in members],
            "first": [micros(m.start) for m in members],
            "last": [micros(m.end) for m in members],
            "grp": [m.group for m in members],
        }
    ).decode()
    table = _MEMBERS.format(members=rows.bound.bind(text))
    on = "m.account = e.subject AND e.time >= m.first AND e.time < m.last"
    return rows, f"\n  JOIN {table} AS m ON {on}"


def filtered(rows: Rows, terms: Iterable[FilterTerm]) -> list[str]:
    """Write a filter's terms as conditions on the columns of `rows`."""
    return [dialect.holds(rows.read(t.property), t, rows.bound) for t in terms]
