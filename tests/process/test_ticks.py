"""Several `serve` processes on one PostgreSQL database: whatever `tick` decides is decided once, by
whichever of them, also after the one that did it is killed.
"""

import os
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tallybook.model.limits import LEASE_SECONDS
from tests import postgres
from tests.serving import Server, event

pytestmark = [pytest.mark.process, pytest.mark.postgres]

SERVERS = 4
ROUNDS = 4
NOON = "2026-03-10T12:00:00Z"
WAIT_SECONDS = 30
EVENTS_MAX = 500
HOUR = 3_600


@pytest.fixture
def url(tmp_path: Path) -> str:
    return postgres.database(tmp_path)


@pytest.fixture
def servers(tmp_path: Path, url: str) -> Iterator[list[Server]]:
    """Start servers on one database, each with a folder of its own as on another machine."""
    settings = {"TALLYBOOK_DATABASE_URL": url}
    first = Server(tmp_path / "0", options=["--test-clock"], settings=settings)
    made = [first, *(first.beside(tmp_path / str(i)) for i in range(1, SERVERS))]
    with ExitStack() as stack, ThreadPoolExecutor(SERVERS) as pool:
        for server in made:
            stack.callback(server.kill)
        list(pool.map(lambda server: server.start(), made))
        yield made


def decided(url: str) -> tuple[int, int]:
    """Return how often the snapshot was written, and how many holders its lease has had."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT version, fence FROM line_state, lease WHERE name = 'refresh'"
        ).fetchone()
    assert found is not None
    return found


def let_pass(url: str, seconds: int) -> None:
    """Let so much time pass for the leases."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE lease SET until = until - %s", [seconds * 1_000_000])


def last_long(url: str) -> None:
    """Have the leases last for as long as we look, which is as long as a lease may."""
    with psycopg.connect(url) as connection:
        now = "extract(epoch FROM clock_timestamp())::bigint"
        connection.execute(f"UPDATE lease SET until = ({now} + {LEASE_SECONDS}) * 1000000".encode())


def tick(servers: list[Server]) -> None:
    """Have each of them do all that is due, all at the same time."""
    with ThreadPoolExecutor(SERVERS) as pool:
        answers = [*pool.map(lambda server: server.call("POST", "/tick", {}), servers)]
    assert [answer.status for answer in answers] == [200] * len(servers)


def listed(server: Server) -> str:
    return str(server.call("GET", "/positions").json["items"][0]["used"])


def test_four_schedulers_decide_each_thing_once(servers: list[Server], url: str) -> None:
    define(servers[0])
    for server in servers:
        stand_still(server)
    tick(servers)
    version, fence = decided(url)
    for i in range(ROUNDS):
        assert servers[i].send([event(f"e{i}")])["accepted"] == 1
        tick(servers)
        assert {listed(server) for server in servers} == {str(i + 1)}
    assert decided(url) == (version + ROUNDS, fence)
    holder = keeper(url, servers)
    last_long(url)
    holder.kill()
    others = [server for server in servers if server is not holder]
    others[0].send([event("more")])
    tick(others)
    assert {listed(server) for server in others} == {str(ROUNDS)}
    let_pass(url, 2 * HOUR)
    until_listed(others, ROUNDS + 1)
    assert decided(url) == (version + ROUNDS + 1, fence + 1)
    paused = keeper(url, others)
    os.kill(paused.pid, signal.SIGSTOP)
    rest = [server for server in others if server is not paused]
    rest[0].send([event("while one is paused")])
    for server in rest:
        server.until_visible()
    let_pass(url, 2 * HOUR)
    until_listed(rest, ROUNDS + 2)
    os.kill(paused.pid, signal.SIGCONT)  # it does not know that its lease was taken over
    paused.until_visible()
    assert rest[0].send([event("after that")])["accepted"] == 1
    tick(others)
    assert {listed(server) for server in others} == {str(ROUNDS + 3)}
    assert decided(url) == (version + ROUNDS + 3, fence + 2)


def test_four_schedulers_make_a_page_once(servers: list[Server]) -> None:
    define(servers[0])
    address = "ann@example.com"
    servers[0].put(f"/users/{address}", role="analyst")
    stand_still(servers[0])
    schedule = {"preset": "daily"}
    body = {"page": "/volume", "recipients": [address], "schedule": schedule}
    made = servers[0].call("POST", "/report-schedules", body).json
    for day in (11, 12, 13):
        now = {"now": f"2026-03-{day}T07:00:00Z"}
        with ThreadPoolExecutor(SERVERS) as pool:
            answers = [*pool.map(lambda s, n=now: s.call("PUT", "/test-clock", n).status, servers)]
        assert answers == [200] * SERVERS
    listed = servers[0].call("GET", "/deliveries").json["items"]
    assert [one["recipients"] for one in listed] == [[address]] * 3
    runs = servers[0].call("GET", f"/report-schedules/{made['id']}/runs").json["items"]
    assert [run["due_at"][8:10] for run in runs] == ["13", "12", "11"]


def test_a_server_that_fails_at_a_job_leaves_it_to_another(tmp_path: Path, url: str) -> None:
    settings = {"TALLYBOOK_DATABASE_URL": url}
    failing = Server(tmp_path / "failing", options=["--test-clock"], settings=settings)
    size = 1 << 20  # what its copy of the events may grow to
    failing.start(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    with failing:
        stand_still(failing)
        define(failing)
        sent = 0
        while "load: " not in failing.ask("GET", "/readyz").body.decode():
            assert sent < EVENTS_MAX
            data = {"n": 1, "noise": os.urandom(30_000).hex()}
            sent += int(failing.send([event(f"e{sent}", data=data)])["accepted"])
        with failing.beside(tmp_path / "other") as other:
            stand_still(other)
            until_listed([other, failing], sent)


def define(server: Server) -> None:
    server.put("/accounts/acme", name="Acme")
    server.put("/meters/total", event_type="use", aggregation="sum", property="n")
    server.put("/contracts/C-1", account="acme", start_date="2026-01-01", lines=[LINE])


def stand_still(server: Server) -> None:
    """Set its clock, so that no local day ends meanwhile."""
    assert server.call("PUT", "/test-clock", {"now": NOON}).status == 200


def until_listed(servers: list[Server], used: int) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while {listed(server) for server in servers} != {str(used)}:
        assert time.monotonic() < ends
        time.sleep(0.05)


LINE = {"code": "total", "meter": "total", "price": {"model": "per_unit", "unit_amount": "0.01"}}


def keeper(url: str, servers: list[Server]) -> Server:
    """Return the server that keeps the snapshot: a lease names its process."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT holder FROM lease WHERE name = 'refresh'").fetchone()
    assert found is not None
    pid = found[0].split("/")[1]
    return next(server for server in servers if str(server.pid) == pid)
