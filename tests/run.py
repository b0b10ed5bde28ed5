"""`./tallybook test`: every gate in order, the cheap ones first, and one closing line.

./tallybook test            all of it, as the continuous integration runs it
./tallybook test --quick    without browser, process and thorough tests; hypothesis tries less
./tallybook test --long     with the long tests, and hypothesis trying harder
./tallybook test --cluster  with the tests that need a ClickHouse cluster
./tallybook test WORDS      only pytest with these arguments; no other gate is run
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests import machine
from tests.cluster import rig

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = ("--quick", "--long", "--cluster")
APART = "browser or process or thorough or long or cluster"
NO_TESTS = 5  # pytest's exit code when nothing matches


class Failed(Exception):
    """A stage did not pass; the text says what to do."""


@dataclass
class Run:
    """One run: what was asked, and what is known so far."""

    scratch: Path
    options: frozenset[str]
    seconds: dict[str, float] = field(default_factory=dict)
    passed: int = 0
    skipped: int = 0

    def stage(self, name: str, *arguments: str, hint: str, **settings: str) -> None:
        """Run Python with these arguments and settings of the environment; raise Failed with the
        hint when it does not pass.
        """
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._environment() | settings,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        self.seconds[name] = time.monotonic() - began
        if done.returncode == NO_TESTS and "pytest" in arguments:
            raise Failed(f"{name}: no test was found, so nothing was proven.")
        if done.returncode:
            raise Failed(f"{name}: {hint}")

    def tests(self, name: str, marks: str, *arguments: str, **settings: str) -> None:
        """Run the tests that carry these marks and count them."""
        report = self.scratch / f"{name}.xml"
        chosen = ["-m", marks] if marks else []
        self.stage(
            name,
            "-m",
            "pytest",
            *chosen,
            f"--junitxml={report}",
            "-q",
            "-rs",
            *arguments,
            hint="run the failed test alone:  ./tallybook test PATH::NAME",
            **settings,
        )
        suite = ET.parse(report).getroot()[0]  # noqa: S314 (our own file)
        self.skipped += int(suite.get("skipped", 0))
        self.passed += int(suite.get("tests", 0)) - int(suite.get("skipped", 0))

    def tests_of_two(self, name: str, marks: str, *arguments: str) -> None:
        """As `tests`, in two processes that begin at both ends, so that what a file's tests share
        is made once; and in memory where there is room: nothing here is proven by a disk.
        """
        both = ("-n", "2", "--dist", "worksteal", "--durations=20")
        with tempfile.TemporaryDirectory(dir=machine.memory()) as folder:
            Path(folder).chmod(0o711)  # PostgreSQL, whose folder lies within, runs as another user
            self.tests(name, marks, *both, *arguments, TMPDIR=folder)

    def _environment(self) -> dict[str, str]:
        profile = next((o[2:] for o in ("--long", "--quick") if o in self.options), "normal")
        return {"HYPOTHESIS_PROFILE": profile, **os.environ}


def lint(run: Run) -> None:
    run.stage("ruff", "-m", "ruff", "check", ".", hint="fix, or  .venv/bin/ruff check --fix")
    run.stage("format", "-m", "ruff", "format", "--check", ".", hint=".venv/bin/ruff format")
    run.stage("mypy", "-m", "mypy", hint="give the types named above")
    run.stage(
        "imports",
        "-c",
        "from importlinter.cli import lint_imports_command as main; main(['--no-logo'])",
        hint="the guidance above says where it belongs",
    )


def covered(run: Run) -> None:
    """The tests of the rooms under coverage, then the gate on it."""
    data = run.scratch / "coverage.json"
    coverage = ["--cov", f"--cov-report=json:{data}"]
    run.tests_of_two("tests", f"not ({APART})", *coverage)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    complaints = list(judge(json.loads(data.read_text("utf-8")), settings["tool"]["tallybook"]))
    if complaints:
        raise Failed("coverage: " + "\n          ".join(complaints))


def judge(report: dict[str, Any], gates: dict[str, Any]) -> Iterable[str]:
    """Compare a coverage report with its gates; yield what to do.

    A room named in `debt` may stay below its gate, at the floor written there, and that floor
    follows the room up: a ratchet.
    """
    gate = gates["coverage"]
    floors = {"overall": gate["overall"], **dict.fromkeys(gate["full"], 100)}
    for room, wanted in floors.items():
        prefix = "src/tallybook/" + ("" if room == "overall" else f"{room}/")
        files = {name: f["summary"] for name, f in report["files"].items() if prefix in name}
        percent = share(files.values())
        floor = gate.get("debt", {}).get(room, wanted)
        if percent < floor:
            worst = sorted(files, key=lambda name: files[name]["percent_covered"])[:5]
            yield f"{room} has {percent:.2f} %, wanted {floor} %; least in {', '.join(worst)}"
        elif floor < wanted and percent >= floor + 1:
            yield f"{room} has {percent:.2f} %: raise its debt in pyproject, or remove it"


def share(summaries: Iterable[dict[str, Any]]) -> float:
    """Percent of lines and branches that ran; an empty room is whole."""
    files = list(summaries)
    ran = sum(f["covered_lines"] + f["covered_branches"] for f in files)
    there = sum(f["num_statements"] + f["num_branches"] for f in files)
    return 100 * ran / there if there else 100.0


def apart(run: Run) -> None:
    """The suites that need a browser, other processes, a cluster or patience."""
    run.tests_of_two("thorough", "thorough and not long")
    os.environ["TALLYBOOK_CHROMIUM"] = machine.chromium()
    run.tests("browser", "browser and not long", "-n", "2")
    run.tests("processes", "process and not long")
    if "--long" in run.options:
        run.tests("long", "long and not cluster", "--timeout=3600")
    if "--cluster" in run.options:
        rig.launcher()
        run.tests("cluster", "cluster", "--timeout=3600")


def everything(run: Run) -> None:
    lint(run)
    os.environ["TALLYBOOK_POSTGRESQL"] = machine.postgresql()
    covered(run)
    if "--quick" not in run.options:
        apart(run)


def main(arguments: Sequence[str]) -> int:
    options = frozenset(a for a in arguments if a in OPTIONS)
    words = [a for a in arguments if a not in OPTIONS]
    if {"-h", "--help"} & set(words):
        print(__doc__)
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        run = Run(Path(scratch), options)
        try:
            if words:
                run.tests("tests", f"not ({APART})" if "--quick" in options else "", *words)
            else:
                everything(run)
        except (Failed, machine.Missing) as problem:
            verdict, code = f"FAILED  {problem}", 1
        else:
            gates = "only these tests, no other gate" if words else "every gate"
            verdict, code = f"passed, {gates}", 0
    stages = ", ".join(f"{name} {seconds:.0f}" for name, seconds in run.seconds.items())
    total = time.monotonic() - began
    counts = f"{run.passed} tests, {run.skipped} skipped"
    print(f"\ntallybook test: {verdict} | {counts} | {total:.0f} s ({stages})")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
