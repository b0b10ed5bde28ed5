"""The demo as a newcomer runs it: alive within seconds, showing every state, gone afterwards."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tallybook.cli._client import Client, connect

pytestmark = pytest.mark.process

#: On two cores of its own it takes a third of this; here others work beside it.
START_SECONDS_MAX = 90


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo")
    with socket.create_server(("127.0.0.1", 0)) as taken, (folder / "out").open("wb") as out:
        port = taken.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tallybook", "demo", "--json", "--no-browser",
             "--port", str(port)],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)},
            stdout=out,
        )  # fmt: skip
        try:
            made = _told(process, folder / "out")
            yield {**made, "taken": port, "process": process, "tmp": folder}
        finally:
            process.kill()
            process.wait()


def _told(process: subprocess.Popen[bytes], out: Path) -> dict[str, Any]:
    for _ in range(START_SECONDS_MAX * 10):
        assert process.poll() is None, "the demo ended by itself"
        if text := out.read_text():
            made: dict[str, Any] = json.loads(text)
            return made
        time.sleep(0.1)
    pytest.fail(f"the demo does not serve within {START_SECONDS_MAX} s")


@pytest.fixture(scope="module")
def client(demo: dict[str, Any]) -> Iterator[Client]:
    with connect(Path(demo["data"])) as client:
        yield client


def test_checks_find_something_and_the_outbox_waits(client: Client) -> None:
    found = client.get("/findings", limit=500)["items"]
    assert len({one["check"] for one in found}) >= 8
    ratio = [one for one in found if one["check"] == "contract.base_vs_coverage"]
    assert [one["entity"] for one in ratio] == ["C-1060"]
    assert client.get("/deliveries")["totals"]["count"] >= 8


def test_it_serves_on_a_free_port_when_the_one_asked_for_is_taken(demo: dict[str, Any]) -> None:
    assert demo["url"].startswith("http://127.0.0.1:")
    assert str(demo["taken"]) not in demo["url"]
    assert httpx2.get(f"{demo['url']}/readyz").status_code == 200


def test_it_looks_alive(demo: dict[str, Any], client: Client) -> None:
    assert demo["events"] >= 150_000
    items = client.get("/positions", limit=500)["items"]
    assert {item["status"] for item in items} == {"no_allotment", "ok", "near", "at_limit", "over"}
    assert {item["forecast"]["status"] for item in items} >= {"estimate", "not_enough_data"}
    assert any(item["likely_over"] for item in items)
    assert any(item["low_use"] for item in items)
    assert {item["currency"] for item in items} == {"USD", "EUR"}


def test_the_year_is_there_month_by_month(client: Client) -> None:
    now = client.get("/positions", limit=1)["items"][0]["period"]["end_date"]
    year = int(now[:4])
    rows = client.get(
        "/usage", meter="messaging", account="quarry", interval="month",
        **{"from": f"{year - 1}{now[4:]}", "to": now},
    )["rows"]  # fmt: skip
    assert len(rows) == 12
    assert all(int(row["value"]) > 50_000 for row in rows[1:])


def test_nothing_is_left_when_it_is_stopped(demo: dict[str, Any]) -> None:
    demo["process"].send_signal(signal.SIGTERM)
    assert demo["process"].wait(timeout=30) == 0
    assert [f for f in demo["tmp"].iterdir() if f.name != "out"] == []
