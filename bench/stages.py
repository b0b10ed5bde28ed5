"""What each stage of ingest costs by itself, in CPU seconds an event, one thread, no HTTP.

python -m bench.stages [events]
"""

import gc
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import ingest
from bench.machine import Cost, cost
from tallybook.app import GARBAGE
from tallybook.model import packed
from tallybook.model.columns import columns
from tallybook.model.scope import operator
from tallybook.operations._body import split
from tallybook.operations._event import check_all
from tallybook.operations._expand import expand
from tallybook.operations.ingest import take
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.duckdb.wire import lines
from tallybook.stores.ledger.decide import Request
from tallybook.stores.ledger.frame import compressor, pack, unpack
from tallybook.stores.ledger.store import SqlLedger

_SCOPE = operator("bench")
_HEADERS = {"content-type": "application/cloudevents-batch+json"}


def main(events: int) -> None:
    """Print a table."""
    now = datetime.now(UTC)
    bodies = [ingest._body(n) for n in range(events // ingest.A_REQUEST)]  # noqa: SLF001 - one benchmark
    pieces: list[Any] = []
    arrivals: list[Any] = []
    rows: list[Any] = []
    gc.set_threshold(*GARBAGE)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ledger, store = SqlLedger(folder), DuckEvents(folder / "events.duckdb")
        press = compressor()
        loads: list[Any] = []
        stages = {
            "expand": lambda: [expand(body, "") for body in bodies],
            "split": lambda: pieces.extend(split(body, _HEADERS) for body in bodies),
            "check": lambda: arrivals.extend(check_all(part, now).arrivals for part in pieces),
            "hash": lambda: [Request(part, now, 1) for part in arrivals],
            "pack": lambda: rows.extend(
                pack(1 + i * ingest.A_REQUEST, now, part, press) for i, part in enumerate(pieces)
            ),
            "check, hash, decide, pack, commit": lambda: [
                take(_SCOPE, ledger, part, now) for part in pieces
            ],
            "unpack": lambda: [unpack(row) for row in rows],
            "read into columns": lambda: [columns(part) for part in pieces],
            "pack, write data as lines": lambda: [
                lines(packed.pack(part).data) for part in arrivals
            ],
            "ledger.read": lambda: loads.append(ledger.read(_SCOPE, 0, events)),
            "load: read, encode, insert, commit": lambda: store.load(_SCOPE, loads[0]),
        }
        for name, stage in stages.items():
            _print(name, cost(stage), events)
        store.close()
        ledger.close()


def _print(name: str, spent: Cost, events: int) -> None:
    print(f"{name:<36}{spent.cpu / events * 1e6:>8.2f} µs CPU{spent.wall / events * 1e6:>8.2f} µs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
