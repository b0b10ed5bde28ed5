"""The demo in this process, with few days; `tests/process/test_demo.py` runs it whole."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallybook.cli import main
from tallybook.cli._client import connect
from tallybook.model.errors import TallybookError


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = [(n, signal.getsignal(n)) for n in (signal.SIGTERM, signal.SIGINT)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def visitor(folder: Path, seen: list[Any], out: Path) -> None:
    """Look at the positions once the demo says that it is ready, then stop it."""
    for _ in range(600):
        if "password" in out.read_text():
            break
        time.sleep(0.05)
    try:
        with connect(folder) as client:
            seen.extend(client.get("/positions", limit=500)["items"])
    except TallybookError as e:
        seen.append(e)
    finally:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("form", [["--json"], pytest.param([], marks=pytest.mark.thorough)])
def test_the_demo_shows_its_positions_and_keeps_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    folder, out = tmp_path / "data", tmp_path / "out"
    seen: list[Any] = []
    with out.open("w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        looking = threading.Thread(target=visitor, args=(folder, seen, out))
        looking.start()
        code = main(["demo", "--days", "20", "--port", "0", "--keep", str(folder), *form])
        looking.join()
        monkeypatch.undo()
    assert code == 0
    assert {item["account"] for item in seen} >= {"quarry", "nordlicht", "coral"}
    assert (folder / "books.db").exists()
    said = out.read_text()
    assert json.loads(said)["contracts"] == 15 if form else "Ctrl-C stops it" in said
    again = main(["demo", "--days", "1", "--port", "0", "--keep", str(folder), "--no-browser"])
    assert again == 1  # the folder is not new
