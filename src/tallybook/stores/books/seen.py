"""Rows of Books that belong to accounts, narrowed to whom a scope sees at an instant."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Select, Text, func, literal, select

from tallybook.model.scope import Scope


def seen(scope: Scope, accounts: frozenset[str] | None, at: datetime) -> frozenset[str] | None:
    """Return which accounts may be listed at an instant, None for all: one that has moved away by
    then is no longer seen.
    """
    if scope.accounts is None:
        return accounts
    mine = frozenset(m.account for m in scope.accounts if m.start <= at < m.end)
    return mine if accounts is None else mine & accounts


def among(
    connection: Connection, column: Column[Any], accounts: frozenset[str] | None
) -> list[ColumnElement[bool]]:
    """Return the condition that a row's account is one of these, none where it may be any."""
    return [] if accounts is None else [column.in_(relation(connection, accounts))]


def relation(connection: Connection, keys: Iterable[str]) -> Select[Any]:
    """Return keys as a relation: one parameter, however many they are."""
    if connection.dialect.name == "sqlite":
        text = msgspec.json.encode(sorted(keys)).decode()
        return select(func.json_each(text).table_valued("value").c.value)
    return select(func.unnest(literal(sorted(keys), ARRAY(Text))))
