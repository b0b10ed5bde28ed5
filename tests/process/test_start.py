"""How the command line starts: as fast as a shell tool, and from any folder."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

START_SECONDS_MAX = 0.3


def started(arguments: list[str], folder: Path) -> float:
    """Seconds from the start of a process to its end."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-P", "-m", "tallybook", *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_a_warm_start_is_fast(word: str, tmp_path: Path) -> None:
    """The best of several: other work on the machine only ever adds."""
    best = min(started([word], tmp_path) for _ in range(7))
    assert best <= START_SECONDS_MAX, f"{word} took {best:.2f} s: which import became eager?"
