"""A year of generated events in an Events store, loaded as the server loads and compacted, and the
definitions of who they belong to. Made once into a folder and used again.

Batches go straight to `Events.load`: the ledger and HTTP are measured by `bench ingest`.
"""

import random
import sys
import time
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.sizes import Size
from tallybook.model.columns import columns
from tallybook.model.directory import Directory
from tallybook.model.packed import Batch, pack
from tallybook.model.ports import NounName, Version
from tallybook.model.scope import operator
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb.store import DuckEvents
from tests.worlds import World

ACCOUNTS: Final = 20_000
CHILDREN: Final = 500
FIRST: Final = datetime(2025, 1, 1, tzinfo=UTC)
DAYS: Final = 365


class Fleet(NamedTuple):
    """How many accounts there are, and over how many days they use."""

    accounts: int = ACCOUNTS
    days: int = DAYS


METERS: Final = {
    "requests": {"event_type": "api.request", "aggregation": "count"},
    "tokens": {"event_type": "api.request", "aggregation": "sum", "property": "tokens"},
    "seconds": {"event_type": "api.request", "aggregation": "sum", "property": "ms"},
    "slowest": {"event_type": "api.request", "aggregation": "max", "property": "ms"},
    "users": {"event_type": "api.request", "aggregation": "unique", "property": "user"},
}
LINES: Final = ("requests", "tokens", "seconds")
_BATCH: Final = 50_000
_SYSTEM: Final = operator("bench")


def key(rank: int) -> str:
    """Return the account with this rank in use, 0 the busiest."""
    return f"account-{rank:05d}"


def store(
    events: int, folder: Path, size: Size, fleet: Fleet | None = None
) -> DuckEvents | ClickEvents:
    """Open the store with so many events, making it where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    of = "" if fleet is None else f"-{fleet.accounts}-{fleet.days}"
    path = folder / f"events-{events}{of}.duckdb"
    done = path.with_suffix(".done")
    if not done.exists():
        path.unlink(missing_ok=True)
    found = size.events(path)
    if found.position(_SYSTEM) < events:
        _fill(events, found, fleet or Fleet())
    if isinstance(found, DuckEvents):
        done.touch()
    return found


def directory(*, contracts: bool = False) -> Directory:
    """Return the definitions: a parent of the 500 busiest, and where asked a contract for each."""
    world = World()
    world.account("parent")
    for rank in range(ACCOUNTS):
        world.account(key(rank), **({"parent": "parent"} if rank < CHILDREN else {}))
    for name, meter in METERS.items():
        world.meter(name, **{"property": None, **meter})
    if contracts:
        terms = [
            {
                "code": name,
                "meter": name,
                "allotment": {"quantity": "1000"},
                "price": {"model": "per_unit", "unit_amount": "0.01"},
            }
            for name in LINES
        ]
        for rank in range(ACCOUNTS):
            world.contract(f"C-{rank:05d}", account=key(rank), start_date="2025-01-01", lines=terms)
    return world.directory


def contracts(
    fleet: Fleet,
    lines: Sequence[Mapping[str, Any]],
    more: Callable[[int], Mapping[str, Any]] = lambda _rank: {},
) -> Directory:
    """Return the definitions of a fleet: an account each, with a contract of these lines, and of
    what `more` says of each by its rank.
    """
    world = World()
    for name, meter in METERS.items():
        world.meter(name, **{"property": None, **meter})
    return world.directory.extend(
        version
        for rank in range(fleet.accounts)
        for version in (
            _first("account", key(rank), 2 * rank, {"key": key(rank)}),
            _first(
                "contract",
                f"C-{rank:05d}",
                2 * rank + 1,
                {
                    "number": f"C-{rank:05d}",
                    "account": key(rank),
                    "start_date": "2025-01-01",
                    "lines": lines,
                    **more(rank),
                },
            ),
        )
    )


def _first(noun: NounName, key_: str, number: int, document: Mapping[str, Any]) -> Version:
    revision = len(METERS) + 1 + number
    return Version(
        noun, key_, 1, revision, None, FIRST, "bench", None, retired=False, document=document
    )


def _fill(events: int, made: DuckEvents | ClickEvents, fleet: Fleet) -> None:
    began = time.monotonic()
    chance = random.Random(1)
    weights = list(accumulate(1 / (rank + 10) for rank in range(fleet.accounts)))
    step = fleet.days * 86_400_000_000 // events
    for first in range(0, events, _BATCH):
        count = min(_BATCH, events - first)
        wires = tuple(_wire(chance, weights, n, n * step) for n in range(first, first + count))
        made.load(_SYSTEM, [Batch(first + 1, FIRST + timedelta(days=DAYS), pack(columns(wires)))])
        if first // _BATCH % 20 == 0:
            rate = (first + count) / (time.monotonic() - began)
            print(f"\r{first + count:,} of {events:,} ({rate:,.0f}/s)", end="", file=sys.stderr)
    made.compact(_SYSTEM, date(2026, 1, 1))
    print(f"\rmade in {time.monotonic() - began:.0f} s          ", file=sys.stderr)


def _wire(chance: random.Random, weights: list[float], n: int, offset: int) -> bytes:
    rank = bisect(weights, chance.random() * weights[-1])
    at = FIRST + timedelta(microseconds=offset)
    return (
        f'{{"specversion":"1.0","id":"{n:032x}","source":"/bench","type":"api.request",'
        f'"subject":"{key(rank)}","time":"{at:%Y-%m-%dT%H:%M:%SZ}",'
        f'"data":{{"region":"eu-{n % 3}","model":"m{n % 7}","user":"u{n * 7919 % 100_000}",'
        f'"tokens":{n % 9000},"ms":{n % 300}}}}}'
    ).encode()
