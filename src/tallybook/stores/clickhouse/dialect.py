"""SQL that only ClickHouse reads; see `events.dialect`, which names all of it.

A statement has one level, so that a cluster's shards do all of the counting they can.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from tallybook.model.scope import Member
from tallybook.model.time import micros
from tallybook.stores.events import dialect
from tallybook.stores.events.dialect import Statement

NAME: Final = "clickhouse"

#: Texts of more characters than this are not bound, nor any once there are so many values.
_LONG: Final = 250
_MANY: Final = 250
#: What may stand in a name of a property as it is kept; all else is `~` and two digits a byte.
_OUTSIDE: Final = re.compile(rb"[^A-Za-z0-9_-]")
_NAMES_KEPT: Final = 10_000


class Parameters(dialect.Parameters):
    """Servers take no bound value of over 128 KiB, and all of them only up to 1 MiB. What is long,
    or one too many, is written into the statement instead, in letters and digits only, so that
    it cannot leave its place either.
    """

    def bind(self, value: Any) -> str:
        if isinstance(value, list):
            kind = "Int64" if value and isinstance(value[0], int) else "String"
            return f"JSONExtract({_packed(msgspec.json.encode(value))}, 'Array({kind})')"
        if isinstance(value, str) and (len(value) > _LONG or len(self) > _MANY):
            return _packed(value.encode())
        return super().bind(value)

    def _placeholder(self, name: str, value: Any) -> str:
        if value is None:
            return f"{{{name}:Nullable(String)}}"
        return f"{{{name}:{'Int64' if isinstance(value, int) else 'String'}}}"


def parameters() -> Parameters:
    return Parameters()


def decimal(x: str) -> str:
    return f"toDecimal128OrNull({x}, 12)"


def matches(x: str, pattern: str) -> str:
    return f"match({x}, '^(?:{pattern})$')"


def divided(x: str, by: str) -> str:
    return f"intDiv({x}, {by})"


def newest(x: str, by: str) -> str:
    return f"argMax({x}, {by})"


def among(x: str, values: Sequence[str], bound: dialect.Parameters) -> str:
    return f"({x} IN {bound.bind(list(values))})"


def members(members: Sequence[Member], bound: dialect.Parameters) -> str:
    columns = (
        bound.bind([m.account for m in members]),
        bound.bind([micros(m.start) for m in members]),
        bound.bind([micros(m.end) for m in members]),
        bound.bind([m.group for m in members]),
    )
    return (
        "(SELECT row.1 AS account, row.2 AS first, row.3 AS last, row.4 AS grp "
        f"FROM (SELECT arrayJoin(arrayZip({', '.join(columns)})) AS row))"
    )


def written(statement: Statement) -> str:
    """Write a statement as one level: what is worked out for each row is named before it."""
    named = {column: _text(path) for path, column in statement.rows.paths.items()}
    named |= {name: x for name, x in statement.columns.items() if x != name}
    before = f"WITH {', '.join(f'{x} AS {name}' for name, x in named.items())}\n" if named else ""
    (relation,) = statement.rows.relations
    where = " AND ".join((*statement.rows.terms, *statement.conditions))
    return (
        f"{before}SELECT {', '.join(statement.selected)} FROM {relation} AS e{statement.join}"
        f"\nWHERE {where}{statement.end}"
    )


@lru_cache(maxsize=_NAMES_KEPT)
def kept(name: str) -> str:
    """Write the name of a property as it is kept: of letters, digits, `_`, `-` and `~` only, so
    that it cannot leave its place in a statement, and a dot only ever parts names.

    No two names are kept as one.
    """
    return _OUTSIDE.sub(_escaped, name.encode(errors="surrogatepass")).decode() or "~"


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"~%02X" % ord(found[0])


def _text(path: str) -> str:
    """Read the property at a dotted path."""
    names = ".".join(f"`{kept(name)}`" for name in path.split("."))
    return f"data.{names}.:String"


def _packed(value: bytes) -> str:
    return f"base64Decode('{b64encode(value).decode()}')"
