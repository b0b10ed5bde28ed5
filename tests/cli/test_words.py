"""The short words of the command line, through a real installation in process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tallybook import app
from tallybook.cli import _client, main
from tallybook.settings import Settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "data"
    assert main(["init", "--data", str(folder), "--admin-email", "a@b.example", "--json"]) == 0
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str, data: Path, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*words, "--data", str(data)]) == code
    return capsys.readouterr().out


def test_a_folder_is_made_once(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = said(capsys, "init", "--admin-email", "a@b.example", "--json", data=data, code=1)
    assert json.loads(answer)["code"] == "already_initialised"


def test_keys_are_made_listed_and_revoked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(said(capsys, "keys", "make", "feed", "--role", "ingest", "--json", data=data))
    assert made["secret"].startswith("tb_")
    assert "feed" in said(capsys, "keys", "list", data=data)
    said(capsys, "keys", "revoke", made["id"], data=data)
    listed = json.loads(said(capsys, "keys", "list", "--json", data=data))
    revoked = {item["name"]: item["revoked_at"] for item in listed["items"]}
    assert revoked["feed"]
    assert not revoked["first"]


def test_our_own_server_is_asked_without_the_proxy_of_the_environment(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with app.running(Settings(data=data)):
        assert "first" in said(capsys, "keys", "list", data=data)
    assert "first" in said(capsys, "keys", "list", data=data)


def test_lists_are_read_whole(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "PAGE_ROWS_MAX", 1)
    with _client.connect(data) as client:
        for name in ("one", "two"):
            client.post("/keys", {"name": name, "role": "ingest"})
        listed = client.list("/keys")
    assert {"one", "two"} <= {item["name"] for item in listed["items"]}
    assert listed["totals"]["count"] == len(listed["items"])
    assert listed["next_cursor"] is None


def test_users_are_added_and_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "users", "put", "c@d.example", "--role", "finance", data=data)
    assert "c@d.example" in said(capsys, "users", "list", data=data)


@pytest.fixture(scope="module")
def counted(data: Path) -> Path:
    """Bring in a contract with seven calls in February."""
    (data.parent / "account.json").write_text('[{"key": "acme"}]')
    (data.parent / "meter.json").write_text(
        '[{"key": "calls", "event_type": "call", "aggregation": "count"}]'
    )
    (data.parent / "contract.json").write_text(
        '[{"number": "C-1", "account": "acme", "start_date": "2026-01-01",'
        ' "lines": [{"code": "calls", "meter": "calls", "allotment": {"quantity": 5},'
        ' "price": {"model": "per_unit", "unit_amount": "0.25"}}]}]'
    )
    (data.parent / "events.ndjson").write_text(
        "\n".join(
            json.dumps(
                {
                    "specversion": "1.0",
                    "id": str(i),
                    "source": "/s",
                    "type": "call",
                    "subject": "acme",
                    "time": "2026-02-03T10:00:00Z",
                }
            )
            for i in range(7)
        )
    )
    for noun in ("account", "meter", "contract"):
        file = str(data.parent / f"{noun}.json")
        assert main(["import", f"{noun}s", file, "--data", str(data)]) == 0
    assert main(["import", "events", str(data.parent / "events.ndjson"), "--data", str(data)]) == 0
    assert main(["tick", "--data", str(data)]) == 0
    return data


def test_usage_positions_tick_and_rebuild(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = counted
    february = ("--from", "2026-02-01", "--to", "2026-03-01")
    asked = ("usage", "calls", "--account", "acme", *february)
    assert [
        row["value"] for row in json.loads(said(capsys, *asked, "--json", data=data))["rows"]
    ] == ["7"]
    assert json.loads(said(capsys, "rebuild", "--json", data=data)) == {"events": 7}
    assert "2026-02-01" in said(capsys, *asked, data=data)
    then = ("--at", "2026-02-20T12:00:00Z")
    table = said(capsys, "position", *then, data=data)
    heading, row, gap, shown_lines, _, total = table.splitlines()
    shown = dict(zip([h for h in heading.split() if h != "flags"], row.split(), strict=True))
    assert (shown["contract"], shown["status"], shown["service"]) == ("C-1", "over", "calls")
    assert (shown["projected"], shown["amount"], shown["currency"]) == ("7.00", "0.50", "USD")
    assert (shown["remaining"], shown["projected_overage"]) == ("0", "2.00")
    assert (gap, shown_lines) == ("", "1 of 1 lines. Totals of all of them:")
    assert total.split() == ["1", "events", "7", "5", "2", "7.00", "2.00", "0.50", "0.50", "USD"]
    assert table.splitlines()[0].index("amount") + 6 == table.splitlines()[1].index("0.50") + 4
    wanted = ("--account", "acme", "--own", "--service", "calls", "--status", "over", "--q", "acme")
    sorting = ("--sort", "projected_overage", "--descending")
    for narrowed, lines in (((), 1), (("--branch", "West"), 0), (("--csm", "a@b.example"), 0)):
        asked = ("position", *then, *wanted, *sorting, *narrowed, "--json")
        assert json.loads(said(capsys, *asked, data=data))["count"] == lines
    one = json.loads(said(capsys, "position", "C-1", "calls", *then, "--json", data=data))
    assert (one["used"], one["overage"], one["status"]) == ("7", "2", "over")


def test_positions_are_written_to_a_file_by_its_ending(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Goes on with the contract that the test of positions has made."""
    for ending, begin in (("csv", b"# table: "), ("xlsx", b"PK"), ("parquet", b"PAR1")):
        file = tmp_path / f"all.{ending}"
        assert f"{file}: " in said(capsys, "position", "-o", str(file), data=data)
        assert file.read_bytes().startswith(begin)
    days = tmp_path / "days.csv"
    told = said(capsys, "position", "C-1", "calls", "-o", str(days), "--json", data=data)
    assert json.loads(told) == {"file": str(days), "bytes": days.stat().st_size}
    assert b"\r\ndate,used,to_date," in days.read_bytes()
    kept = days.read_bytes()
    refused = ("position", "C-none", "calls", "-o", str(days))
    said(capsys, *refused, data=data, code=1)
    said(capsys, "position", "-o", str(tmp_path / "all.pdf"), data=data, code=1)
    assert days.read_bytes() == kept
    assert not (tmp_path / "all.pdf").exists()


def test_a_folder_without_data_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for word in ("serve", "usage", "rebuild"):
        extra = ["calls"] if word == "usage" else []
        said(capsys, word, *extra, data=tmp_path / "none", code=3)


def test_a_damaged_copy_is_set_aside_and_loaded_again(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = counted
    asked = ("usage", "calls", "--from", "2026-02-01", "--to", "2026-03-01", "--json")
    before = json.loads(said(capsys, *asked, data=data))["rows"]
    (data / "events.duckdb").write_bytes(b"not a database" * 1000)
    said(capsys, "tick", data=data)
    after = json.loads(said(capsys, *asked, data=data))
    assert after["rows"] == before
    assert after["refreshed_at"]  # also by a server that had nothing to load
    assert (data / "events.duckdb.aside").exists()


def test_the_address_a_killed_server_left_is_not_believed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    said(capsys, "init", "--admin-email", "c@d.example", data=other)
    with app.running(Settings(data=other)):
        (data / "server.json").write_text((other / "server.json").read_text())
        assert "a@b.example" in said(capsys, "users", "list", data=data)


@pytest.mark.process
def test_words_at_once_without_a_server_take_turns(data: Path) -> None:
    word = (sys.executable, "-m", "tallybook", "users", "list", "--data", str(data))
    running = [subprocess.Popen(word, stdout=subprocess.PIPE) for _ in range(3)]
    assert all(b"a@b.example" in process.communicate()[0] for process in running)


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_cannot_be_is_wrong_usage(
    data: Path, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    said(capsys, "serve", "--port", port, data=data, code=2)


def test_contracts_are_listed_and_their_statements_closed(
    counted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, word = counted, "contracts"
    assert "C-1" in said(capsys, word, "list", data=data)
    shown = json.loads(said(capsys, word, "show", "C-1", data=data))
    assert (shown["number"], shown["account"]) == ("C-1", "acme")
    february = ("C-1", "--period", "2026-02-20")
    table = said(capsys, word, "statement", *february, data=data)
    assert table.splitlines()[1].split() == ["line", "calls", "7", "2", "0.50"]
    assert table.splitlines()[-1].split() == ["total", "USD", "0.50"]
    closed = json.loads(said(capsys, word, "close", *february, "--json", data=data))
    assert (closed["status"], closed["total"]) == ("closed", "0.50")
    listed = said(capsys, word, "statements", "--period", "2026-02-20", data=data)
    assert listed.splitlines()[1].split()[-3:] == ["0.50", "USD", "closed"]
    every = json.loads(said(capsys, word, "statements", "--contract", "C-1", "--json", data=data))
    assert {item["status"] for item in every["items"]} == {"open", "closed"}
    refused = ("close", "C-1", "--period", "2999-01-01", "--json")
    assert json.loads(said(capsys, word, *refused, data=data, code=1))["code"] == "period_too_far"
    said(capsys, word, "close", "C-1", "--period", "2026-03-01", "--release", data=data, code=2)
