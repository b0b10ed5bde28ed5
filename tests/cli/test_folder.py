"""`export`, `validate` and `import` of a folder, through the command line and real servers."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tallybook import app
from tallybook.cli import main
from tallybook.cli._client import Client, client_of
from tallybook.settings import Settings

Run = Callable[..., tuple[int, Any, str]]


class Place:
    """An installation that runs: its data folder, and a client to it."""

    def __init__(self, data: Path, client: Client) -> None:
        self.data = data
        self.client = client

    def revision(self) -> int:
        """Return the revision of Books: what is refused leaves it as it was."""
        asked = {"definitions": [], "dry_run": True}
        found: int = self.client.post("/definitions", asked)["revision"]
        return found


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Place]]:
    """Yield what starts a new, empty installation."""
    with ExitStack() as stack:

        def start() -> Place:
            data = tmp_path_factory.mktemp("place") / "data"
            settings = Settings(data=data, test_clock=True)
            app.initialise(settings, "a@example.com")
            url, token = stack.enter_context(app.running(settings))
            client = stack.enter_context(client_of(url, token))
            client.put("/test-clock", {"now": "2026-11-21T12:00:00Z"})
            return Place(data, client)

        yield start


@pytest.fixture(scope="module")
def full(places: Callable[[], Place]) -> Place:
    """An installation with a history."""
    place = places()
    put = place.client.put
    put("/accounts/acme", {"name": "Acme", "timezone": "Europe/Berlin"})
    put("/accounts/acme-eu", {"parent": "acme", "attributes": {"score": 1.50, "no": "no"}})
    put("/meters/sms", {"event_type": "sms", "aggregation": "count"})
    put("/contracts/C-1", terms(100))
    put("/contracts/C-1", {**terms(200), "valid_from": "2026-03-01", "reason": "More of it"})
    put("/contracts/C-1", {**terms(300), "valid_from": "2026-06-01"})
    put("/contracts/C-1", {**terms(350), "valid_from": "2026-06-01", "reason": "A typo"})
    put("/contracts/c-1", terms(None))
    put("/contracts/a:b", {"account": "acme", "start_date": "2026-01-01"})
    return place


def terms(quantity: int | None) -> dict[str, Any]:
    line = {
        "code": "sms",
        "meter": "sms",
        "allotment": {"quantity": quantity},
        "price": {"model": "per_unit", "unit_amount": "0.10"},
    }
    return {"account": "acme", "start_date": "2026-01-01", "lines": [line]}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: object, at: Place | None = None) -> tuple[int, Any, str]:
        capsys.readouterr()
        where = [] if at is None else ["--data", str(at.data)]
        code = main([*map(str, words), *where, "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out or "null"), err

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_a_file_each_named_by_its_key_and_the_same_bytes_again(
    full: Place, run: Run, tmp_path: Path, kind: str
) -> None:
    words = ("export", "all", tmp_path, "--format", kind)
    code, told, _ = run(*words, at=full)
    assert code == 0
    assert told["contracts"] == {"files": 3, "written": 3, "unchanged": 0, "retired": 0}
    first = files(tmp_path)
    assert set(first) == {
        f"{name}.{kind}"
        for name in ("accounts/acme", "accounts/acme-eu", "meters/sms", "contracts/%43-1",
                     "contracts/c-1", "contracts/a%3Ab")
    }  # fmt: skip
    assert run(*words, at=full)[1]["contracts"]["unchanged"] == 3
    assert files(tmp_path) == first


def test_a_file_reads_as_people_write_it(full: Place, run: Run, tmp_path: Path) -> None:
    run("export", "all", tmp_path, at=full)
    assert (tmp_path / "contracts/%43-1.yaml").read_text().split("---\n")[1] == (
        "number: C-1\n"
        "valid_from: 2026-03-01\n"
        "reason: More of it\n"
        "account: acme\n"
        "start_date: 2026-01-01\n"
        "lines:\n"
        "- code: sms\n"
        "  meter: sms\n"
        "  allotment:\n"
        "    quantity: '200'\n"
        "  price:\n"
        "    model: per_unit\n"
        "    unit_amount: '0.10'\n"
    )
    assert "  'no': 'no'\n  score: 1.5\n" in (tmp_path / "accounts/acme-eu.yaml").read_text()
    assert "quantity: null" in (tmp_path / "contracts/c-1.yaml").read_text()


def test_an_export_brings_equal_documents_and_history_into_an_empty_folder(
    full: Place, places: Callable[[], Place], run: Run, tmp_path: Path
) -> None:
    run("export", "all", tmp_path / "a", at=full)
    empty = places()
    code, told, _ = run("import", tmp_path / "a", "--apply", at=empty)
    assert (code, told["applied"]) == (0, True)
    assert told["totals"] == {"new": 6, "changed": 0, "unchanged": 0}
    for path in ("accounts/acme-eu", "meters/sms", "contracts/C-1", "contracts/a:b"):
        assert history(empty, path) == history(full, path), path
    run("export", "all", tmp_path / "b", at=empty)
    assert files(tmp_path / "b") == files(tmp_path / "a")
    before = empty.revision()
    for flag in ("--plan", "--apply"):
        code, told, _ = run("import", tmp_path / "a", flag, at=empty)
        assert (code, told["totals"]["unchanged"], told["items"]) == (0, 6, [])
    assert empty.revision() == before


def history(place: Place, path: str) -> list[dict[str, Any]]:
    moment = {"recorded_at", "author"}
    items = place.client.get(f"/{path}/history")["items"]
    return [{name: item[name] for name in item if name not in moment} for item in items]


def test_a_plan_says_what_changes_and_apply_does_it_at_once(
    full: Place, run: Run, tmp_path: Path
) -> None:
    run("export", "all", tmp_path, at=full)
    write(tmp_path / "accounts/bolt.yaml", "key: bolt\nparent: acme\n")
    write(tmp_path / "contracts/C-2.yaml", "number: C-2\naccount: bolt\nstart_date: 2026-02-01\n")
    file = tmp_path / "contracts/c-1.yaml"
    write(file, file.read_text().replace("null", "5"))
    before = full.revision()
    code, plan, _ = run("import", tmp_path, "--plan", at=full)
    assert (code, plan["applied"], plan["revision"]) == (0, False, before)
    assert {(i["key"], i["state"]) for i in plan["items"]} == {
        ("bolt", "new"), ("C-2", "new"), ("c-1", "changed"),
    }  # fmt: skip
    (step,) = next(item["steps"] for item in plan["items"] if item["key"] == "c-1")
    field = "lines[sms].allotment.quantity"
    assert step["changes"] == [{"field": field, "before": None, "after": "5"}]
    assert full.revision() == before
    words = ("import", tmp_path, "--apply", "--revision", plan["revision"])
    code, done, _ = run(*words, at=full)
    assert (code, done["applied"], done["revision"]) == (0, True, before + 1)
    assert full.client.get("/contracts/c-1")["lines"][0]["allotment"]["quantity"] == "5"
    code, again, _ = run("import", tmp_path, at=full)
    assert (code, again["totals"]) == (0, {"new": 0, "changed": 0, "unchanged": 8})
    assert full.revision() == before + 1


def test_what_changed_since_the_plan_is_not_overwritten(
    full: Place, run: Run, tmp_path: Path
) -> None:
    write(tmp_path / "meters/late.yaml", "key: late\nevent_type: a\naggregation: count\n")
    _, plan, _ = run("import", tmp_path, "--plan", at=full)
    full.client.put("/meters/other", {"event_type": "o", "aggregation": "count"})
    assert run("import", tmp_path, "--plan", "--revision", plan["revision"], at=full)[0] == 0
    full.client.put("/meters/late", {"event_type": "b", "aggregation": "count"})
    before = full.revision()
    code, told, _ = run("import", tmp_path, "--apply", "--revision", plan["revision"], at=full)
    assert (code, told["code"]) == (1, "revision_conflict")
    assert "make the plan again" in told["detail"]
    assert full.revision() == before


PLAIN = "number: C-1\naccount: acme\nstart_date: 2026-01-01\n"
#: File, what it says, and what is wrong: the field and a part of the sentence.
FAULTS = [
    ("contracts/a.yaml", "number: A\naccount: nobody\nstart_date: 2026-01-01\n",
     "account", "There is no account nobody"),
    ("contracts/b.yaml", "number: B\naccount: acme\nstart_date: 2026-13-01\n",
     "start_date", "a day of the calendar"),
    ("contracts/c.yaml", "number: C\naccount: acme\nstart_date: 2026-01-01\ntypo: 1\n",
     "typo", "not known here"),
    ("contracts/d.yaml", "number: D\n---\nnumber: D\naccount: acme\nstart_date: 2026-01-01\n",
     "account", "required"),
    ("contracts/e.yaml", "number: E\nnumber: E\n", "", "has a name twice"),
    ("contracts/f.yaml", f"{PLAIN}---\n{PLAIN}valid_from: 2026-05-01\n",
     "valid_from", "from which day"),
    ("contracts/g.yaml", "number: a/b\n", "number", "letters, digits"),
    ("contracts/h.json", '{"number": "A"}', "number", "also in contracts/a.yaml"),
    ("any.yaml", "name: x\n", "", "neither a key nor a number"),
    ("list.yaml", "- {key: ok}\n- 5\n", "", "not an object"),
    ("meters/sum.yaml", "key: sum\nevent_type: a\naggregation: sum\n", "property", "needs"),
    ("accounts/loop.yaml", "key: loop\nparent: loop\n", "parent", "itself"),
]  # fmt: skip


@pytest.mark.parametrize("word", ["validate", "import"])
def test_every_fault_is_named_with_its_file_and_field_and_nothing_is_written(
    full: Place, run: Run, tmp_path: Path, word: str
) -> None:
    for name, text, _, _ in FAULTS:
        write(tmp_path / name, text)
    before = full.revision()
    code, told, said = run(word, tmp_path, at=full)
    assert code == 1
    found = {(f["file"], f["field"]): f["detail"] for f in told["faults"]}
    for file, _, field, sentence in FAULTS:
        assert sentence in found[file, field], found
        assert file in said
    assert full.revision() == before


def test_what_is_missing_because_it_is_at_fault_is_told_once(
    full: Place, run: Run, tmp_path: Path
) -> None:
    write(tmp_path / "accounts/bad.yaml", "key: bad\ntimezone: Mars\n")
    write(tmp_path / "contracts/c.yaml", "number: C\naccount: bad\nstart_date: 2026-01-01\n")
    _, told, said = run("validate", tmp_path, at=full)
    assert [(f["file"], f["field"]) for f in told["faults"]] == [
        ("accounts/bad.yaml", "timezone"),
    ]
    assert said.splitlines()[0].startswith("accounts/bad.yaml: timezone: ")


def test_without_a_data_folder_files_are_checked_by_themselves(
    full: Place, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TALLYBOOK_DATA", raising=False)
    run("export", "all", tmp_path / "whole", at=full)
    code, told, _ = run("validate", "whole")
    assert (code, told["faults"]) == (0, [])
    assert told["notes"] == ["There is no data folder: the files were checked by themselves."]
    code, told, _ = run("validate", "whole/contracts")
    assert (code, len(told["notes"])) == (0, 3)
    (tmp_path / "whole/accounts/acme.yaml").unlink()
    code, told, _ = run("validate", "whole")
    assert code == 1
    assert {f["field"] for f in told["faults"]} == {"account", "parent"}
    assert run("validate", "whole", "--data", "nowhere")[0] == 3
    assert run("validate", "nothing")[1]["code"] == "file_missing"


BEFORE = """\
number: M-1
account: acme
start_date: 2026-11-01
base_charges:
- {name: fee, amount: 300}
lines:
- code: sms
  meter: sms
  allotment: {quantity: 2}
  price: {model: per_unit, unit_amount: "0.50"}
"""


def test_a_plan_says_what_it_comes_to_in_units_and_money(
    full: Place, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contracts/M-1.yaml"
    write(file, BEFORE)
    assert run("import", tmp_path, at=full)[0] == 0
    event = {"specversion": "1.0", "source": "/t", "type": "sms", "subject": "acme"}
    times = [f"2026-11-{day:02}T12:00:00Z" for day in (2, 3, 4, 5, 6)]
    full.client.post("/events", [{**event, "id": t, "time": t} for t in times])
    full.client.post("/tick", None)
    # From 21 November on, in Berlin: 20 of 30 days as before, 10 as then.
    write(file, BEFORE.replace("300", "360").replace("quantity: 2", "quantity: 5"))
    code, plan, _ = run("import", tmp_path, "--plan", at=full)
    assert code == 0
    assert plan["money"] == [{"currency": "USD", "before": "301.50", "after": "321.00"}]
    (effect,) = plan["effects"]
    assert (effect["before"]["total"], effect["after"]["total"]) == ("301.50", "321.00")
    assert {
        c["code"]: (c["before"]["amount"], c["after"]["amount"]) for c in effect["charges"]
    } == {
        "sms": ("1.50", "1.00"),
        "fee": ("300.00", "320.00"),
    }
    sms = next(c for c in effect["charges"] if c["code"] == "sms")
    assert (sms["before"]["included"], sms["after"]["included"]) == ("2", "3")
    assert (sms["before"]["billable_quantity"], sms["after"]["billable_quantity"]) == ("3", "2")
    assert main(["import", str(tmp_path), "--plan", "--data", str(full.data)]) == 0
    said = capsys.readouterr().out
    assert "M-1, 2026-11-01 to 2026-12-01: 301.50 → 321.00 USD\n" in said
    assert "  sms (events): included 2 → 3; billable 3 → 2; amount 1.50 → 1.00\n" in said, said
    assert "--apply --revision" in said
    run("import", tmp_path, "--apply", at=full)
    assert full.client.get("/statements/M-1")["total"] == "321.00"


def test_a_change_of_a_meter_touches_the_contracts_that_name_it(
    full: Place, run: Run, tmp_path: Path
) -> None:
    twice = "key: sms\nevent_type: sms\naggregation: count\nunit: messages\n"
    write(tmp_path / "meters/sms.yaml", twice)
    _, plan, _ = run("import", tmp_path, "--plan", at=full)
    assert {"C-1", "c-1"} <= {effect["contract"] for effect in plan["effects"]}
    assert "a:b" not in {effect["contract"] for effect in plan["effects"]}


def test_flags_that_contradict_are_wrong_usage(full: Place, run: Run, tmp_path: Path) -> None:
    assert run("import", tmp_path, "--plan", "--apply", at=full)[0] == 2


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


SHEET = 'No,Customer,From,Service,Included,Rate\nX-1,acme,01/02/2026,sms,"1,000",0.05\n'
COLUMNS = {
    "map": {
        "number": "No", "account": "Customer", "start_date": "From", "lines.0.code": "Service",
        "lines.0.meter": "Service", "lines.0.allotment.quantity": "Included",
        "lines.0.price.unit_amount": "Rate",
    },
    "set": {"lines.0.price.model": "per_unit"},
    "dates": "DD/MM/YYYY",
    "numbers": "1,234.5",
}  # fmt: skip


def test_a_spreadsheet_is_planned_then_applied(full: Place, run: Run, tmp_path: Path) -> None:
    write(tmp_path / "c.csv", SHEET)
    write(tmp_path / "m.yaml", json.dumps(COLUMNS))
    words = ("import", "contracts", tmp_path / "c.csv", "--mapping", tmp_path / "m.yaml")
    before = full.revision()
    code, plan, _ = run(*words, "--plan", at=full)
    assert (code, plan["totals"]["new"], full.revision()) == (0, 1, before)
    write(tmp_path / "c.csv", f"{SHEET}X-2,acme,01/02/2026,nothing,1,0.05\n")
    for flag in ("--plan", "--apply"):
        code, told, said = run(*words, flag, at=full)
        assert (code, full.revision()) == (1, before)
        (fault,) = told["faults"]
        assert (fault["row"], fault["column"], fault["field"]) == (3, "Service", "lines.0.meter")
        assert "c.csv row 3, column 'Service': lines.0.meter: There is no meter nothing" in said
    code, told, _ = run(*words, at=full)  # without a flag each row stands for itself
    assert (code, told["written"], told["rejected"]) == (1, 1, 1)
    assert (told["faults"][0]["row"], full.revision()) == (3, before + 1)
    assert full.client.get("/contracts/X-1")["lines"][0]["allotment"]["quantity"] == "1000"
