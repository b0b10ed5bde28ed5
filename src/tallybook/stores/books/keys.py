"""Many keys in one question: as a relation, whatever their number."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Connection, Select, Text, func, literal, select


def relation(connection: Connection, keys: Iterable[str]) -> Select[Any]:
    """Return keys as a relation: one parameter, however many they are."""
    if connection.dialect.name == "sqlite":
        text = msgspec.json.encode(sorted(keys)).decode()
        return select(func.json_each(text).table_valued("value").c.value)
    return select(func.unnest(literal(sorted(keys), ARRAY(Text))))
