"""A fleet of contracted accounts for `bench.volume`, as definitions: four services each, of which
every state occurs; trees, branches, managers, currencies and units. Its events are made in `data`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from bench import data
from tallybook.model.ports import Books, Draft
from tallybook.model.scope import operator

BRANCHES: Final = 8
MANAGERS: Final = 40
#: The account whose tree has the 500 busiest others.
TREE: Final = data.key(0)
UNITS: Final = {"requests": "requests", "tokens": "tokens", "seconds": "ms", "users": "users"}
_ROOTS: Final = 40  # each such account of those after the tree is the parent of the nine after it
_CHILDREN: Final = 9
_NOUNS_A_WRITE: Final = 5_000
#: What a line includes, in parts of what its account uses in half a month; none is none at all.
_SHARES: Final = ("0.7", "1.2", None, "1.9", "2.4", "1.0", "4", "1.7", "9", "2.1")
_CURRENCIES: Final = ("EUR", "GBP", *["USD"] * 8)
_FIRST: Final = ("Harbor", "Quarry", "Summit", "Willow", "Copper", "Prairie", "Lantern", "Juniper")
_SECOND: Final = ("Freight", "Motors", "Clinics", "Grocers", "Energy", "Schools", "Foods", "Banks")
_RECORDED: Final = datetime(2025, 1, 1, tzinfo=UTC)


def write(books: Books, accounts: int, uses: int) -> None:
    """Write the definitions of so many accounts that use so much a month in all; once for Books,
    whose snapshot a migration may have emptied since.
    """
    scope = operator("bench")
    drafts = _drafts(accounts, uses) if not books.revision(scope) else iter(())
    while some := list(islice(drafts, _NOUNS_A_WRITE)):
        books.write(scope, some, _RECORDED)


def branch(rank: int) -> str:
    """Return the branch of an account."""
    return f"Branch {rank % BRANCHES + 1}"


def manager(rank: int) -> str:
    """Return who looks after an account."""
    return f"csm{rank // BRANCHES % MANAGERS + 1}@example.com"


def name(rank: int) -> str:
    """Return the name of an account: its number makes it rare, its words do not."""
    first, second = _FIRST[rank % len(_FIRST)], _SECOND[rank // len(_FIRST) % len(_SECOND)]
    return f"{first} {second} {rank}"


def _drafts(accounts: int, uses: int) -> Iterator[Draft]:
    for key, unit in UNITS.items():
        document = {"key": key, "unit": unit, "property": None, **data.METERS[key]}
        yield Draft("meter", key, document)
    busy = uses / sum(1 / (rank + 10) for rank in range(accounts))
    for rank in range(accounts):
        key = data.key(rank)
        yield Draft("account", key, {"key": key, **_account(rank)})
        yield Draft("contract", f"C-{rank:05d}", _contract(rank, busy / (rank + 10)))


def _account(rank: int) -> dict[str, Any]:
    return {
        "name": name(rank),
        "branch": branch(rank),
        "csm": {"email": manager(rank)},
        "currency": _CURRENCIES[rank % len(_CURRENCIES)],
        **_below(rank),
    }


def _below(rank: int) -> dict[str, str]:
    if 0 < rank <= data.CHILDREN:
        return {"parent": TREE}
    place = rank % _ROOTS
    if rank > data.CHILDREN + _ROOTS and 0 < place <= _CHILDREN:
        return {"parent": data.key(rank - place)}
    return {}


def _contract(rank: int, uses: float) -> dict[str, Any]:
    each = {"requests": 1, "tokens": 4_500, "seconds": 150, "users": 1}
    is_pool = rank > data.CHILDREN and rank % _ROOTS == 0
    return {
        "number": f"C-{rank:05d}",
        "account": data.key(rank),
        "start_date": "2025-01-01",
        "pooling": "parent_pool" if is_pool else "none",
        "lines": [
            {
                "code": key,
                "meter": key,
                "product": key.capitalize(),
                "price": {"model": "per_unit", "unit_amount": "0.01"},
                **_allotment(_SHARES[(rank // 3 + i) % len(_SHARES)], uses * each[key] / 2),
            }
            for i, key in enumerate(UNITS)
        ],
    }


def _allotment(share: str | None, uses: float) -> dict[str, Any]:
    return (
        {} if share is None else {"allotment": {"quantity": str(max(1, int(uses * float(share))))}}
    )
