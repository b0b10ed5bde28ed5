"""The `tallybook` script sets itself up once, whatever the folder, and beside itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import tallybook

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
VERSION = f"tallybook {tallybook.__version__}\n"
SETTING_UP = "setting up"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a path with spaces that asks for no packages, so that nothing is fetched."""
    folder = tmp_path / "my check out"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements/run.txt").write_text("# nothing\n")
    shutil.copy(ROOT / "tallybook", folder)
    (folder / "src").symlink_to(ROOT / "src")
    return folder


@pytest.fixture
def bare(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a newcomer: an empty home, a CDPATH, and uv where the tests have it."""
    (tmp_path / "home").mkdir()
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    assert uv, "uv is needed, so that the test fetches nothing"
    path = f"{Path(uv).parent}:/usr/local/bin:/usr/bin:/bin"
    return {"HOME": str(tmp_path / "home"), "CDPATH": str(tmp_path), "PATH": path, "CI": "true"}


def start(
    checkout: Path, environment: Mapping[str, str], folder: str = "/"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [checkout / "tallybook", "--version"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_sets_up_once_and_again_when_the_list_changes(
    checkout: Path, bare: Mapping[str, str]
) -> None:
    out, err = start(checkout, bare).communicate()
    assert (out, err.count(SETTING_UP)) == (VERSION, 1), err
    assert start(checkout, bare, str(checkout)).communicate() == (VERSION, "")
    (checkout / "requirements/run.txt").write_text("# another nothing\n")
    out, err = start(checkout, bare).communicate()
    assert (out, err.count(SETTING_UP)) == (VERSION, 1), err


def test_two_at_once_set_up_once(checkout: Path, bare: Mapping[str, str]) -> None:
    both = [start(checkout, bare), start(checkout, bare)]
    said = [process.communicate() for process in both]
    assert [out for out, _ in said] == [VERSION, VERSION], said
    assert sum(err.count(SETTING_UP) for _, err in said) == 1
    assert not (checkout / ".venv.lock").exists()


def test_a_set_up_that_was_killed_is_taken_over(checkout: Path, bare: Mapping[str, str]) -> None:
    (checkout / ".venv.lock").mkdir()
    gone = subprocess.Popen(["true"])
    gone.wait()
    (checkout / ".venv.lock/owner").write_text(f"{gone.pid}\n")
    out, err = start(checkout, bare).communicate()
    assert out == VERSION, err


def test_a_missing_venv_module_is_installed_by_root_and_named_to_others(
    checkout: Path, bare: Mapping[str, str], tmp_path: Path
) -> None:
    """Debian's python3 has no ensurepip until its package is there; apt-get and id are played."""
    there = tmp_path / "python3-venv"
    plays = {
        "python3": f'case "$*" in *ensurepip*|*venv*) [ -e "{there}" ] || exit 1;; esac\n'
        f'exec "{sys.executable}" "$@"',
        "apt-get": f'case "$*" in *python3-venv*) touch "{there}";; esac',
        "id": "echo 1000",
    }
    (tmp_path / "bin").mkdir()
    for name, text in plays.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    debian = {**bare, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "PIP_NO_INDEX": "1"}
    process = start(checkout, debian)
    _, err = process.communicate()
    assert process.returncode == 1
    assert "sudo apt-get install -y python3-venv" in err
    (tmp_path / "bin/id").write_text("#!/bin/sh\necho 0\n")
    out, err = start(checkout, debian).communicate()
    assert "installing python3-venv" in err
    assert out == VERSION, err


def test_it_works_through_a_link(checkout: Path, bare: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tallybook").symlink_to(checkout / "tallybook")
    out, err = start(tmp_path / "bin", bare, "/").communicate()
    assert out == VERSION, err


def test_without_packages_it_says_what_to_do(
    checkout: Path, bare: Mapping[str, str], tmp_path: Path
) -> None:
    """Neither uv nor pip can install: the script fails, and the next start tries again."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/uv").write_text("#!/bin/sh\n[ $1 = venv ] || exit 1\n")
    (tmp_path / "bin/uv").chmod(0o755)
    (checkout / "requirements/run.txt").write_text("no-such-package-1 == 0\n")
    away = {
        **bare,
        "PATH": f"{tmp_path / 'bin'}:{bare['PATH']}",
        "PIP_NO_INDEX": "1",
    }
    process = start(checkout, away)
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "trying pip" in err
    assert "the packages could not be installed" in err
    (checkout / "requirements/run.txt").write_text("# nothing\n")
    assert start(checkout, bare).communicate()[0] == VERSION


def test_an_old_python_is_refused_with_the_line_to_type(
    checkout: Path, bare: Mapping[str, str], tmp_path: Path
) -> None:
    """Only tools of the shell are on this PATH, and each python3 says it is too old."""
    (tmp_path / "bin").mkdir()
    for tool in ("dirname", "readlink", "cat", "cksum", "mkdir", "rm", "id", "sh"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / name).chmod(0o755)
    process = start(checkout, {**bare, "PATH": str(tmp_path / "bin")})
    _, err = process.communicate()
    assert process.returncode == 1
    assert "apt-get install -y python3" in err
    assert not os.path.lexists(checkout / ".venv.lock")
