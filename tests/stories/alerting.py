"""A house whose contracts are watched, for the stories of subscriptions, runs and findings: one
contract whose base is too low for what it covers, one that is in line, and keys to ask with.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from tallybook import app
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import Answer, Client

D = TypeVar("D", bound="Desk")
RATIO = "contract.base_vs_coverage"
MONDAY = "2026-03-02T06:00:00Z"


class Desk(Documented):
    """The house, which tells what it has sent."""

    def __init__(self, client: Client) -> None:
        """Define the contracts, the users and their keys."""
        super().__init__(client.port, client.key)
        self.at(MONDAY)
        self.put("/meters/copies", event_type="copy", aggregation="count")
        nadia = {"name": "Nadia", "email": "nadia@example.com"}
        for account, parent in (("acme", None), ("acme-eu", "acme"), ("other", None)):
            self.put(f"/accounts/{account}", parent=parent, csm=nadia)
        self.agree("C-low", "30", branch="north")
        self.agree("C-fair", "48", account="other", branch="south")
        for name, role in (("fay", "finance"), ("nadia", "csm"), ("ann", "analyst")):
            self.put(f"/users/{name}@example.com", role=role)
        self.put("/users/cora@acme.example", role="customer_admin", account="acme")
        self.put("/users/otto@other.example", role="customer_admin", account="other")
        self.keys = {role: self.key_of(role) for role in ("finance", "csm", "analyst", "ingest")}
        self.keys["customer_admin"] = self.key_of("customer_admin", "acme")
        self.keys["customer_viewer"] = self.key_of("customer_viewer", "acme")
        self.keys["admin"] = self.key

    def agree(self, number: str, base: str, covered: str = "1000", **more: Any) -> Any:
        """Define a contract with a base a month, and what it covers at 0.048 each."""
        group = {
            "name": "copies",
            "meters": ["copies"],
            "covered_quantity": covered,
            "overage_rate": "0.048",
        }
        terms = {
            "account": "acme",
            "start_date": "2026-01-01",
            "valid_from": "2026-01-01",
            "base_charges": [{"name": "base", "amount": base}],
            "meter_groups": [group],
        }
        return self.put(f"/contracts/{number}", **{**terms, **more})

    def key_of(self, role: str, account: str | None = None) -> str:
        """Make a key of a role."""
        body = {"name": role, "role": role, "account": account}
        return str(self.call("POST", "/keys", body).json["secret"])

    def by(self, role: str, method: str, target: str, document: object = None) -> Answer:
        """Ask with a role's key."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        return self.call(method, target, document, headers=headers)

    def signed_in(self, email: str) -> dict[str, str]:
        """Sign somebody in, and return what their browser sends."""
        password = "a password for a test"
        self.put(f"/users/{email}", role="finance", password=password)
        form = urlencode({"email": email, "password": password}).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.ask("POST", "/sign-in", form, sent)
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

    def sent(self, method: str, target: str, document: object, headers: dict[str, str]) -> Answer:
        """Ask as who is signed in."""
        body = json.dumps(document).encode()
        kind = {"Content-Type": "application/json"}
        return self.ask(method, f"/api/v1{target}", body, headers | kind)

    def at(self, now: str) -> None:
        """Set the clock, which does all that is due."""
        assert self.call("PUT", "/test-clock", {"now": now}).status == 200

    def subscribed(self, role: str = "admin", **asked: Any) -> Any:
        """Subscribe to the ratio, every day at seven, for one address."""
        body = {
            "check": RATIO,
            "schedule": {"preset": "daily"},
            "recipients": {"to": ["fay@example.com"]},
            **asked,
        }
        answer = self.by(role, "POST", "/subscriptions", body)
        assert answer.status == 201, answer.body
        return answer.json

    def get(self, target: str, **parameters: Any) -> Any:
        """Ask as the administrator."""
        answer = self.call("GET", target, **parameters)
        assert answer.status == 200, answer.body
        return answer.json

    def mails(self) -> list[Any]:
        """Return what waits in the outbox, oldest first."""
        found: list[Any] = self.get("/deliveries", limit=500)["items"]
        return found[::-1]


@contextmanager
def watched(folder: Path, kind: type[D], **more: Any) -> Iterator[D]:
    """Serve the house while the block runs, with more settings."""
    home, made = _made()
    shutil.copytree(home.name, folder)
    with app.running(Settings(data=folder, test_clock=True, **more)) as address:
        desk = kind.__new__(kind)  # it is defined, and knows the OpenAPI document
        desk.__dict__ |= made.__dict__ | {"port": urlsplit(address.url).port}
        desk.at(MONDAY)
        yield desk


@cache
def _made() -> tuple[TemporaryDirectory[str], Desk]:
    """Return a house to be copied, and who asks it: making it takes longer than most stories."""
    home = TemporaryDirectory()
    settings = Settings(data=Path(home.name), test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        return home, Desk(Client(urlsplit(address.url).port or 0, key))
