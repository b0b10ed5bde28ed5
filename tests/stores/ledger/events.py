"""Arrivals for the tests of the ledger."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL

from tallybook.model.columns import arrival as read
from tallybook.model.fact import Arrival, Verdict, columns_of
from tallybook.model.scope import operator
from tallybook.stores.ledger.store import SqlLedger
from tallybook.stores.postgresql import address
from tests import postgres

#: Where a ledger may live, for the parameters of tests.
PLACES = ["folder", postgres.ON_POSTGRESQL]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def place(kind: str, folder: Path) -> Path | URL:
    """Return a folder, or the address of the database that belongs to it."""
    return folder if kind == "folder" else address(postgres.database(folder))


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
