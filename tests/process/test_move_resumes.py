"""A move that is killed again and again, at any moment, ends with every row there once."""

import json
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallybook.model.columns import columns
from tallybook.model.scope import operator
from tallybook.stores.ledger.store import SqlLedger
from tests import postgres
from tests.serving import Server, environment, event

Connection = psycopg.Connection[tuple[Any, ...]]

pytestmark = [pytest.mark.process, pytest.mark.postgres]

EVENTS = 150_000
BATCH = 500
EARLY_KILLS = 2
LATE_KILLS = 4
START_SECONDS = 30
SPAN = {"from": "2026-03-01", "to": "2026-04-01"}


def test_a_move_that_is_killed_goes_on_and_doubles_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    with server:
        server.put("/meters/total", event_type="use", aggregation="sum", property="n")
        server.stop()
    fill(server.folder)
    goal = postgres.database(tmp_path)
    moments = random.Random(1)
    heads = [killed(server.folder, goal, -1, moments.uniform(0, 0.5)) for _ in range(EARLY_KILLS)]
    for _ in range(LATE_KILLS):
        if heads[-1] == EVENTS:  # a quick machine has all of it there before the last kill
            break
        heads.append(killed(server.folder, goal, heads[-1], moments.uniform(0, 0.1)))
        assert heads[-2] < heads[-1]
    assert any(0 < head < EVENTS for head in heads), "no kill came in the middle"

    done = moving(server.folder, goal)
    out, said = done.communicate(timeout=60)
    assert done.returncode == 0, said
    assert json.loads(out)["ledger"]["events"] == EVENTS
    with psycopg.connect(goal) as connection:
        held = connection.execute(
            "SELECT (SELECT sum(events) FROM batches), count(*), count(DISTINCT seq) FROM ids"
        ).fetchone()
    assert held == (EVENTS, EVENTS, EVENTS)
    with SqlLedger(server.folder, moving=True) as ledger:
        assert ledger.head(operator("test")) == EVENTS
    refused = subprocess.run(
        [sys.executable, "-m", "tallybook", "serve", "--data", str(server.folder)],
        env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (refused.returncode, "folder_moved" in refused.stderr) == (3, True)


def fill(folder: Path) -> None:
    """Append events below HTTP, which is quicker."""
    now = datetime(2026, 4, 1, tzinfo=UTC)
    with SqlLedger(folder) as ledger:
        for first in range(0, EVENTS, BATCH):
            wires = [
                json.dumps(event(f"e{n}", data={"n": n})).encode()
                for n in range(first, first + BATCH)
            ]
            ledger.append(operator("test"), columns(wires), now)


def moving(folder: Path, goal: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tallybook", "move", "--data", str(folder), "--to", goal, "--json"],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed(folder: Path, goal: str, after: int, seconds: float) -> int:
    """Kill a move so many seconds after the newest entry at the goal is beyond `after`; return the
    newest entry there.
    """
    process = moving(folder, goal)
    with psycopg.connect(goal, autocommit=True) as connection:
        ends = time.monotonic() + START_SECONDS
        while others(connection) == 0 or newest(connection) <= after:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < ends
            time.sleep(0.01)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        while others(connection):
            time.sleep(0.01)
        return newest(connection)


def others(connection: Connection) -> int:
    """Count who else is connected to the goal."""
    who = "SELECT count(*)::int - 1 FROM pg_stat_activity WHERE datname = current_database()"
    return int(connection.execute(who).fetchall()[0][0])


def newest(connection: Connection) -> int:
    if connection.execute("SELECT to_regclass('batches')").fetchall() == [(None,)]:
        return 0
    held = "SELECT coalesce(sum(events), 0)::int FROM batches"
    return int(connection.execute(held).fetchall()[0][0])
