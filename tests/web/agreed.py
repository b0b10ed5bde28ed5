"""A small installation whose contracts use all that can be agreed, for the tests of their pages:
the real application on a loopback port at a fixed business day, and people of several roles.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from tallybook import app
from tallybook.settings import Settings
from tests.serving import Client, event

NOW: Final = "2026-11-22T15:00:00Z"
ADMIN: Final = "ada.admin@example.com"
PASSWORD: Final = "correct horse battery staple"
BROWSER: Final = {"accept": "text/html"}
#: People by role, each with an address `ROLE@example.com`.
ROLES: Final = {"finance": None, "csm": None, "analyst": None, "customer_admin": "acme"}
RICH: Final = "MSA-7"
_DAYS: Final = [date(2026, 10, 1) + timedelta(days=i) for i in range(52)]  # until 21 November

_METERS: Final[dict[str, dict[str, Any]]] = {
    "messages": {"name": "Messaging", "unit": "messages", "event_type": "message",
                 "aggregation": "sum", "property": "n"},
    "minutes": {"name": "Voice", "unit": "minutes", "event_type": "call", "aggregation": "sum",
                "property": "min"},
    "copies-a": {"name": "Copies A", "unit": "copies", "event_type": "copy.a",
                 "aggregation": "sum", "property": "n"},
    "copies-b": {"name": "Copies B", "unit": "copies", "event_type": "copy.b",
                 "aggregation": "sum", "property": "n"},
}  # fmt: skip
_MESSAGES: Final = {
    "code": "messages", "name": "Outbound messages", "product": "Messaging", "meter": "messages",
    "allotment": {"quantity": "1000"},
    "price": {"model": "per_unit", "unit_amount": "0.0125"},
}  # fmt: skip
_RICH: Final[dict[str, Any]] = {
    "account": "acme", "name": "Master agreement 2026", "type": "Enterprise", "currency": "USD",
    "start_date": "2026-01-01", "end_date": "2026-12-31", "branch": "West",
    "sales_rep": {"name": "Omar Haddad", "email": "omar@example.com"},
    "renewal": {"policy": "ask"},
    "lines": [
        _MESSAGES,
        {"code": "minutes", "product": "Voice", "meter": "minutes",
         "price": {"model": "per_unit", "unit_amount": "0.05"}, "minimum_amount": "10"},
        {"code": "seats", "product": "Seats", "quantity": "25",
         "price": {"model": "per_unit", "unit_amount": "12"}, "discount_percent": "10"},
    ],
    "meter_groups": [
        {"name": "copies", "meters": ["copies-a", "copies-b"], "covered_quantity": "3000",
         "overage_rate": "0.016", "cycle_unit": "month", "cycle_length": 3},
    ],
    "base_charges": [
        {"name": "platform", "amount": "1500", "timing": "advance"},
        {"name": "support", "amount": "2400", "cycle_unit": "year", "timing": "advance"},
    ],
    "commitments": [{"name": "minimum", "amount": "2000"}],
    "credits": [{"name": "welcome", "amount": "300", "valid_to": "2026-12-31"}],
    "discounts": [{"name": "partner", "percent": "5", "lines": ["messages", "minutes"]}],
    "phases": [
        {"name": "Ramp", "start_date": "2026-01-01", "end_date": "2026-03-31",
         "base_charges": [{"name": "platform", "amount": "500", "timing": "advance"}]},
        {"name": "Full", "start_date": "2026-04-01", "end_date": "2026-12-31"},
    ],
    "attributes": {"crm": "0061x", "tags": ["gold"]},
}  # fmt: skip
_OTHERS: Final[dict[str, dict[str, Any]]] = {
    "EU-1": {"account": "nord", "currency": "EUR", "start_date": "2026-03-01", "type": "Growth",
             "base_charges": [{"name": "fee", "amount": "600", "cycle_unit": "month",
                               "cycle_length": 3}],
             "lines": [_MESSAGES]},
    "EU-2": {"account": "nord", "status": "draft", "currency": "EUR", "start_date": "2027-01-01"},
    "OLD-1": {"account": "acme", "start_date": "2024-01-01", "end_date": "2025-12-31"},
    "NEW-1": {"account": "acme", "start_date": "2027-01-01",
              "base_charges": [{"name": "fee", "amount": "99"}]},
}  # fmt: skip


@dataclass(frozen=True)
class Agreed:
    """Where the installation answers."""

    url: str
    client: Client
    passwords: dict[str, str]

    @contextmanager
    def browser(self, role: str = "admin") -> Iterator[httpx2.Client]:
        """Yield a browser without scripts, signed in with a role."""
        email = ADMIN if role == "admin" else f"{role}@example.com"
        with httpx2.Client(base_url=self.url, headers=BROWSER, timeout=30) as made:
            answer = made.post("/sign-in", data={"email": email, "password": self.passwords[role]})
            assert answer.status_code == 303, answer.text
            yield made


@contextmanager
def agreed(folder: Path, *, empty: bool = False) -> Iterator[Agreed]:
    """Serve the installation while the block runs; an empty one is as `init` leaves it."""
    settings = Settings(data=folder / "data", test_clock=True)
    made = app.initialise(settings, ADMIN)
    with app.running(settings) as address:
        client = Client(urlsplit(address.url).port or 0, str(made["api_key"]))
        client.call("PUT", "/test-clock", {"now": NOW})
        passwords = {"admin": str(made["admin_password"]), **dict.fromkeys(ROLES, PASSWORD)}
        if not empty:
            _define(client)
            receipt = client.send(list(_events()))
            assert not receipt["rejected"], receipt["results"][:1]
        client.until_visible()
        client.call("PUT", "/test-clock", {"now": NOW})  # does all that is due
        yield Agreed(address.url, client, passwords)


def _define(client: Client) -> None:
    client.put("/accounts/acme", name="Acme Group", timezone="America/Chicago", branch="West",
               csm={"name": "Nadia Berg", "email": "nadia@example.com"})  # fmt: skip
    client.put("/accounts/nord", name="Nord & Söhne", timezone="Europe/Berlin", branch="EMEA",
               currency="EUR", csm={"name": "Jonas Weber"})  # fmt: skip
    for key, meter in _METERS.items():
        client.put(f"/meters/{key}", **meter)
    for number, document in {RICH: _RICH, **_OTHERS}.items():
        client.put(f"/contracts/{number}", **document)
    for role, account in ROLES.items():
        bound = {"account": account} if account else {}
        client.put(f"/users/{role}@example.com", role=role, password=PASSWORD, **bound)


def _events() -> Iterator[dict[str, Any]]:
    for day in _DAYS:
        for kind, data in (
            ("message", {"n": 41 + day.day % 5}),
            ("call", {"min": "7.5"}),
            ("copy.a", {"n": 30}),
            ("copy.b", {"n": 12}),
        ):
            yield event(f"{kind}-{day}", type=kind, subject="acme", time=f"{day}T17:00:00Z",
                        data=data)  # fmt: skip
