"""A full disk: nothing is acknowledged that is not stored, reads go on, and ingest returns by
itself when there is space again. The log of the process is on the full disk, too.

As root on Linux the disk is a small one in memory, mounted for the test; elsewhere the process may
write no larger files, which takes the space but cannot give it back.
"""

import json
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.errors import Unavailable
from tallybook.model.packed import Batch
from tallybook.model.scope import operator
from tallybook.stores.duckdb.store import DuckEvents
from tests.facts import Happened, batches
from tests.serving import Answer, Server, event

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

#: Most of the disk is given back: what the ledger has taken when it is full has to fit in the
#: events file, too, twice over while that is written, however far the loader was behind.
DISK = "192m"
BALLAST = 152 << 20
SPAN: dict[str, Any] = {"from": "2026-03-01", "to": "2026-04-01"}
NOISE = os.urandom(1 << 15).hex()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path | None]:
    """A small disk, or None where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def send(server: Server, number: int) -> Answer:
    """Send one event that no compression makes small."""
    noise = NOISE[number % 999 : number % 999 + 40_000]
    return server.call("POST", "/events", [event(f"e{number}", data={"n": 1, "noise": noise})])


def define(server: Server) -> None:
    server.put("/accounts/acme")
    server.put("/meters/uses", event_type="use", aggregation="count")


def counted(server: Server) -> int:
    server.until_visible()
    return int(server.usage("uses", account="acme", **SPAN)["rows"][0]["value"])


def until_refused(server: Server) -> int:
    """Send until an event is refused; return how many were acknowledged."""
    for number in range(5000):
        answer = send(server, number)
        if answer.status != 200:
            assert (answer.status, answer.json["code"]) == (503, "ledger_unwritable")
            assert int(answer.headers["retry-after"]) > 0
            return number
        assert answer.json["accepted"] == 1
    raise AssertionError("the disk never filled")


def test_a_full_disk_acknowledges_nothing_and_mends_itself(
    disk: Path | None, tmp_path: Path
) -> None:
    if disk is None:
        print("no disk can be mounted here: limited by the size of a file")  # noqa: T201 - the printed reason
        limited(tmp_path)
        return
    print(f"a disk of {DISK} in memory")  # noqa: T201 - the printed reason
    ballast = disk / "ballast"
    with Server(disk / "data") as server:
        define(server)
        ballast.write_bytes(bytes(BALLAST))
        acknowledged = until_refused(server)
        for number in range(acknowledged, acknowledged + 3):
            assert send(server, number).status == 503
        assert server.call("GET", "/accounts/acme").status == 200
        assert server.call("GET", "/usage", meter="uses", account="acme", **SPAN).status == 200
        ballast.unlink()
        assert sent_again(server, acknowledged, seconds=30)
        assert counted(server) == acknowledged + 1
        server.kill()
        server.start()
        assert counted(server) == acknowledged + 1


def test_events_are_loaded_after_a_full_disk_without_a_restart(disk: Path | None) -> None:
    """What could not be loaded is loaded once there is space, by the same store; where DuckDB takes
    the refusal for a fault it opens the file anew first, which depends on where it was met.
    """
    if disk is None:
        print("no disk can be mounted here")  # noqa: T201 - the printed reason
        return
    ballast = disk / "ballast"
    store = DuckEvents(disk / "events.duckdb")
    ballast.write_bytes(bytes(BALLAST))
    when = datetime(2026, 3, 1, tzinfo=UTC)
    noisy = [Happened("a", when, json.dumps({"n": NOISE[i:][:40_000]})) for i in range(40)]
    parts = batches(noisy * 40, [1] * 1_600)
    loaded = load_until_refused(store, parts)
    ballast.unlink()
    store.load(operator(), parts[loaded:])
    assert store.types(operator()) == {"use": len(noisy) * 40}
    store.close()


def load_until_refused(store: DuckEvents, parts: list[Batch]) -> int:
    """Return how many batches were loaded before the disk was full."""
    for number, part in enumerate(parts):
        try:
            store.load(operator(), [part])
        except Unavailable as refusal:
            if refusal.code != "events_unavailable":
                raise
            return number
    raise AssertionError("the disk never filled")


def limited(folder: Path) -> None:
    """The same without a way to give space back, so only refusal, reading and a restart."""
    size = 6 << 20
    server = Server(folder / "data")
    server.start(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    with server:
        define(server)
        acknowledged = until_refused(server)
        assert server.call("GET", "/accounts/acme").status == 200
        server.kill()
        server.start()
        assert sent_again(server, acknowledged, seconds=10)
        assert counted(server) == acknowledged + 1


def sent_again(server: Server, number: int, seconds: float) -> bool:
    """Send an event until it is acknowledged, as a sender does."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if send(server, number).status == 200:
            return True
        time.sleep(0.2)
    return False
