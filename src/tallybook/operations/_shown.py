"""What a role is shown of a definition: its document without the amounts it may not see, and what
changed from one to another.
"""

from collections.abc import Mapping
from typing import Any, Final

from tallybook.model.difference import Change, difference
from tallybook.model.directory import Directory
from tallybook.model.nouns import Document, Noun
from tallybook.model.ports import NounName
from tallybook.model.scope import Scope

#: Every field of a contract that says what something costs or gives; null where amounts are hidden.
AMOUNTS: Final = frozenset(
    {
        "amount",
        "credit_rate",
        "discount_percent",
        "hold_above",
        "maximum_amount",
        "minimum_amount",
        "overage_rate",
        "overage_tiers",
        "percent",
        "price",
    }
)


def sees_amounts(scope: Scope, noun: NounName, *documents: Document) -> bool:
    """Tell whether amounts in each of these definitions may be shown; only contracts have any, and
    a sales rep sees those of their own.
    """
    return noun != "contract" or all(
        scope.sees_prices_of([name for name in (d.get("sales_rep") or {}).values() if name])
        for d in documents
    )


def sees_amounts_of(scope: Scope, directory: Directory, number: str) -> bool:
    """Tell whether what a contract comes to may be shown: its last version says whose it is."""
    if scope.sees_prices:
        return True
    versions = directory.in_force("contract", number)
    return bool(versions) and sees_amounts(scope, "contract", versions[-1][2].document)


def without_amounts(document: Document) -> dict[str, Any]:
    """Return a contract with null for each amount in it; what users added freely stays."""
    return {
        name: value if name == "attributes" else _hidden(name, value)
        for name, value in document.items()
    }


def changes(before: Noun | None, after: Noun, *, amounts: bool) -> list[Change]:
    """Return what changed from one document to another; nothing where there was none before.

    A part that was added or taken away is told without what it leaves to defaults.
    """
    if before is None:
        return []
    brief: dict[int, Any] = {}
    whole: list[Any] = []
    for noun in (before, after):
        full, short = noun.model_dump(), noun.model_dump(exclude_defaults=True)
        if not amounts:
            full, short = without_amounts(full), without_amounts(short)
        _pair(full, short, brief)
        whole.append(full)
    return [
        Change(field, brief.get(id(old), old), brief.get(id(new), new))
        for field, old, new in difference(whole[0], whole[1])
    ]


def _hidden(name: str, value: Any) -> Any:
    if name in AMOUNTS:
        return None
    if isinstance(value, Mapping):
        return {key: _hidden(key, item) for key, item in value.items()}
    return [_hidden("", item) for item in value] if isinstance(value, list) else value


def _pair(full: Any, short: Any, brief: dict[int, Any]) -> None:
    """Note for each part of a document how it reads without defaults."""
    if isinstance(full, Mapping) and isinstance(short, Mapping):
        brief[id(full)] = short
        for name, value in short.items():
            _pair(full[name], value, brief)
    elif isinstance(full, list) and isinstance(short, list):
        for one, other in zip(full, short, strict=True):
            _pair(one, other, brief)
