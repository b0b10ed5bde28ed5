"""Arrivals for the tests of the ledger."""

import json
from datetime import UTC, datetime

from tallybook.model.fact import Arrival

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
    return Arrival(source, str(name), "t", "a", None, wire.encode())


def arrivals(names: range) -> list[Arrival]:
    return [arrival(name) for name in names]
