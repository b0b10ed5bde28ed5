"""The gate on coverage, and that the test command fails when it should."""

from pathlib import Path
from typing import Any

import pytest

from tests.run import Failed, Run, judge, main, share


def file(ran: int, there: int) -> dict[str, Any]:
    summary = {
        "covered_lines": ran,
        "num_statements": there,
        "covered_branches": 0,
        "num_branches": 0,
        "percent_covered": 100 * ran / there,
    }
    return {"summary": summary}


def complaints(model: int, web: int, debt: dict[str, int] | None = None) -> list[str]:
    """What the gates say when so many of a hundred lines ran in two rooms."""
    report = {
        "files": {
            "src/tallybook/model/money.py": file(model, 100),
            "src/tallybook/web/api.py": file(web, 100),
        }
    }
    gates = {"coverage": {"overall": 95, "full": ["model", "pricing"], "debt": debt or {}}}
    return list(judge(report, gates))


def test_a_room_without_code_is_whole() -> None:
    assert share([]) == 100
    assert complaints(100, 100) == []


def test_each_gate_bites() -> None:
    assert "model has 99.00 %, wanted 100 %" in complaints(99, 100)[0]
    assert "src/tallybook/model/money.py" in complaints(99, 100)[0]
    assert "overall has 94.50 %, wanted 95 %" in complaints(100, 89)[0]
    assert complaints(100, 90) == []


def test_a_debt_is_a_ratchet() -> None:
    assert complaints(98, 100, {"model": 98}) == []
    assert "wanted 98 %" in complaints(97, 100, {"model": 98})[0]
    assert "raise its debt" in complaints(99, 100, {"model": 98})[0]


def test_a_stage_that_fails_stops_with_its_hint(tmp_path: Path) -> None:
    run = Run(tmp_path, frozenset())
    run.stage("fine", "-c", "", hint="never said")
    with pytest.raises(Failed, match=r"^broken: do this$"):
        run.stage("broken", "-c", "raise SystemExit(1)", hint="do this")
    with pytest.raises(Failed, match="nothing was proven"):
        run.tests("empty", "browser", "tests/test_run.py", "-p", "no:cacheprovider")


def test_the_closing_line(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = "tests/test_run.py::test_each_gate_bites"
    assert main(["--quick", chosen, "-p", "no:cacheprovider"]) == 0
    closing = capsys.readouterr().out.splitlines()[-1]
    assert closing.startswith("tallybook test: passed, only these tests, no other gate | 1 tests")
    assert main(["tests/no_such_file.py"]) == 1
    assert "FAILED" in capsys.readouterr().out.splitlines()[-1]
    assert main(["--help"]) == 0
    assert "--cluster" in capsys.readouterr().out
