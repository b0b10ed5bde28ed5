"""A small, rich installation for the tests of pages: the real application on a loopback port at a
fixed business day, with a line in every state, a pool, and more rows than a page holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tallybook import app
from tallybook.settings import Settings
from tests.serving import Client, event

NOW = "2026-11-22T15:00:00Z"
EMAIL = "ada.admin@example.com"
BUSY_DAY = "2026-11-18"
BUSY_EVENTS = 120
SMALL = 48
_DAYS = [date(2026, 10, 1) + timedelta(days=i) for i in range(52)]  # until 21 November
_PRICE = {"model": "per_unit", "unit_amount": "0.0125"}
_METERS: dict[str, dict[str, Any]] = {
    "messages": {"name": "Messaging", "unit": "messages", "aggregation": "sum", "property": "n",
                 "dimensions": ["channel", "country"], "event_type": "message"},
    "contacts": {"name": "Active contacts", "unit": "contacts", "aggregation": "unique",
                 "property": "contact", "event_type": "message"},
    "minutes": {"name": "Voice", "unit": "minutes", "aggregation": "sum", "property": "min",
                "event_type": "call"},
    "documents": {"name": "Stored documents", "unit": "documents", "aggregation": "latest",
                  "property": "held", "kind": "stock", "event_type": "stored"},
}  # fmt: skip
#: Contract: its account, when it starts, whether the tree pools, what its lines include.
_CONTRACTS: dict[str, tuple[str, str, bool, dict[str, str | None]]] = {
    "C-1": ("acme", "2026-01-01", True, {"messages": "900", "contacts": "400"}),
    "C-2": ("bolt", "2026-01-01", False, {"messages": "600", "minutes": "100.5"}),
    "C-3": ("calm", "2026-11-20", False, {"messages": "5000"}),
    "C-4": ("dune", "2026-01-01", False, {"messages": None, "documents": "70"}),
}


@dataclass(frozen=True)
class Pages:
    """Where the installation answers, and how to sign in."""

    url: str
    client: Client
    password: str


@contextmanager
def pages(folder: Path, *, empty: bool = False, **more: Any) -> Iterator[Pages]:
    """Serve the installation while the block runs; an empty one is as `init` leaves it. `more` are
    settings.
    """
    settings = Settings(data=folder / "data", test_clock=True, **more)
    made = app.initialise(settings, EMAIL)
    with app.running(settings) as address:
        client = Client(urlsplit(address.url).port or 0, str(made["api_key"]))
        client.call("PUT", "/test-clock", {"now": NOW})
        if not empty:
            _define(client)
            receipt = client.send(list(_events()))
            assert not receipt["rejected"], receipt["results"][:1]
        client.until_visible()
        client.call("PUT", "/test-clock", {"now": NOW})  # does all that is due
        yield Pages(address.url, client, str(made["admin_password"]))


def _define(client: Client) -> None:
    chicago = {"timezone": "America/Chicago"}
    manager = {"name": "Nadia Berg", "email": "nadia@example.com"}
    client.put("/accounts/acme", name="Acme Group", csm=manager, **chicago)
    for key in ("acme-north", "acme-south"):
        client.put(f"/accounts/{key}", name=key.replace("-", " ").title(), parent="acme", **chicago)
    for key in ("bolt", "calm", "dune", *_small()):
        client.put(f"/accounts/{key}", name=f"{key.title()} & Sons", timezone="Europe/Berlin")
    for key, meter in _METERS.items():
        client.put(f"/meters/{key}", **meter)
    for number, (account, start, pooled, lines) in _CONTRACTS.items():
        _agree(client, number, account, start, lines, pooling="parent_pool" if pooled else "none")
    for key in _small():
        _agree(client, f"S-{key}", key, "2026-01-01", {"messages": "100"})


def _agree(
    client: Client,
    number: str,
    account: str,
    start: str,
    lines: dict[str, str | None],
    **terms: Any,
) -> None:
    client.put(
        f"/contracts/{number}",
        account=account,
        start_date=start,
        lines=[
            {"code": meter, "meter": meter, "price": _PRICE}
            | ({} if quantity is None else {"allotment": {"quantity": quantity}})
            for meter, quantity in lines.items()
        ],
        **terms,
    )


def _small() -> list[str]:
    return [f"small-{i:02}" for i in range(SMALL)]


def _events() -> Iterator[dict[str, Any]]:
    daily = {"acme": 7, "acme-north": 30, "acme-south": 13, "bolt": 25, "dune": 4}
    for account, quantity in daily.items():
        for day in _DAYS:
            yield _event(account, day, "message", n=quantity + day.day % 3, channel="sms",
                         country="US", contact=f"p{day.day % 9}")  # fmt: skip
    for day in _DAYS:
        yield _event("bolt", day, "call", min="3.25")
    for day in _DAYS[-2:]:
        yield _event("calm", day, "message", n=40, channel="mail")
    yield _event("dune", _DAYS[5], "stored", held=70)
    for i in range(BUSY_EVENTS):
        yield _event("acme-north", date.fromisoformat(BUSY_DAY), "message", i, n=1, channel="mail",
                     contact=f"q{i}")  # fmt: skip


def _event(account: str, day: date, type: str, number: int = -1, **data: Any) -> dict[str, Any]:
    minute = max(number, 0) % 60
    return event(
        f"{account}-{type}-{day}-{number}",
        type=type,
        subject=account,
        time=f"{day}T{16 + max(number, 0) // 60}:{minute:02}:00Z",
        data=data,
    )
