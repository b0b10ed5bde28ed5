"""What the ledger takes below HTTP, on SQLite and on a PostgreSQL that waits for the disk.

python -m bench.appends [events]
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import ingest
from bench.machine import Servers, cost, quantile
from tallybook.model.fact import Columns
from tallybook.model.scope import operator
from tallybook.operations._body import split
from tallybook.operations._event import check_all
from tallybook.stores.ledger.store import SqlLedger
from tallybook.stores.postgresql import address
from tests import postgres

#: Thousands of events a request, and requests at once.
SHAPES: Final = ((1, 1), (1, 16), (10, 1))
_SCOPE: Final = operator("bench")
_HEADERS: Final = {"content-type": "application/cloudevents-batch+json"}


def main(events: int) -> None:
    """Print a line for each shape of each ledger."""
    with tempfile.TemporaryDirectory() as folder, SqlLedger(Path(folder)) as ledger:
        for line in _lines("SQLite", ledger, events, Servers()):
            print(line)
    with postgres.durable() as (url, process), SqlLedger(address(url)) as ledger:
        for line in _lines("PostgreSQL", ledger, events, Servers(process)):
            print(line)


def _lines(name: str, ledger: SqlLedger, events: int, servers: Servers) -> Iterator[str]:
    first = 0
    for thousands, at_once in SHAPES:
        count = max(at_once, events // thousands // ingest.A_REQUEST)
        requests = [_request(first + n * thousands, thousands) for n in range(count)]
        first += count * thousands
        waits: list[float] = []
        before = servers.cpu()
        spent = cost(lambda: _append(ledger, requests, at_once, waits))  # noqa: B023 - called at once
        total = count * thousands * ingest.A_REQUEST
        yield (
            f"{name:<11}{thousands:>3},000 a request, {at_once:>2} at once: "
            f"{total / spent.wall:>8,.0f} events/s, p50 {quantile(waits, 0.5) * 1e3:>4.0f} ms, "
            f"CPU an event {(servers.cpu() - before) / total * 1e6:.1f} + "
            f"{spent.cpu / total * 1e6:.1f} µs"
        )


def _request(first: int, thousands: int) -> Columns:
    bodies = [ingest.body(first + n) for n in range(thousands)]
    pieces = [piece for body in bodies for piece in split(body, _HEADERS)]
    return check_all(pieces, datetime.now(UTC)).arrivals


def _append(ledger: SqlLedger, requests: list[Columns], at_once: int, waits: list[float]) -> None:
    todo, taking = iter(requests), threading.Lock()

    def work() -> None:
        while True:
            with taking:
                request = next(todo, None)
            if request is None:
                return
            began = time.perf_counter()
            ledger.append(_SCOPE, request, datetime.now(UTC))
            waits.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
