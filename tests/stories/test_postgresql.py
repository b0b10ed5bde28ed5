"""An installation on PostgreSQL, by one setting: what a customer sees is what SQLite shows, over a
restart, and from each of several servers on one database.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.model.errors import Conflict, Unavailable
from tallybook.settings import Settings
from tallybook.web.listening import Address
from tests import postgres
from tests.documented import Documented
from tests.serving import Client, event

pytestmark = [pytest.mark.postgres, pytest.mark.thorough]

SPAN = {"from": "2026-03-01", "to": "2026-04-01"}
EMAIL = "admin@example.com"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settle on a database that has just been made and holds nothing."""
    return at(tmp_path / "data", postgres.database(tmp_path))


def at(folder: Path, url: str) -> Settings:
    return Settings.model_validate({"data": folder, "database_url": url})


@pytest.fixture
def key(settings: Settings) -> str:
    return str(app.initialise(settings, EMAIL)["api_key"])


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Settings:
    """Settle on the same database, with the folder of another machine."""
    assert settings.database_url is not None
    return at(tmp_path / "other", settings.database_url.get_secret_value())


def client(address: Address, key: str) -> Client:
    return Documented(urlsplit(address.url).port or 0, key)


@pytest.fixture
def server(settings: Settings, key: str) -> Iterator[Client]:
    with app.running(settings) as address:
        found = client(address, key)
        define(found)
        yield found


def define(server: Client) -> None:
    server.put("/accounts/acme", name="Acme", timezone="Europe/Berlin")
    server.put("/meters/total", event_type="use", aggregation="sum", property="n")
    line = {
        "code": "total",
        "meter": "total",
        "allotment": {"quantity": "100"},
        "price": {"model": "per_unit", "unit_amount": "0.01"},
    }
    server.put("/contracts/C-1", account="acme", start_date="2026-01-01", lines=[line])


def used(server: Client) -> str:
    return str(server.usage("total", account="acme", **SPAN)["rows"][0]["value"])


def until(found: Callable[[], object], wanted: object) -> None:
    ends = time.monotonic() + 20
    while found() != wanted:
        assert time.monotonic() < ends, f"{found()} is not {wanted}"
        time.sleep(0.05)


def test_what_was_sent_is_counted_once_also_after_a_restart(settings: Settings, key: str) -> None:
    events = [event(f"e{i}", data={"n": i}) for i in range(10)]
    with app.running(settings) as address:
        server = client(address, key)
        define(server)
        assert server.send(events)["accepted"] == 10
        server.until_visible()
        assert used(server) == "45"
        before = server.usage("total", account="acme", **SPAN)
    with pytest.raises(Conflict):
        app.initialise(settings, EMAIL)
    with app.running(settings) as address:
        server = client(address, key)
        again = server.send([*events, event("e0", data={"n": 7}), event("new", data={"n": 5})])
        assert [again[name] for name in ("accepted", "duplicate", "conflict")] == [1, 10, 1]
        server.until_visible()
        assert used(server) == "50"
        mark = before["known_at"]
        assert server.usage("total", account="acme", known_at=mark, **SPAN) == before
    assert sorted(p.name.partition(".")[0] for p in settings.data.iterdir()) == ["events", "lock"]


def test_servers_on_one_database_share_what_they_know(
    server: Client, other: Settings, key: str
) -> None:
    with app.running(other) as address:
        second = client(address, key)
        assert server.send([event("e1", data={"n": 1})])["accepted"] == 1
        receipt = second.send([event("e1", data={"n": 1}), event("e2", data={"n": 2})])
        assert (receipt["accepted"], receipt["duplicate"]) == (1, 1)
        until(lambda: used(server), "3")
        until(lambda: used(second), "3")
        second.put("/accounts/acme", name="Acme Ltd")
        assert server.call("GET", "/accounts/acme").json["name"] == "Acme Ltd"
        today = event("today", data={"n": 4}, time=datetime.now(UTC).isoformat())
        assert second.send([today])["accepted"] == 1
        until(lambda: standing(server), "4")
        until(lambda: standing(second), "4")


def standing(server: Client) -> str:
    found = server.call("GET", "/positions").json["items"]
    return str(found[0]["used"]) if found else "none yet"


def test_a_key_revoked_at_one_server_opens_no_other(server: Client, other: Settings) -> None:
    made = server.call("POST", "/keys", {"name": "k", "role": "admin"}).json
    with app.running(other) as address:
        second = client(address, made["secret"])
        assert second.call("GET", "/accounts/acme").status == 200
        assert server.call("DELETE", f"/keys/{made['id']}").status in {200, 204}
        assert second.call("GET", "/accounts/acme").status == 401


def test_a_database_that_holds_nothing_or_is_not_there_is_said(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable) as refusal, app.reach(settings):
        pass
    assert refusal.value.code == "not_initialised"
    nowhere = at(tmp_path / "data", "postgresql://u:secret@127.0.0.1:1/d")
    with pytest.raises(Unavailable) as refusal:
        app.initialise(nowhere, EMAIL)
    assert "secret" not in refusal.value.detail
