"""Hands out definitions as files hold them: every version of a key as the document that `define`
would take. Where they are written to is for who asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tallybook.model import limits
from tallybook.model.contract import Contract
from tallybook.model.directory import Directory
from tallybook.model.errors import Forbidden
from tallybook.model.ports import NounName, Version
from tallybook.model.scope import Scope
from tallybook.model.written import written
from tallybook.operations import definitions
from tallybook.operations._page import Page, check_limit, write_cursor
from tallybook.operations.define import KEY_FIELDS


@dataclass(frozen=True, slots=True)
class Exported:
    """A key and its documents, oldest first; `version` is the number of the newest."""

    noun: NounName
    key: str
    version: int
    documents: tuple[Mapping[str, Any], ...]


def export(
    scope: Scope,
    directory: Directory,
    noun: NounName,
    now: datetime,
    *,
    cursor: str | None = None,
    limit: int = limits.PAGE_ROWS_DEFAULT,
) -> Page[Exported]:
    """Return what stands, or will, by key; what is retired is left out, and counted.

    Raises:
        Forbidden: `verb_not_allowed`; `prices_hidden`, as a contract without its prices that was
            brought in again would lose them.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("read")
    check_limit(limit)
    if noun == "contract" and not scope.sees_prices:
        raise Forbidden(
            "prices_hidden",
            f"The role {scope.role} sees no prices, and a contract is not exported without them.",
        )
    keys = definitions.visible(scope, directory, noun, now)
    start = definitions.place_after(scope, directory, noun, keys, cursor)
    some = keys[start : start + limit]
    items = []
    for key in some:
        versions = definitions.history(scope, directory, noun, key, now)
        documents = tuple(_document(directory, v) for v in versions)
        items.append(Exported(noun, key, versions[-1].number, documents))
    more = start + limit < len(keys)
    ever = len(directory.ever(noun)) if scope.accounts is None else len(keys)
    return Page(
        items,
        write_cursor(some[-1]) if more else None,
        {"count": len(keys), "retired": ever - len(keys)},
    )


def _document(directory: Directory, version: Version) -> dict[str, Any]:
    """Return a version as the body of a change, its day and reason beside its key.

    The day from which a first version holds anyway is left out: whoever changes a file of one
    document means from today on.
    """
    noun, day = directory.parsed(version), version.valid_from
    said: dict[str, Any] = {KEY_FIELDS[version.noun]: version.key}
    goes_without_saying = isinstance(noun, Contract) and noun.start_date == day
    if day is not None and not (goes_without_saying and version.number == 1):
        said["valid_from"] = day.isoformat()
    if version.reason is not None:
        said["reason"] = version.reason
    return {**said, **written(noun)}
