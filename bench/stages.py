"""What each stage of ingest costs by itself, in CPU an event, one thread, no HTTP; and what an
event may cost in all, if the whole is to be 0.15 of the same rows inserted from Arrow by hand.

python -m bench.stages [events]
"""

import gc
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from bench import ingest, sizes
from bench.machine import cost
from tallybook.app import GARBAGE
from tallybook.model import packed
from tallybook.model.columns import columns
from tallybook.model.scope import operator
from tallybook.operations._body import split
from tallybook.operations._event import check_all
from tallybook.operations.ingest import take
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.events.texts import lines
from tallybook.stores.ledger.decide import Request
from tallybook.stores.ledger.frame import compressor, pack, unpack
from tallybook.stores.ledger.store import SqlLedger

_SCOPE: Final = operator("bench")
_HEADERS: Final = {"content-type": "application/cloudevents-batch+json"}
_RATIO: Final = 0.15
_THREADS: Final = 4
#: The stages that add up to the whole; the others are parts of them, or other ways.
_WHOLE: Final = frozenset({"split", "check, hash, pack, decide, commit", "load"})


def main(events: int) -> None:
    """Print a table."""
    events -= events % ingest.A_REQUEST
    gc.set_threshold(*GARBAGE)
    with tempfile.TemporaryDirectory() as scratch, sizes.opened(sizes.FOLDER) as size:
        folder = Path(scratch)
        whole = 0.0
        with SqlLedger(folder) as ledger:
            store = DuckEvents(folder / "events.duckdb")
            for name, stage in _stages(ledger, store, events).items():
                spent = cost(stage).cpu / events * 1e6
                whole += spent if name in _WHOLE else 0
                print(f"{'' if name in _WHOLE else '  '}{name:<40}{spent:>8.2f} µs")
            store.close()
        by_hand = 1e6 / ingest.by_hand(folder, events, size)
    print(f"{'all of it, without HTTP':<40}{whole:>8.2f} µs")
    print(f"{'Arrow by hand':<40}{by_hand:>8.2f} µs")
    print(f"{f'may cost with HTTP, for {_RATIO}':<40}{by_hand / _RATIO:>8.2f} µs")


def _stages(ledger: SqlLedger, store: DuckEvents, events: int) -> dict[str, Callable[[], object]]:
    """Return the stages in their order; each leaves what the next one needs."""
    now = datetime.now(UTC)
    bodies = [ingest.body(n) for n in range(events // ingest.A_REQUEST)]
    pieces: list[Any] = []
    arrivals: list[Any] = []
    rows: list[Any] = []
    press = compressor()
    return {
        "split": lambda: pieces.extend(split(body, _HEADERS) for body in bodies),
        "check": lambda: arrivals.extend(check_all(part, now).arrivals for part in pieces),
        f"check, in {_THREADS} threads at once": lambda: _at_once(check_all, pieces, now),
        "hash, pack": lambda: [Request(part, now, 1) for part in arrivals],
        "compress": lambda: rows.extend(
            pack(1 + i * ingest.A_REQUEST, now, part, press) for i, part in enumerate(pieces)
        ),
        "check, hash, pack, decide, commit": lambda: [
            take(_SCOPE, ledger, part, now) for part in pieces
        ],
        "expand a stored batch": lambda: [unpack(row) for row in rows],
        "read it into columns again": lambda: [columns(part) for part in pieces],
        "write data as lines": lambda: [lines(packed.pack(part).data) for part in arrivals],
        "load": lambda: store.load(_SCOPE, ledger.read(_SCOPE, 0, events)),
    }


def _at_once(work: Callable[[Any, datetime], object], parts: list[Any], now: datetime) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, parts, repeat(now)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
