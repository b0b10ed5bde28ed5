"""Real events from their files to the numbers on a position, by the commands people type."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallybook import app
from tallybook.cli import main
from tallybook.cli._client import Client, client_of
from tallybook.model.mark import parse_mark
from tallybook.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
AZURE = ROOT / "examples/azure-llm"
#: Not ours to ship, so it lies beside the checkout of those who have it.
COLLEGE = ROOT.parent / "shared/data/college-messages.txt.gz"

NOVEMBER = {"from": "2023-11-01", "to": "2023-12-01"}
REQUESTS = {"azure-llm-conv": "19366", "azure-llm-code": "8819", "azure-llm": "28185"}
CONTEXT = {"azure-llm-conv": "22361870", "azure-llm-code": "18059974", "azure-llm": "40421844"}
GENERATED = {"azure-llm-conv": "4088665", "azure-llm-code": "245896", "azure-llm": "4334561"}
PACIFIC = "America/Los_Angeles"

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "data"
    assert main(["init", "--data", str(folder), "--admin-email", "a@example.com"]) == 0
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with app.running(Settings(data=folder)) as (url, token), client_of(url, token) as client:
        yield client


@pytest.fixture(scope="module")
def azure(folder: Path, client: Client) -> Client:
    for noun in ("accounts", "meters", "contracts"):
        assert main(["import", noun, str(AZURE / f"{noun}.yaml"), "--data", str(folder)]) == 0
    for name in ("conv", "code"):
        assert main(_azure_events(name, folder)) == 0
    settle(client)
    return client


def _azure_events(name: str, folder: Path) -> list[str]:
    file, mapping = AZURE / f"azure-llm-{name}.csv.gz", AZURE / f"{name}.yaml"
    return ["import", "events", str(file), "--mapping", str(mapping), "--data", str(folder)]


def settle(client: Client) -> None:
    """Wait until what was acknowledged is counted."""
    newest = client.send("/events", b"[]", "application/json")["ledger_seq"]
    for _ in range(200):
        known_at = client.get("/usage", meter="llm-requests", **NOVEMBER)["known_at"]
        if parse_mark(known_at).seq >= newest:
            return
        time.sleep(0.05)
    pytest.fail("what was imported does not show")


def total(client: Client, meter: str, **question: Any) -> Any:
    rows = client.get("/usage", meter=meter, **question)["rows"]
    assert len(rows) == 1
    return rows[0]["value"]


@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        ("llm-requests", REQUESTS),
        ("llm-context-tokens", CONTEXT),
        ("llm-generated-tokens", GENERATED),
    ],
)
def test_usage_is_that_of_the_files(azure: Client, meter: str, expected: dict[str, str]) -> None:
    found = {key: total(azure, meter, account=key, **NOVEMBER) for key in expected}
    assert found == expected


def test_the_parent_stands_over_its_context_tokens(azure: Client) -> None:
    for _ in range(200):  # the snapshot follows within seconds
        found = azure.get("/positions", contract="AZURE-2023", at="2023-11-20T00:00:00Z")["items"]
        lines = {item["line"]: item for item in found}
        if lines["requests"]["used"] == REQUESTS["azure-llm"]:
            break
        time.sleep(0.05)
    assert {code: line["used"] for code, line in lines.items()} == {
        "requests": "28185", "context": "40421844", "generated": "4334561",
    }  # fmt: skip
    assert [lines[code]["status"] for code in ("requests", "context", "generated")] == [
        "ok", "over", "near",
    ]  # fmt: skip
    over = lines["context"]
    assert (over["overage"], over["remaining"]) == ("10421844", "0")
    assert over["percent_used"] == "134.73948"
    assert over["overage_amount"] == "31.27"  # 10,421,844 × 0.000003 = 31.265532, in cents
    shares = {c["account"]: c["used"] for c in over["contributions"]}
    assert {k: v for k, v in shares.items() if v != "0"} == {
        "azure-llm-conv": "22361870", "azure-llm-code": "18059974",
    }  # fmt: skip


def test_one_line_is_computed_alike(azure: Client) -> None:
    line = azure.get("/positions/AZURE-2023/generated", at="2023-11-20T00:00:00Z")
    assert (line["used"], line["remaining"]) == ("4334561", "665439")
    days = {day["date"]: day["used"] for day in line["daily"] if day["used"] not in {"0", None}}
    assert days == {"2023-11-16": "4334561"}


def test_a_second_import_adds_nothing(
    azure: Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for noun in ("accounts", "meters", "contracts"):
        arguments = ["import", noun, str(AZURE / f"{noun}.yaml"), "--data", str(folder), "--json"]
        assert main(arguments) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["unchanged"], answer["written"]) == (answer["received"], 0)
    before = azure.send("/events", b"[]", "application/json")["ledger_seq"]
    for name in ("conv", "code"):
        assert main([*_azure_events(name, folder), "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["duplicate"] == answer["received"] == int(REQUESTS[f"azure-llm-{name}"])
        assert answer["accepted"] == 0
    assert azure.send("/events", b"[]", "application/json")["ledger_seq"] == before


MONTHS = {
    "2004-04": ("5197", "320"), "2004-05": ("37716", "1041"), "2004-06": ("7730", "724"),
    "2004-07": ("3619", "360"), "2004-08": ("2663", "288"), "2004-09": ("2100", "253"),
    "2004-10": ("810", "162"),
}  # fmt: skip
SPAN = {"from": "2004-04-01", "to": "2004-11-01"}


@pytest.fixture(scope="module")
def college(azure: Client, folder: Path) -> Client:
    if not COLLEGE.exists():
        pytest.skip(f"not run: {COLLEGE.name} has no licence to be shipped and is not here")
    azure.put("/accounts/college", {"timezone": PACIFIC})
    shape = {"event_type": "message", "dimensions": []}
    azure.put("/meters/messages", {**shape, "aggregation": "count"})
    azure.put("/meters/senders", {**shape, "aggregation": "unique", "property": "sender"})
    mapping = "time=time,data.sender=src,data.receiver=dst"
    command = [
        "import", "events", str(COLLEGE), "--delimiter", " ", "--map", mapping,
        "--time-format", "unix", "--set", "type=message", "--set", "subject=college",
        "--data", str(folder),
    ]  # fmt: skip
    assert main(command) == 0
    settle(azure)
    return azure


def test_months_and_distinct_senders_are_those_of_the_network(college: Client) -> None:
    found: dict[str, list[str]] = {}
    for place, meter in enumerate(("messages", "senders")):
        answer = college.get("/usage", meter=meter, account="college", interval="month", **SPAN)
        assert answer["timezone"] == PACIFIC
        for row in answer["rows"]:
            found.setdefault(row["start"][:7], ["", ""])[place] = row["value"]
    assert {month: tuple(values) for month, values in found.items()} == MONTHS


def test_senders_of_the_whole_span_are_not_the_sum_of_months(college: Client) -> None:
    assert total(college, "senders", account="college", **SPAN) == "1350"
    assert total(college, "messages", account="college", **SPAN) == "59835"
