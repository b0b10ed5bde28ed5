"""What the test command says when it cannot get what it needs."""

import os
from pathlib import Path

import pytest

from tests import machine


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and no programs but those of the folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path


def npm(folder: Path, script: str) -> None:
    """Put an npm there that does as it is told; its fourth argument is where packages go."""
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.usefixtures("bare")
def test_without_npm_it_says_what_to_type() -> None:
    with pytest.raises(machine.Missing, match="npm is missing"):
        machine.clickhouse()


def test_without_a_network_it_says_what_to_type(bare: Path) -> None:
    npm(bare, "exit 1")
    with pytest.raises(machine.Missing, match="With a network, type this"):
        machine.clickhouse()


def test_what_is_not_the_library_is_not_kept(bare: Path) -> None:
    tools = f"PATH={os.defpath}"
    npm(
        bare,
        f'{tools}; cd "$4"; mkdir package; echo other > package/libchdb.so; tar czf a.tgz package',
    )
    with pytest.raises(machine.Missing, match="is not what it was"):
        machine.clickhouse()
    assert not list((bare / "cache" / "tallybook").iterdir())
