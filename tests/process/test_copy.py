"""The events file is a copy: without it, or with a damaged one, every answer is what it was, made
again from the ledger, or there is a clear refusal. Never another number.
"""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Server, event

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

EVENTS = 3_000
SPAN: dict[str, Any] = {"from": "2026-03-01", "to": "2026-04-01", "interval": "day"}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Any]:
    """Return a stopped installation with sorted months and a tail, and its answers."""
    server = Server(tmp_path_factory.mktemp("copy") / "data")
    with server:
        server.put("/accounts/acme")
        server.put("/meters/uses", event_type="use", aggregation="count")
        server.put("/meters/total", event_type="use", aggregation="sum", property="n")
        for first in range(0, EVENTS, 1000):
            server.send(
                [
                    event(
                        f"e{n}",
                        time=f"2026-03-{1 + n % 31:02d}T{n % 24:02d}:00:00Z",
                        data={"n": n, "note": f"{random.Random(n).random()}"},
                    )
                    for n in range(first, first + 1000)
                ]
            )
        found = answers(server)
        server.stop()
    return server, found


def answers(server: Server) -> Any:
    """Return what is compared; what says when and by which mark is left out."""
    server.until_visible()
    return [server.usage(meter, **SPAN)["rows"] for meter in ("uses", "total")]


def copied(server: Server, folder: Path) -> Server:
    """Return a server of a copy of the folder."""
    shutil.copytree(server.folder, folder)
    other = Server.__new__(Server)
    other.__dict__.update(server.__dict__, folder=folder, log=folder.with_suffix(".log"))
    return other


def test_a_deleted_copy_is_made_again_with_equal_answers(
    stopped: tuple[Server, Any], tmp_path: Path
) -> None:
    server = copied(stopped[0], tmp_path / "data")
    for file in server.folder.glob("events.duckdb*"):
        file.unlink()
    with server:
        assert answers(server) == stopped[1]


DAMAGES = ["cut", "emptied", "head", *(f"flipped {i}" for i in range(3))]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_never_gives_another_number(
    stopped: tuple[Server, Any], tmp_path: Path, damage: str
) -> None:
    server = copied(stopped[0], tmp_path / "data")
    injure(server.folder / "events.duckdb", damage)
    with server:
        found = [server.call("GET", "/usage", meter=meter, **SPAN) for meter in ("uses", "total")]
        for answer in found:
            assert answer.status in {200, 503}, answer.body
        if all(answer.status == 200 for answer in found):
            assert answers(server) == stopped[1]


def injure(file: Path, damage: str) -> None:
    content = bytearray(file.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "emptied":
        content.clear()
    elif damage == "head":
        content[:4096] = bytes(4096)
    else:
        chance = random.Random(damage)
        for _ in range(64):
            content[chance.randrange(12_288, len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)
