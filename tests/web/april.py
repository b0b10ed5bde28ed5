"""A small portfolio on 15 April 2026 for the tests of the volume page: a tree of two currencies,
branches and CSMs, a line in every state, and the worked example of a forecast: 30,000 leads are
allotted and 18,400 used by the 14th, lately 1,200 a day.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import pytest

from tallybook import app
from tallybook.operations import identify
from tallybook.settings import Settings
from tests.serving import Client, event

NOW: Final = "2026-04-15T10:00:00Z"
ADMIN: Final = "ada.admin@example.com"
_PASSWORD: Final = "correct horse battery staple"
_BROWSER: Final = {"accept": "text/html"}
#: People beside the administrator: role and account by the first part of their address.
_PEOPLE: Final = {
    "analyst": ("analyst", None),
    "group": ("customer_admin", "group"),
    "lone": ("customer_viewer", "lone"),
    "new": ("customer_admin", "new"),
}
_NADIA: Final = {"name": "Nadia Berg", "email": "nadia@example.com"}
_OMAR: Final = {"name": "Omar Haddad", "email": "omar@example.com"}
_ACCOUNTS: Final[dict[str, dict[str, Any]]] = {
    "leadco": {"name": "Leadco", "branch": "West", "csm": _NADIA},
    "group": {"name": "Group", "branch": "North", "csm": _OMAR},
    "group-eu": {"name": "Group Europe", "parent": "group", "currency": "EUR", "branch": "North",
                 "csm": _OMAR},
    "group-us": {"name": "Group America", "parent": "group", "branch": "West", "csm": _OMAR},
    "twin-a": {"name": "Twin", "branch": "West", "csm": _NADIA},
    "twin-b": {"name": "Twin", "branch": "West", "csm": _NADIA},
    "lone": {"name": "Lone & Only"},
    "new": {"name": "Newcomer"},
}  # fmt: skip
_METERS: Final = {"leads": "leads", "calls": "minutes"}
#: Account, meter, allotment, and what is used on each day until the 14th.
_LINES: Final[tuple[tuple[str, str, str | None, str], ...]] = (
    ("group", "leads", "1000", "10"),  # ok
    ("group", "calls", None, "3.5"),  # no allotment
    ("group-eu", "leads", "14", "1"),  # at the limit
    ("group-eu", "calls", "100.333333333333", "6.25"),  # near, likely over
    ("group-us", "leads", "100", "9"),  # over
    ("twin-a", "leads", "5000", "1"),  # low use
    ("twin-b", "calls", "800", "30"),  # likely over, in the unit of what has no allotment
    ("lone", "leads", "500", "11"),
)
LINES: Final = len(_LINES) + 2


@dataclass(frozen=True)
class April:
    """Where the installation answers, and how to sign in."""

    url: str
    client: Client
    password: str

    @contextmanager
    def browser(self, who: str = "admin") -> Iterator[httpx2.Client]:
        """Yield a browser without scripts, signed in."""
        email, password = self.credentials(who)
        with httpx2.Client(base_url=self.url, headers=_BROWSER, timeout=30) as made:
            answer = made.post("/sign-in", data={"email": email, "password": password})
            assert answer.status_code == 303, answer.text
            yield made

    def credentials(self, who: str = "admin") -> tuple[str, str]:
        """Return an address and its password."""
        if who == "admin":
            return ADMIN, self.password
        return f"{who}@example.com", _PASSWORD

    def positions(self, **asked: Any) -> Any:
        """Ask the API for the same lines."""
        return self.client.call("GET", "/positions", limit=500, **asked).json


@contextmanager
def april(folder: Path) -> Iterator[April]:
    """Serve the portfolio while the block runs."""
    settings = Settings(data=folder / "data", test_clock=True)
    made = app.initialise(settings, ADMIN)
    roles = {"admin", *(role for role, _ in _PEOPLE.values())}
    with pytest.MonkeyPatch.context() as patch, app.running(settings) as address:
        patch.setattr(identify, "_MAY_SIGN_IN", roles, raising=False)  # pages are ready before all
        client = Client(urlsplit(address.url).port or 0, str(made["api_key"]))
        client.call("PUT", "/test-clock", {"now": NOW})
        _define(client)
        receipt = client.send(list(_events()))
        assert not receipt["rejected"], receipt["results"][:1]
        client.until_visible()
        client.call("PUT", "/test-clock", {"now": NOW})  # does all that is due
        yield April(address.url, client, str(made["admin_password"]))


def _define(client: Client) -> None:
    for key, unit in _METERS.items():
        client.put(f"/meters/{key}", name=key.title(), unit=unit, event_type=key[:-1],
                   aggregation="sum", property="n")  # fmt: skip
    for key, account in _ACCOUNTS.items():
        client.put(f"/accounts/{key}", **account)
    for owner, lines in _lines().items():
        client.put(f"/contracts/C-{owner}", account=owner, start_date="2026-01-01", lines=lines)
    young = [_line("leads", "1000")]
    client.put("/contracts/C-young", account="leadco", start_date="2026-04-13", lines=young)
    for name, (role, bound) in _PEOPLE.items():
        client.put(f"/users/{name}@example.com", role=role, account=bound, password=_PASSWORD)


def _lines() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"leadco": [_line("leads", "30000")]}
    for account, meter, allotment, _ in _LINES:
        found.setdefault(account, []).append(_line(meter, allotment))
    return found


def _line(meter: str, allotment: str | None) -> dict[str, Any]:
    line = {"code": meter, "meter": meter, "price": {"model": "per_unit", "unit_amount": "0.5"}}
    return line if allotment is None else {**line, "allotment": {"quantity": allotment}}


def _events() -> Iterator[dict[str, Any]]:
    for day in range(1, 15):
        quantity = 1_200 if day > 7 else 1_430 if day < 7 else 1_420
        yield _event("leadco", "leads", day, quantity)
        for account, meter, _, daily in _LINES:
            yield _event(account, meter, day, daily)


def _event(account: str, meter: str, day: int, quantity: Any) -> dict[str, Any]:
    return event(
        f"{account}-{meter}-{day}",
        type=meter[:-1],
        subject=account,
        time=f"2026-04-{day:02}T09:30:00Z",
        data={"n": quantity},
    )
