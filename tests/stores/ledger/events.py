"""Arrivals for the tests of the ledger."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from tallybook.model.columns import arrival as read
from tallybook.model.fact import Arrival, Verdict, columns_of
from tallybook.model.scope import operator
from tallybook.stores.ledger.store import SqlLedger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def arrival(name: int | str, *, data: object = 1, source: str = "/s", pad: int = 0) -> Arrival:
    """Make an event named so; `data` is its content."""
    wire = json.dumps(
        {
            "specversion": "1.0",
            "id": str(name),
            "source": source,
            "type": "t",
            "subject": "a",
            "data": {"n": data, "pad": "x" * pad},
        }
    )
    return read(wire.encode())


def arrivals(names: range) -> list[Arrival]:
    return [arrival(name) for name in names]


def append(ledger: SqlLedger, events: Sequence[Arrival], at: datetime) -> list[Verdict]:
    """Append as the installation itself."""
    return list(ledger.append(operator(), columns_of(events), at))
