"""`import` as people use it: real files, a real server, exit codes and what is said."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from tallybook import app
from tallybook.cli import main
from tallybook.cli._client import Client, client_of
from tallybook.cli._upload import patiently
from tallybook.model.errors import Unavailable
from tallybook.settings import Settings

Run = Callable[..., tuple[int, dict[str, Any]]]

HEAD = "when,who,n\n"
LINES = "2026-03-01 09:30:00,acme,1.10\n2026-03-01 09:30:00,acme,1.10\n"
MAP = ["--map", "time=when,subject=who,data.n=n", "--set", "type=use"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("import") / "data"
    app.initialise(Settings(data=folder), "a@example.com")
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with app.running(Settings(data=folder)) as (url, token), client_of(url, token) as client:
        yield client


@pytest.fixture
def run(folder: Path, client: Client, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs `import` while the server is up."""
    assert client.get("/accounts") is not None

    def run(*words: object) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["import", *map(str, words), "--data", str(folder), "--json"])
        out, err = capsys.readouterr()
        return code, {**json.loads(out or "{}"), "said": err}

    return run


def counts(answer: dict[str, Any]) -> dict[str, int]:
    names = ("received", "accepted", "duplicate", "conflict", "rejected")
    return {name: answer[name] for name in names if answer[name]}


def listed(client: Client, kind: str, count: int) -> list[dict[str, Any]]:
    """Return the events of a type once there are so many; they show within a second or two."""
    items: list[dict[str, Any]] = []
    for _ in range(200):
        items = client.get("/events", type=kind)["items"]
        if len(items) == count:
            break
        time.sleep(0.05)
    return items


def packed_zstd(content: bytes) -> bytes:
    half = len(content) // 2
    packer = zstandard.ZstdCompressor()
    return packer.compress(content[:half]) + packer.compress(content[half:])  # two frames


@pytest.mark.parametrize(
    ("name", "pack"), [("a.csv", bytes), ("b.csv.gz", gzip.compress), ("c.csv.zst", packed_zstd)]
)
def test_equal_lines_are_two_events_and_a_second_run_adds_nothing(
    tmp_path: Path, run: Run, name: str, pack: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / name
    file.write_bytes(pack((HEAD + LINES).encode()))
    code, first = run("events", file, *MAP)
    assert (code, counts(first)) == (0, {"received": 2, "accepted": 2})
    code, second = run("events", file.rename(tmp_path / f"renamed-{name}"), *MAP)
    assert (code, counts(second)) == (0, {"received": 2, "duplicate": 2})


def test_it_says_that_nothing_was_added(
    tmp_path: Path, folder: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.get("/accounts") is not None
    (tmp_path / "twice.csv").write_text(HEAD + LINES + "2026-03-01 09:31:00,acme,7\n")
    words = ["import", "events", str(tmp_path / "twice.csv"), *MAP, "--data", str(folder)]
    assert main(words) == 0
    assert "3 rows: 3 accepted." in capsys.readouterr().out
    assert main(words) == 0
    assert "nothing was added" in capsys.readouterr().out


def test_bad_rows_are_told_with_line_and_reason_and_the_others_kept(
    tmp_path: Path, run: Run
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(
        HEAD + "2026-03-01 09:30:00,acme,1\n"
        "yesterday,acme,1\n"  # line 3: refused here
        "2026-03-01 09:30:00,acme\n"  # line 4: not readable
        "2026-03-01 09:30:00,,1\n"  # line 5: refused by the server
        "2026-03-01 09:31:00,acme,1\n"
    )
    code, answer = run("events", file, *MAP)
    assert (code, counts(answer)) == (1, {"received": 5, "accepted": 2, "rejected": 3})
    faults = {fault["row"]: fault["code"] for fault in answer["faults"]}
    assert faults == {3: "time_invalid", 4: "row_unreadable", 5: "subject_missing"}
    assert "bad.csv row 4: 2 fields where the header has 3" in answer["said"]


def test_what_comes_before_the_damage_is_kept(tmp_path: Path, run: Run, client: Client) -> None:
    file = tmp_path / "cut.json"
    file.write_text('[{"id": "1", "type": "cut", "subject": "acme"}, {"id": ')
    code, answer = run("events", file)
    assert (code, answer["code"]) == (1, "file_not_json")
    assert [item["event"]["id"] for item in listed(client, "cut", 1)] == ["1"]


def test_another_content_for_a_known_id_is_told(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "known.ndjson"
    event = '{"id": "k1", "source": "s", "type": "use", "subject": "acme", "data": {"n": %s}}\n'
    file.write_text(event % "1" + event % "2")
    code, answer = run("events", file)
    assert (code, counts(answer)) == (1, {"received": 2, "accepted": 1, "conflict": 1})
    assert answer["faults"][0]["row"] == 2


def test_numbers_arrive_as_they_were_written(tmp_path: Path, run: Run, client: Client) -> None:
    exact = "12345678901234567.123456789"
    (tmp_path / "e.ndjson").write_text(
        f'{{"id": "a", "type": "exact", "subject": "x", "data": {{"n": {exact}}}}}\n'
    )
    (tmp_path / "e.json").write_text(
        f'[{{"id": "b", "type": "exact", "subject": "x", "data": {{"n": {exact}}}}}]'
    )
    (tmp_path / "e.csv").write_text(
        f"id,type,subject,time,data.n\nc,exact,x,2026-03-01T00:00:00Z,{exact}\n"
    )
    with duckdb.connect() as db:
        db.execute(
            f"COPY (SELECT 'd' AS id, 'exact' AS type, 'x' AS subject, {{'n': {exact}::"
            f"DECIMAL(38,9)}} AS data, make_timestamptz(0) AS time) "
            f"TO '{tmp_path / 'e.parquet'}' (FORMAT parquet)"
        )
    for kind in ("ndjson", "json", "csv", "parquet"):
        assert run("events", tmp_path / f"e.{kind}")[0] == 0
    items = listed(client, "exact", 4)
    above = [{"property": "n", "op": "gt", "value": 1}]  # which no text is
    client.put("/accounts/x", {})
    client.put("/meters/above", {"event_type": "exact", "aggregation": "count", "filter": above})
    rows = client.get("/usage", meter="above", **{"from": "1970-01-01", "to": "2100-01-01"})["rows"]
    assert [row["value"] for row in rows] == ["4"]
    assert {i["event"]["id"]: i["event"]["data"]["n"] for i in items} == dict.fromkeys(
        "abcd", exact
    )


def damaged(content: bytes) -> bytes:
    return content[:-9]


@pytest.mark.parametrize(
    ("name", "content", "words", "code"),
    [
        ("a.csv", None, MAP, "file_missing"),
        ("a.csv", b"x,y\n1,2\n", MAP, "unknown_column"),
        ("a.csv", b"x,y\n1,2\n", [], "mapping_incomplete"),
        ("a.csv", "when,who,n\nZürich".encode("latin-1"), MAP, "file_not_utf8"),
        ("a.csv.gz", damaged(gzip.compress(HEAD.encode() * 999, mtime=0)), MAP, "file_damaged"),
        ("a.csv.zst", damaged(packed_zstd(HEAD.encode() * 999)), MAP, "file_damaged"),
        ("a.csv.gz", b"\x1f\x8bnonsense", MAP, "file_damaged"),
        ("a.parquet", b"nonsense", MAP, "file_not_parquet"),
        ("a.json", b'[{"a": 1}', MAP, "file_not_json"),
        ("a.dat", b"", MAP, "format_unknown"),
        ("a.csv", b"", MAP, "file_empty"),
        ("a.csv", b"when\n", ["--format", "xml"], "unknown_kind"),
        ("a.csv", b"when\n", ["--timezone", "Mars"], "unknown_zone"),
        ("a.csv", b"when\n", ["--map", "tiem=when"], "mapping_invalid"),
        ("a.csv", b"when\n", ["--mapping", "nowhere.yaml"], "file_missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, run: Run, name: str, content: bytes | None, words: list[str], code: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    exit_code, answer = run("events", tmp_path / name, *words)
    assert (exit_code, answer.get("code")) == (1, code)
    assert code in answer["said"]


def test_a_pair_that_is_none_is_wrong_usage(tmp_path: Path, run: Run) -> None:
    assert run("events", tmp_path / "a.csv", "--map", "time")[0] == 2


def test_a_mapping_file_says_it_all(tmp_path: Path, run: Run, client: Client) -> None:
    (tmp_path / "m.yaml").write_text(
        "map: {time: at, data.zip: zip}\nset: {type: mapped, subject: x, data.tier: 2}\n"
        "text: [data.zip]\ntime_format: unix\nformat: csv\ndelimiter: ' '\n"
    )
    (tmp_path / "m.log").write_text("at zip\n1082040961 1010\n")
    assert run("events", tmp_path / "m.log", "--mapping", tmp_path / "m.yaml")[0] == 0
    (item,) = listed(client, "mapped", 1)
    assert item["event"]["time"].startswith("2004-04-15T14:56:01")
    assert item["event"]["data"] == {"zip": "1010", "tier": 2}


def test_documents_in_any_order_and_format(tmp_path: Path, run: Run, client: Client) -> None:
    (tmp_path / "a.csv").write_text(
        "key,name,parent,csm.name\nchild,The child,root,Nadia Berg\nroot,The root,,\n"
    )
    code, answer = run("accounts", tmp_path / "a.csv")
    assert (code, answer["written"]) == (0, 2)
    assert client.get("/accounts/child")["csm"]["name"] == "Nadia Berg"
    (tmp_path / "m.ndjson").write_text(
        '{"key": "uses", "event_type": "use", "aggregation": "count"}'
    )
    assert run("meters", tmp_path / "m.ndjson")[1]["written"] == 1
    (tmp_path / "c.csv").write_text(
        "number,account,start_date,lines.0.code,lines.0.meter,lines.0.allotment.quantity,"
        "lines.0.price.model,lines.0.price.unit_amount\n"
        "C-1,root,2026-01-01,uses,uses,12345678901234567.123456789,per_unit,0.10\n"
    )
    for outcome in ("written", "unchanged"):
        code, answer = run("contracts", tmp_path / "c.csv")
        assert (code, answer[outcome]) == (0, 1)
    (line,) = client.get("/contracts/C-1")["lines"]
    assert line["allotment"]["quantity"] == "12345678901234567.123456789"


def test_a_bad_document_leaves_its_neighbours(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.yaml").write_text(
        "- {key: fine}\n- {key: sad, timezone: Mars}\n- 5\n- {name: nameless}\n- {key: a/b}\n"
    )
    code, answer = run("accounts", tmp_path / "a.yaml")
    assert (code, answer["written"], answer["rejected"]) == (1, 1, 4)
    assert [fault["code"] for fault in answer["faults"]] == [
        "document_invalid", "row_unreadable", "key_invalid", "key_invalid",
    ]  # fmt: skip


def test_a_server_that_asks_to_wait_is_waited_for() -> None:
    waits: list[int] = []
    answers = iter([Unavailable("backlog", "Wait.", retry_after=2), None])

    def send() -> str:
        refusal = next(answers)
        if refusal:
            raise refusal
        return "sent"

    assert patiently(send, sleep=waits.append) == "sent"
    assert waits == [2]
    with pytest.raises(Unavailable):
        patiently(lambda: (_ for _ in ()).throw(Unavailable("down", "Gone.")))


def test_no_data_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEAD + LINES)
    words = ["import", "events", str(tmp_path / "a.csv"), *MAP, "--data", str(tmp_path / "none")]
    assert main(words) == 3
