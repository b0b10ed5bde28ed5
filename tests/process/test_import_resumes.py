"""An import whose server dies is run again, and every row is counted once."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.serving import Server, environment, tallybook

pytestmark = pytest.mark.process

ROWS = 60_000
WAIT_SECONDS = 30


def test_an_import_that_was_cut_off_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    lines = (f"2026-03-{i % 28 + 1:02} 09:30:00,acme,{i % 7}.25" for i in range(ROWS))
    file.write_text("\n".join(["at,who,n", *lines]))
    words: list[str | Path] = [
        "import", "events", file, "--map", "time=at,subject=who,data.n=n", "--set", "type=use",
        "--data", tmp_path / "data", "--json",
    ]  # fmt: skip
    with Server(tmp_path / "data") as server:
        server.put("/accounts/acme")
        server.put("/meters/uses", event_type="use", aggregation="sum", property="n")
        importing = subprocess.Popen(
            [sys.executable, "-m", "tallybook", *map(str, words)],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        ends = time.monotonic() + WAIT_SECONDS
        while server.metric("tallybook_ledger_events") == 0:
            assert time.monotonic() < ends, "the import does not begin"
        server.kill()
        out, said = importing.communicate(timeout=WAIT_SECONDS)
        assert importing.returncode == 3, said
        assert json.loads(out)["code"] == "server_unreachable"
        assert "Run the same command again" in said

        server.start()
        again = tallybook(*words)
        assert again.code == 0, again.err
        answer = json.loads(again.out)
        assert answer["accepted"] > 0 < answer["duplicate"]
        assert answer["accepted"] + answer["duplicate"] == ROWS
        server.until_visible()
        (row,) = server.usage("uses", **{"from": "2026-03-01", "to": "2026-04-01"})["rows"]
        assert row["value"] == str(sum(i % 7 for i in range(ROWS)) + ROWS // 4)
