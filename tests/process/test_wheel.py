"""The wheel holds everything and runs where there is no checkout."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import tallybook

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src/tallybook"


def run(*command: str | Path, folder: Path) -> str:
    """Run it outside the checkout and give its output."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the tools at hand, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    run(*build, str(ROOT), folder=folder)
    return next(folder.glob("*.whl"))


def installer(python: Path) -> list[str]:
    """The command that installs into another environment: pip, or uv where there is no pip."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(python), "install", "-q"]
    return [shutil.which("uv") or "uv", "pip", "install", "-q", "--python", str(python)]


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    here = {
        f"tallybook/{file.relative_to(PACKAGE).as_posix()}"
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with zipfile.ZipFile(wheel) as opened:
        there = {name for name in opened.namelist() if ".dist-info/" not in name}
        licence = any(name.endswith("/LICENSE") for name in opened.namelist())
    assert there == here
    assert licence


def test_the_wheel_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env/bin/python"
    run(*installer(python), "--no-deps", "--no-index", str(wheel), folder=tmp_path)
    # The third parties of this environment, without its link to the checkout: a .pth file is
    # followed in a site folder only, not in one that another .pth names.
    site = Path(
        run(python, "-c", "import site; print(site.getsitepackages()[0])", folder=tmp_path).strip()
    )
    (site / "third-parties.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run(python, "-c", "import tallybook; print(tallybook.__file__)", folder=tmp_path)
    assert where.startswith(str(tmp_path))
    said = run(tmp_path / "env/bin/tallybook", "--version", folder=tmp_path)
    assert said == f"tallybook {tallybook.__version__}\n"
    assert "Usage: tallybook WORD" in run(tmp_path / "env/bin/tallybook", folder=tmp_path)
