import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

import tallybook
from tallybook import cli
from tallybook.cli import _command
from tallybook.cli._exit import ExitCode
from tallybook.model import kinds
from tallybook.model.errors import NotFound, TallybookError, TooLarge, Unavailable


def words_made_here(monkeypatch: pytest.MonkeyPatch, app: typer.Typer) -> None:
    """Let the word `sample` run this Typer, as if `cli/sample_.py` held it."""
    monkeypatch.setattr(kinds, "names", lambda _room: ("sample_",))
    monkeypatch.setattr(kinds, "load", lambda _room, _name: SimpleNamespace(app=app))


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_the_overview_lists_every_word(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == ExitCode.DONE
    page = capsys.readouterr().out
    assert all(f"\n  {word} " in page for word in ("test", *cli.words()))
    assert max(map(len, page.splitlines())) <= 100


def test_no_word_shows_the_overview(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tallybook"])
    assert cli.main() == ExitCode.DONE
    assert capsys.readouterr().out.startswith("Usage: tallybook WORD")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"tallybook {tallybook.__version__}\n"


def test_the_module_is_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tallybook", "--version"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("tallybook", run_name="__main__")
    assert stop.value.code == ExitCode.DONE
    assert capsys.readouterr().out.startswith("tallybook ")


def test_an_unknown_word_is_refused_with_a_guess(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words_made_here(monkeypatch, typer.Typer())
    assert cli.main(["samle"]) == ExitCode.USAGE
    assert "Did you mean 'sample'?" in capsys.readouterr().err
    assert cli.main(["xyzzy"]) == ExitCode.USAGE
    assert "mean" not in capsys.readouterr().err


def test_every_word_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for word in cli.words():
        assert cli.main([word, "--help"]) == ExitCode.DONE
        assert f"Usage: tallybook {word}" in capsys.readouterr().out


def test_a_word_runs_and_gives_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = _command.commands()

    @app.command()
    def sample(code: int, as_json: _command.Json = False) -> None:
        if as_json:
            _command.print_json({"answer": Path("é"), "code": code})
        raise typer.Exit(code)

    words_made_here(monkeypatch, app)
    assert cli.main(["sample", "0", "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {"answer": "é", "code": 0}
    assert cli.main(["sample", "1"]) == ExitCode.PROBLEMS
    assert cli.main(["sample"]) == ExitCode.USAGE
    assert cli.main(["sample", "one"]) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("unknown_account", "There is no account 'a'."), ExitCode.PROBLEMS),
        (TooLarge("batch_too_large", "Send less.", limit=10, asked=11), ExitCode.PROBLEMS),
        (Unavailable("ledger_away", "Start it."), ExitCode.UNAVAILABLE),
    ],
)
def test_a_refusal_says_why_to_people_and_programs(
    error: TallybookError,
    code: ExitCode,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = _command.commands()

    @app.command()
    def sample(_as_json: _command.Json = False) -> None:
        raise error

    words_made_here(monkeypatch, app)
    assert cli.main(["sample"]) == code
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{error.detail} ({error.code})\n")
    assert cli.main(["sample", "--json"]) == code
    facts = {name: str(value) for name, value in error.facts.items()}
    assert json.loads(capsys.readouterr().out) == {
        "code": error.code,
        "detail": error.detail,
        **facts,
    }


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    app = _command.commands()

    @app.command()
    def sample() -> None:
        raise ZeroDivisionError

    words_made_here(monkeypatch, app)
    with pytest.raises(ZeroDivisionError):
        cli.main(["sample"])
