"""A vendor as both sizes hold it: a tree of accounts in three zones, meters of every aggregation,
contracts, and a hundred thousand facts with everything that makes counting hard. All of it follows
from one seed, so that both sides are sent the same bytes.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.serving import Client

EVENTS = 100_000
BATCH = 5_000
#: Of a batch, so many are sent again, and so many with other content under a known id.
AGAIN, CONTRADICTED = 300, 20
#: Of what came before a batch, so many are corrected after it, in each of three ways.
CORRECTED = 10
_TICK = timedelta(microseconds=1)
START, END = datetime(2025, 10, 15, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC)
NOW = "2026-04-06T09:30:00Z"

_ROOTS = {
    "north": {"timezone": "America/New_York"},
    "south": {"timezone": "Australia/Sydney", "day_start": "06:00"},
    "solo": {"timezone": "UTC", "currency": "EUR"},
}
CHILDREN = [f"{root}-{n}" for root in ("north", "south") for n in range(8)]
GRANDCHILDREN = [f"north-{n}-{m}" for n in range(3) for m in range(3)]
ACCOUNTS = [*_ROOTS, *CHILDREN, *GRANDCHILDREN]
SUBJECTS = [*ACCOUNTS, "south-0", "solo", "nobody"]

METERS: dict[str, dict[str, Any]] = {
    "uses": {"aggregation": "count"},
    "total": {"aggregation": "sum", "property": "n"},
    "least": {"aggregation": "min", "property": "n"},
    "most": {"aggregation": "max", "property": "n"},
    "mean": {"aggregation": "avg", "property": "n"},
    "users": {"aggregation": "unique", "property": "user"},
    "last": {"aggregation": "latest", "property": "n"},
    "deep": {"aggregation": "sum", "property": "cost.amount"},
    "sms": {
        "aggregation": "sum",
        "property": "n",
        "filter": [{"property": "channel", "op": "eq", "value": "sms"}],
    },
    "large": {
        "aggregation": "count",
        "filter": [
            {"property": "n", "op": "gte", "value": 5},
            {"property": "region", "op": "in", "value": ["eu", "us"]},
        ],
    },
    "seats": {"aggregation": "latest", "property": "n", "event_type": "seat", "kind": "stock"},
}
DIMENSIONS = ["channel", "region", "cost.kind"]
#: Quantities with ties, edges and more digits than a float has; some are none.
_NUMBERS = [
    "0", "1", "1", "2", "5", "5.0", "0.1", "-3", "7.25", "12345678901.123456789012", "1e3",
    '"100"', '"abc"', "null", "true", "[1]",
]  # fmt: skip
_CHANNELS = ['"sms"', '"web"', '"été\\u0001"', "null", "1"]
#: Instants at which a local day or hour begins, ends, is missing or comes twice.
_EDGES = [
    datetime.fromisoformat(text)
    for text in (
        "2025-11-02T05:00:00Z", "2025-11-02T06:00:00Z", "2026-03-08T07:00:00Z",
        "2026-03-08T05:00:00Z", "2026-01-01T00:00:00Z", "2026-02-28T19:00:00Z",
        "2025-12-31T13:00:00Z", "2026-04-04T16:00:00Z", "2026-03-01T05:00:00Z",
    )
]  # fmt: skip


#: Contracts of which statements are closed on the way.
CLOSED = ["C-north", "C-solo"]


class Step(NamedTuple):
    """A request that both sides are sent."""

    path: str
    body: bytes
    content_type: str


def define(server: Client) -> None:
    """Define all but the events; some of it changes on a day in between."""
    for key, fields in _ROOTS.items():
        server.put(f"/accounts/{key}", **fields)
    for key in (*CHILDREN, *GRANDCHILDREN):
        server.put(f"/accounts/{key}", parent=key.rpartition("-")[0])
    server.put("/accounts/north-7", parent="south", valid_from="2026-03-08")
    for key, meter in METERS.items():
        server.put(
            f"/meters/{key}", **{"event_type": "use", "dimensions": [*DIMENSIONS, "n"], **meter}
        )
    for key in ("north", "south-1", "solo", "north-0"):
        server.put(f"/contracts/C-{key}", **_contract(key, "1000"))
    server.put("/contracts/C-solo", **_contract("solo", "250"), valid_from="2026-03-10")


def _contract(account: str, quantity: str) -> dict[str, Any]:
    price = {"model": "per_unit", "unit_amount": "0.0125"}
    lines = [
        {"code": meter, "meter": meter, "allotment": {"quantity": quantity}, "price": price}
        for meter in ("uses", "total", "users", "deep")
    ]
    pooling = "parent_pool" if account == "north" else "none"
    return {
        "account": account,
        "start_date": "2025-11-10",
        "billing": {"cycle_start_date": "2025-11-01"},
        "lines": lines,
        "pooling": pooling,
    }


def steps(chance: random.Random) -> Iterator[Step]:
    """Yield batches of events, each followed by corrections of what came before."""
    sent: list[bytes] = []
    for first in range(0, EVENTS, BATCH):
        new = [_event(chance, n) for n in range(first, first + BATCH)]
        again = chance.sample(sent or new, AGAIN)
        known = chance.sample(sent or new, CONTRADICTED)
        batch = [*new, *again, *(wire.replace(b'"n":', b'"m":') for wire in known)]
        chance.shuffle(batch)
        yield Step("/events", b"\n".join(batch), "application/x-ndjson")
        sent += new
        for op in ("void", "replace", "revert"):
            wrong = [json.loads(wire) for wire in chance.sample(sent, CORRECTED)]
            items = [_correction(chance, op, event) for event in wrong]
            yield Step(f"/events/{op}", json.dumps(items).encode(), "application/json")


def _event(chance: random.Random, n: int) -> bytes:
    """Write an event; most come late, as their times are in no order."""
    pick = chance.choice
    kind = pick(["use"] * 8 + ["seat", "unheard"])
    cost = f'{{"amount": {pick(_NUMBERS)}, "kind": "{pick("ab")}"}}'
    place = f'"channel": {pick(_CHANNELS)}, "region": "{pick(["eu", "us", "ap"])}"'
    user = f'"user": "u{chance.randrange(400)}"'
    data = f'{{"n": {pick(_NUMBERS)}, {user}, {place}, "cost": {cost}}}'
    return (
        f'{{"specversion": "1.0", "id": "e{n}", "source": "/s{n % 3}", "type": "{kind}",'
        f' "subject": "{pick(SUBJECTS)}", "time": "{_time(chance)}", "data": {data}}}'
    ).encode()


def _time(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return (chance.choice(_EDGES) + chance.choice([-1, 0, 1]) * _TICK).isoformat()
    return (START + chance.randrange((END - START) // _TICK) * _TICK).isoformat()


def _correction(chance: random.Random, op: str, event: dict[str, Any]) -> dict[str, Any]:
    """Correct an event; of those to be reverted most stand uncorrected, which is refused."""
    asked = {"source": event["source"], "id": event["id"], "reason": f"{op} {event['id']}"}
    if op == "replace":
        data = {**event["data"], "n": chance.choice([3, "4.5", None])}
        other = {"subject": chance.choice(SUBJECTS), "time": _time(chance)}
        asked["event"] = {"data": data, **chance.choice([{}, other])}
    return asked
