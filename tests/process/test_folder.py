"""One folder, one owner: a second server is told so; one that dies or is told to end leaves the
folder as its successor needs it.
"""

import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.test_kills import Writer, check_exactly_once, made
from tests.serving import Server, event, tallybook

pytestmark = pytest.mark.process

REFUSED_SECONDS = 2
STOPPED_SECONDS = 10
UNAVAILABLE = 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with made(tmp_path / "data") as running:
        yield running


def test_a_second_server_is_refused_at_once_and_told_why(server: Server) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    second = tallybook("serve", "--data", server.folder, "--port", "0")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert second.code == UNAVAILABLE
    assert f"in use by process {server.pid}" in second.err
    assert "folder_in_use" in second.err
    assert "Traceback" not in second.err
    # Its own seconds: it waits for nothing, and what others do on the machine is not its fault.
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert own <= REFUSED_SECONDS
    assert server.call("GET", "/accounts").status == 200


def test_the_lock_of_a_killed_server_holds_nobody_up(server: Server) -> None:
    for _ in range(2):
        server.kill()
        assert (server.folder / "lock").exists()
        assert server.start() <= 10
    server.kill()
    # Its number may belong to another process by now, which says nothing about the folder.
    (server.folder / "lock").write_text(f"{os.getpid()}\n")
    server.start()
    assert server.send([event("after")])["accepted"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_to_and_loses_nothing_under_load(
    server: Server, number: signal.Signals
) -> None:
    writers = [Writer(server, i, seed=2) for i in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(1)
    assert server.end(number, STOPPED_SECONDS) == 0
    assert "leaked" not in server.log.read_text()
    assert any(writer.acknowledged for writer in writers)
    server.start()
    for writer in writers:
        writer.finish()
    check_exactly_once(server, writers)
    assert threading.active_count() < 20


def test_a_start_on_a_port_in_use_says_so_and_frees_the_folder(
    server: Server, tmp_path: Path
) -> None:
    other = Server(tmp_path / "other")
    refused = tallybook("serve", "--data", other.folder, "--port", str(server.port))
    assert (refused.code, "port_in_use" in refused.err) == (UNAVAILABLE, True)
    with other:
        assert other.call("GET", "/accounts").status == 200
