"""The word `alert`: the catalogue, what a check finds now, and what subscriptions found."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.cli import main
from tallybook.cli._exit import ExitCode
from tallybook.settings import Settings
from tallybook.web.listening import Address, told
from tests.alerts._seen import installed
from tests.serving import Client

RATIO = "contract.base_vs_coverage"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose server runs, with a contract whose base is too low."""
    folder = tmp_path_factory.mktemp("alert") / "data"
    settings = Settings(data=folder)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        client = Client(urlsplit(address.url).port or 0, key)
        client.put("/accounts/acme")
        client.put("/meters/copies", event_type="copy", aggregation="count")
        group = {"name": "copies", "meters": ["copies"], "covered_quantity": "3000"}
        client.put(
            "/contracts/C-1",
            account="acme",
            start_date="2026-01-01",
            base_charges=[{"name": "base", "amount": "30"}],
            meter_groups=[{**group, "overage_rate": "0.016"}],
        )
        yield folder


def client_of(folder: Path) -> Client:
    server = json.loads((folder / "server.json").read_text())
    return Client(urlsplit(server["url"]).port or 0, server["token"])


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str, errors: bool = False) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["alert", *words, "--data", str(folder)])
        said = capsys.readouterr()
        return code, said.err if errors else said.out

    return run


def test_the_catalogue_and_one_check(run: Any) -> None:
    code, listed = run("list")
    assert code == ExitCode.DONE
    assert RATIO in listed
    code, shown = run("list", "--json")
    assert RATIO in {item["code"] for item in json.loads(shown)["items"]}
    code, shown = run("show", RATIO)
    assert (code, "low" in shown, "0.75" in shown) == (ExitCode.DONE, True, True)
    assert json.loads(run("show", RATIO, "--json")[1])["code"] == RATIO
    assert run("show", "no.such")[0] == ExitCode.PROBLEMS


def test_a_dry_run_says_what_is_found_and_ends_with_1(run: Any) -> None:
    code, said = run("run", RATIO, "--dry-run")
    assert (code, "C-1" in said) == (ExitCode.PROBLEMS, True)
    code, said = run("run", RATIO, "--set", "low=0.5", "--dry-run", "--json")
    assert (code, json.loads(said)["findings"]) == (ExitCode.DONE, [])
    code, said = run("run", RATIO, "--account", "acme", "--dry-run", "--json")
    assert json.loads(said)["findings"][0]["outputs"]["ratio"] == "0.625"
    assert run("run", RATIO, "--set", "low=2", "--dry-run")[0] == ExitCode.PROBLEMS


@pytest.mark.parametrize("words", [(), ("--set", "low", "--dry-run")])
def test_what_makes_no_sense_is_wrong_usage(run: Any, words: tuple[str, ...]) -> None:
    assert run("run", RATIO, *words)[0] == ExitCode.USAGE


def test_a_subscription_is_run_and_its_findings_are_listed(run: Any, folder: Path) -> None:
    client = client_of(folder)
    asked = {"check": RATIO, "recipients": {"to": ["admin@example.com"]}}
    made = client.call("POST", "/subscriptions", asked).json
    chosen = ("--subscription", made["id"])
    assert run("run", RATIO, *chosen, "--dry-run")[0] == ExitCode.PROBLEMS
    assert "C-1" not in run("findings")[1]
    assert run("run", RATIO, *chosen)[0] == ExitCode.PROBLEMS
    assert run("run", RATIO, *chosen)[0] == ExitCode.DONE  # it was said
    assert "C-1" in run("findings")[1]
    assert json.loads(run("findings", "--json", "--check", RATIO)[1])["items"][0]["entity"] == "C-1"
    assert made["id"] in run("subscriptions")[1]
    assert json.loads(run("subscriptions", "--json")[1])["items"][0]["id"] == made["id"]


def test_a_subscription_to_another_check_is_not_run(run: Any, folder: Path) -> None:
    asked = {"check": "contract.expiring", "recipients": {"to": ["admin@example.com"]}}
    made = client_of(folder).call("POST", "/subscriptions", asked).json
    code, said = run("run", RATIO, "--subscription", made["id"], "--dry-run", errors=True)
    assert (code, "contract.expiring" in said) == (ExitCode.USAGE, True)


def test_what_cannot_be_judged_is_said(run: Any, folder: Path) -> None:
    idle = {"meter_groups": [{"name": "copies", "meters": ["copies"], "overage_rate": "0.016"}]}
    client_of(folder).put("/contracts/C-2", account="acme", start_date="2026-01-01", **idle)
    code, said = run("run", RATIO, "--set", "low=0", "--dry-run", errors=True)
    assert (code, said) == (
        ExitCode.DONE,
        "0 found; 2 contracts looked at.\n1 could not be judged: nothing_to_compare.\n",
    )


def test_stale_data_is_not_all_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    words = ["alert", "run", "allotment.threshold", "--dry-run", "--data", str(folder)]
    with installed(folder) as house:
        address = Address(f"http://127.0.0.1:{house.port}", house.key)
        with told(folder / "server.json", address):
            desk = house.desk()
            desk.line()
            desk.tick()
            assert main(words) == ExitCode.DONE
            desk.use("2026-04-20", 1)
            clock = house.services.clock
            clock.set(clock.now() + timedelta(hours=1))
            capsys.readouterr()
            assert main(words) == ExitCode.UNAVAILABLE
            assert "1 could not be judged: data_stale." in capsys.readouterr().err
