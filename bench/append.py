"""Appends to the ledger on SQLite and on PostgreSQL, both with every commit on disk: how long an
acknowledgement takes one after the other, and how many events a second it takes at once.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.sizes import Size
from tallybook.model.columns import columns
from tallybook.model.scope import operator
from tallybook.stores.ledger import SqlLedger
from tallybook.stores.postgresql import address
from tests import postgres

#: Of each size of batch, on each database.
EVENTS: Final = 100_000
SIZES: Final = (1, 1_000)
AT_ONCE: Final = 16
#: Of single events no more are sent than of large batches take as long.
_APPENDS_MAX: Final = 500
_NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_ALL: Final = operator()


def run(events: int, folder: Path, _size: Size) -> list[dict[str, Any]]:
    """Append so many events in batches of each size; return medians and 99th percentiles, and what
    each takes in all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url, _ = stack.enter_context(postgres.durable())
        places: dict[str, Any] = {
            "SQLite": folder / "append",
            "PostgreSQL": address(url),
        }
        places["SQLite"].mkdir()
        ledgers = {name: stack.enter_context(SqlLedger(place)) for name, place in places.items()}
        rows = []
        for size in SIZES:
            p50 = {}
            for name, ledger in ledgers.items():
                times = _times(ledger, size, min(_APPENDS_MAX, events // size))
                p50[name] = times[len(times) // 2]
                what = f"{size:,} event{'s' * (size > 1)}, {name}"
                rows.append({"what": f"{what}, p50", "value": _ms(p50[name])})
                rows.append({"what": f"{what}, p99", "value": _ms(times[len(times) * 99 // 100])})
            ratio = p50["PostgreSQL"] / p50["SQLite"]
            rows.append({"what": f"{size:,}: ratio of the p50", "value": f"{ratio:.1f}"})
        for name, ledger in ledgers.items():
            what = f"{AT_ONCE} times 1,000 events at once, {name}, events/s"
            rows.append({"what": what, "value": f"{_at_once(ledger, events):,.0f}"})
    return rows


def _at_once(ledger: SqlLedger, events: int) -> float:
    """Return the events a second that are taken from so many who send batches of a thousand."""
    batches = [
        columns([_wire(AT_ONCE, number * 1_000 + i) for i in range(1_000)])
        for number in range(events // 1_000)
    ]
    with ThreadPoolExecutor(AT_ONCE) as senders:
        began = time.perf_counter()
        list(senders.map(lambda batch: ledger.append(_ALL, batch, _NOW), batches))
        return len(batches) * 1_000 / (time.perf_counter() - began)


def _times(ledger: SqlLedger, size: int, appends: int) -> list[float]:
    """Return the seconds of each append, in order of length; the first tenth only warms up."""
    times = []
    for number in range(appends + appends // 10):
        batch = columns([_wire(size, number * size + i) for i in range(size)])
        began = time.perf_counter()
        verdicts = ledger.append(_ALL, batch, _NOW)
        times.append(time.perf_counter() - began)
        assert {v.status for v in verdicts} == {"accepted"}
    return sorted(times[appends // 10 :])


def _wire(size: int, number: int) -> bytes:
    event = {
        "specversion": "1.0",
        "id": f"{size}-{number}",
        "source": "/bench",
        "type": "api.call",
        "subject": f"account-{number % 997}",
        "time": "2026-03-01T12:00:00Z",
        "data": {"tokens": number % 4_096, "model": "large", "region": "eu-west-1"},
    }
    return json.dumps(event).encode()


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms"
