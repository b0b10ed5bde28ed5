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

    def revision(self) -> str:
        """Return the revision of Books, as a mark says it."""
        found: str = self.client.get("/positions")["known_at"]
        return found.split(".")[2]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Place]]:
    """Yield what starts a new, empty installation."""
    with ExitStack() as stack:

        def start() -> Place:
            data = tmp_path_factory.mktemp("place") / "data"
            app.initialise(Settings(data=data), "a@example.com")
            url, token = stack.enter_context(app.running(Settings(data=data)))
            return Place(data, stack.enter_context(client_of(url, token)))

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
