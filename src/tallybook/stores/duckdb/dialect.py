"""SQL that only DuckDB reads; see `events.dialect`, which names all of it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tallybook.model.scope import Member
from tallybook.model.time import micros
from tallybook.stores.events import dialect
from tallybook.stores.events.dialect import Rows, Statement

NAME: Final = "duckdb"
TAIL: Final = "tail"

#: Members as columns of one JSON text: a table of 20,000 rows is one parameter.
_MEMBERS: Final = """(
    SELECT unnest(m.account) AS account, unnest(m.first) AS first, unnest(m.last) AS last,
        unnest(m.grp) AS grp
    FROM (SELECT from_json({members}, '{{"account": ["VARCHAR"], "first": ["BIGINT"],
        "last": ["BIGINT"], "grp": ["BIGINT"]}}') AS m)
)"""


class Parameters(dialect.Parameters):
    def _placeholder(self, name: str, value: Any) -> str:
        return f"${name}"


def parameters() -> Parameters:
    return Parameters()


def decimal(x: str) -> str:
    return f"TRY_CAST({x} AS DECIMAL(38,12))"


def matches(x: str, pattern: str) -> str:
    return f"regexp_full_match({x}, '{pattern}')"


def divided(x: str, by: str) -> str:
    return f"{x} // {by}"


def newest(x: str, by: str) -> str:
    return f"arg_max({x}, {by})"


def among(x: str, values: Sequence[str], bound: dialect.Parameters) -> str:
    text = bound.bind(msgspec.json.encode(values).decode())
    return f"({x} IN (SELECT unnest(from_json({text}, '[\"VARCHAR\"]'))))"


def members(members: Sequence[Member], bound: dialect.Parameters) -> str:
    columns = {
        "account": [m.account for m in members],
        "first": [micros(m.start) for m in members],
        "last": [micros(m.end) for m in members],
        "grp": [m.group for m in members],
    }
    return _MEMBERS.format(members=bound.bind(msgspec.json.encode(columns).decode()))


def written(statement: Statement) -> str:
    """Write a statement, with as little of each row as it asks for."""
    found = f"(\n    {_relation(statement.rows)}\n  ) AS e{statement.join}"
    if statement.conditions:
        found += f"\nWHERE {' AND '.join(statement.conditions)}"
    if statement.columns:
        columns = (x if x == name else f"{x} AS {name}" for name, x in statement.columns.items())
        found = f"(\n  SELECT {', '.join(columns)} FROM {found}\n)"
    return f"SELECT {', '.join(statement.selected)} FROM {found}{statement.end}"


def _relation(rows: Rows) -> str:
    where = " AND ".join(rows.terms)
    return "\n    UNION ALL\n    ".join(
        f"SELECT {', '.join(_columns(rows, relation))} FROM {relation} WHERE {where}"
        for relation in rows.relations
    )


def _columns(rows: Rows, relation: str) -> Iterable[str]:
    yield from ("subject", "type", "time", "seq", *rows.envelope)
    for path, column in rows.paths.items():
        yield f"{_text(relation, path, rows.bound)} AS {column}"


def _text(relation: str, path: str, bound: dialect.Parameters) -> str:
    """Read the property at a dotted path; arrival rows hold JSON, sorted months VARIANT."""
    names = path.split(".")
    if relation == TAIL:
        pointer = "".join("/" + n.replace("~", "~0").replace("/", "~1") for n in names)
        return f"json_extract_string(data, {bound.bind(pointer)})"
    found = "data"
    for name in names:
        found = f"variant_extract({found}, {bound.bind(name)})"
    return f"CAST({found} AS VARCHAR)"
