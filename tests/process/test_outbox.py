"""Several processes on one outbox, killed while they send: nothing is missing, and a copy comes
only from a process that died between the server's yes and its note of it, under the same
Message-ID.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests import postgres
from tests.outlets.peers import Mailbox, post_office
from tests.serving import Server
from tests.stories.alerting import MONDAY, Desk

pytestmark = [pytest.mark.process, pytest.mark.postgres]

SERVERS = 4
RECIPIENTS = 20
RUNS_A_KILL = 4
DONE_SECONDS = 60
#: How long the mail server thinks once it has a mail: the moment in which a kill leads to a copy.
THINKS_SECONDS = 0.01


@contextmanager
def offices(folder: Path, url: str, mail_port: int) -> Iterator[list[Server]]:
    """Run servers on one database, each with a folder of its own as on another machine."""
    settings = {
        "TALLYBOOK_DATABASE_URL": url,
        "TALLYBOOK_SMTP_URL": f"smtp://127.0.0.1:{mail_port}",
        "TALLYBOOK_MAIL_FROM": "billing@vendor.example",
    }
    first = Server(folder / "0", options=["--test-clock"], settings=settings)
    made = [first, *(first.beside(folder / str(i)) for i in range(1, SERVERS))]
    with ExitStack() as stack:
        for server in made:
            stack.callback(server.kill)
            started(server)
        yield made


def started(server: Server) -> None:
    """Start a server whose clock stands where that of the others does."""
    server.start()
    assert server.call("PUT", "/test-clock", {"now": MONDAY}).status == 200


def tick(server: Server) -> None:
    with suppress(OSError):  # it was killed over it
        server.call("POST", "/tick", {})


def let_go(url: str, pid: int) -> None:
    """Let so much time pass that what a process held is anybody's."""
    with psycopg.connect(url) as connection:
        held = [f"%/{pid}/%"]
        connection.execute("UPDATE delivery SET held_until = 0 WHERE holder LIKE %s", held)


def decided(url: str) -> Counter[str]:
    """Return how many deliveries there are, by status."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT status, count(*) FROM delivery GROUP BY status")
        return Counter(dict(found.fetchall()))


def ids(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT id FROM delivery").fetchall()
    return {f"<{row[0]}@vendor.example>" for row in found}


def sending(url: str, servers: list[Server]) -> Server:
    """Return a server that is about to send something."""
    ends = time.monotonic() + DONE_SECONDS
    while time.monotonic() < ends:
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT holder FROM delivery WHERE holder <> ''").fetchall()
        pids = {holder.split("/")[1] for (holder,) in found}
        for server in servers:
            if str(server.pid) in pids:
                return server
    raise AssertionError("nobody sends")


def survive(folder: Path, kills: int, seed: int) -> None:
    """Have servers send while one after the other is killed."""
    url, moments = postgres.database(folder), random.Random(seed)
    office = Mailbox(thinks_seconds=THINKS_SECONDS)
    with (
        post_office(office),
        offices(folder, url, office.port) as servers,
        ThreadPoolExecutor(SERVERS) as pool,
    ):
        to = {"to": [f"p{i}@example.com" for i in range(RECIPIENTS)]}
        asked = Desk(servers[0]).subscribed(recipients=to, split_by="recipient")
        path = f"/subscriptions/{asked['id']}/runs"
        for kill in range(kills):
            asker = servers[(kill + 1) % SERVERS]
            for _ in range(RUNS_A_KILL):
                assert asker.call("POST", path, kind="full").status < 300
            ticks = [pool.submit(tick, server) for server in servers]
            victim = sending(url, servers)
            time.sleep(moments.uniform(0, 0.3))
            pid = victim.pid
            victim.kill()
            let_go(url, pid)
            started(victim)
            for one in ticks:
                one.result()
        ends = time.monotonic() + DONE_SECONDS
        while decided(url).keys() != {"sent"}:
            assert time.monotonic() < ends, decided(url)
            list(pool.map(tick, servers))
    check(office, ids(url), kills)


def check(office: Mailbox, expected: set[str], kills: int) -> None:
    came = Counter(office.ids)
    assert len(expected) == kills * RUNS_A_KILL * RECIPIENTS
    assert set(came) == expected, "a mail is missing, or was sent under two Message-IDs"
    copies = came.total() - len(expected)
    print(f"{len(expected)} mails, {kills} kills, {copies} copies")  # noqa: T201 - what was measured
    assert copies <= kills


@pytest.mark.thorough
@pytest.mark.timeout(180)
def test_five_kills_of_four_senders_lose_nothing(tmp_path: Path) -> None:
    survive(tmp_path, 5, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_fifty_kills_of_four_senders_lose_nothing(tmp_path: Path) -> None:
    seed = time.time_ns()
    print(f"seed {seed}")  # noqa: T201 - a failure is repeated with it
    survive(tmp_path, 50, seed)
