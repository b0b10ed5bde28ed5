"""An installation with its events on ClickHouse, by one setting: what a customer sees is what
DuckDB shows, over a restart and a rebuild, and from each of several servers.
"""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallybook import app
from tallybook.model.errors import Unavailable
from tallybook.model.scope import operator
from tallybook.settings import Settings
from tallybook.stores.clickhouse.address import address as place
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.ledger.store import SqlLedger
from tests import chdb, postgres
from tests.serving import event
from tests.stories.test_postgresql import (
    EMAIL,
    SPAN,
    client,
    define,
    standing,
    until,
    used,
)

pytestmark = pytest.mark.thorough

EVENTS = [event(f"e{i}", data={"n": i}) for i in range(10)]


def at(folder: Path, url: str, database_url: str | None = None) -> Settings:
    named = {"data": folder, "events_url": url, "database_url": database_url}
    return Settings.model_validate(named)


@pytest.fixture
def url() -> str:
    """Return the address of an empty database."""
    place = chdb.in_process()
    return f"chdb://{place.folder}?database={place.database}"


@pytest.fixture
def settings(tmp_path: Path, url: str) -> Settings:
    return at(tmp_path / "data", url)


@pytest.fixture
def key(settings: Settings) -> str:
    return str(app.initialise(settings, EMAIL)["api_key"])


def test_what_was_sent_is_counted_once_also_after_a_restart_and_a_rebuild(
    settings: Settings, key: str
) -> None:
    with app.running(settings) as address:
        server = client(address, key)
        define(server)
        assert server.send(EVENTS)["accepted"] == 10
        server.until_visible()
        before = server.usage("total", account="acme", **SPAN)
        assert before["rows"][0]["value"] == "45"
        void = {"source": "/test", "id": "e9", "reason": "sent by mistake"}
        assert server.call("POST", "/events/void", void).json["accepted"] == 1
        until(lambda: used(server), "36")
    with app.rebuilding(settings) as (count, steps):
        assert (count, [*steps][-1]) == (11, 11)
    with app.running(settings) as address:
        server = client(address, key)
        assert server.send(EVENTS)["duplicate"] == 10
        assert used(server) == "36"
        mark = before["known_at"]
        assert server.usage("total", account="acme", known_at=mark, **SPAN) == before
    assert not [p for p in settings.data.iterdir() if p.name.startswith("events")]


def test_the_events_of_another_ledger_are_left_alone_until_they_are_asked_to_go(
    settings: Settings, key: str, url: str, tmp_path: Path
) -> None:
    with app.running(settings) as address:
        server = client(address, key)
        define(server)
        server.send(EVENTS)
        server.until_visible()
    stranger = at(tmp_path / "other", url)
    with pytest.raises(Unavailable) as refused:
        app.initialise(stranger, EMAIL)
    assert refused.value.code == "events_of_another_ledger"
    with app.running(settings) as address:
        assert used(client(address, key)) == "45"
    with app.rebuilding(at(tmp_path / "other", url)):
        pass
    with pytest.raises(Unavailable), app.running(settings):
        pass


def test_events_that_are_not_in_the_ledger_are_refused(settings: Settings, key: str) -> None:
    with app.running(settings) as address:
        server = client(address, key)
        server.send(EVENTS)
        server.until_visible()
    kept = {p.name: p.read_bytes() for p in settings.data.glob("ledger*")}
    with app.running(settings) as address:
        server = client(address, key)
        server.send([event("late")])
        server.until_visible()
    for path in settings.data.glob("ledger*"):
        path.unlink()
    for name, content in kept.items():
        (settings.data / name).write_bytes(content)
    with pytest.raises(Unavailable) as refused, app.running(settings):
        pass
    assert refused.value.code == "events_ahead"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("clickhouse://u:secret@127.0.0.1:9/db", "events_unavailable"),
        ("mysql://u:secret@127.0.0.1:9/db", "events_url_invalid"),
    ],
)
def test_a_wrong_address_or_a_server_that_is_not_there_is_said_at_once(
    tmp_path: Path, url: str, code: str
) -> None:
    with pytest.raises(Unavailable) as refused:
        app.initialise(at(tmp_path / "data", url), EMAIL)
    assert refused.value.code == code
    assert "secret" not in refused.value.detail


@pytest.mark.postgres
def test_servers_that_share_both_databases_count_once_and_show_the_same(
    tmp_path: Path, url: str
) -> None:
    database = postgres.database(tmp_path)
    first, second = (at(tmp_path / name, url, database) for name in "ab")
    key = str(app.initialise(first, EMAIL)["api_key"])
    with app.running(first) as one, app.running(second) as two:
        servers = [client(address, key) for address in (one, two)]
        define(servers[0])
        for i, sent in enumerate(EVENTS):
            assert servers[i % 2].send([sent])["accepted"] == 1
        for server in servers:
            server.until_visible()
        assert [used(server) for server in servers] == ["45", "45"]
        today = event("today", data={"n": 4}, time=datetime.now(UTC).isoformat())
        assert servers[1].send([today])["accepted"] == 1
        until(lambda: [standing(server) for server in servers], ["4", "4"])


@pytest.mark.postgres
def test_events_that_servers_share_are_not_emptied_while_one_runs(tmp_path: Path, url: str) -> None:
    database = postgres.database(tmp_path)
    first, second = (at(tmp_path / name, url, database) for name in "ab")
    key = str(app.initialise(first, EMAIL)["api_key"])
    with app.running(first) as address:
        server = client(address, key)
        define(server)
        server.send(EVENTS)
        server.until_visible()
        with pytest.raises(Unavailable) as refused, app.rebuilding(second):
            pass
        assert refused.value.code == "events_in_use"
        assert used(server) == "45"
    with app.rebuilding(second) as (_, steps), app.running(first) as address:
        server = client(address, key)
        server.send([event("late", data={"n": 5})])  # kept for whoever loads
        assert server.metric("tallybook_backlog_events") == 11
        assert [*steps][-1] == 11
        until(lambda: used(server), "50")


@pytest.mark.postgres
def test_the_goal_of_a_move_that_has_not_ended_keeps_its_events(tmp_path: Path, url: str) -> None:
    folder, goal = at(tmp_path / "data", url), tmp_path / "goal"
    key = str(app.initialise(folder, EMAIL)["api_key"])
    with app.running(folder) as address:
        server = client(address, key)
        server.send(EVENTS)
        server.until_visible()
    with postgres.passing("unmoved") as database:
        with app.moving(at(folder.data, url, database)) as moving:
            assert [*next(moving.stages()).steps]  # those of Books
        for start in (app.rebuilding, app.running):
            with pytest.raises(Unavailable) as refused, start(at(goal, url, database)):
                pass
            assert refused.value.code == "move_unfinished"
    with SqlLedger(folder.data) as ledger, closing(ClickEvents(place(url), ledger.epoch)) as events:
        assert events.position(operator()) == len(EVENTS)
