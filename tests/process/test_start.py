"""How the command line starts: as fast as a shell tool, and from any folder."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tallybook.cli import words

pytestmark = pytest.mark.process

START_SECONDS_MAX = 0.3


def cpu_seconds(arguments: list[str], folder: Path) -> float:
    """What a start costs, whatever else the machine is doing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-P", "-m", "tallybook", *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_a_warm_start_is_fast(word: str, tmp_path: Path) -> None:
    best = min(cpu_seconds([word], tmp_path) for _ in range(5))
    assert best <= START_SECONDS_MAX, f"{word} took {best:.2f} s: which import became eager?"


@pytest.mark.parametrize("word", words())
def test_a_word_is_explained_without_the_application(word: str, tmp_path: Path) -> None:
    """It brings the web framework and every store: over a second that `--help` must not cost."""
    script = (
        "import sys; from tallybook import cli\n"
        f"cli.main([{word!r}, '--help'])\n"
        "sys.exit('tallybook.app' in sys.modules)"
    )
    subprocess.run([sys.executable, "-P", "-c", script], cwd=tmp_path, check=True)
