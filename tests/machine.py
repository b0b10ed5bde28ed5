"""Finds the programs of the machine that tests need, or installs them where that is allowed."""

import os
import shutil
import subprocess
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
POSTGRESQL = Path("/usr/lib/postgresql")


class Missing(Exception):
    """A program is not there and may not be installed; the text holds the line to type."""


def chromium() -> str:
    """The path of Chromium: the setting TALLYBOOK_CHROMIUM, else one of its usual names.

    Raises:
        Missing: there is none, and this is no Debian on which we are root.
    """
    return _chromium() or (_installed("chromium") and _chromium()) or _missing("chromium")


def postgresql() -> str:
    """The folder of PostgreSQL's server programs, newest first.

    Raises:
        Missing: as for Chromium.
    """
    found = postgresql_here() or (_installed("postgresql") and postgresql_here())
    return found or _missing("postgresql")


def _chromium() -> str | None:
    named = os.environ.get("TALLYBOOK_CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM)), None)


def postgresql_here() -> str | None:
    """The folder of PostgreSQL's server programs, or None."""
    if found := shutil.which("initdb"):
        return str(Path(found).resolve().parent)
    folders = [file.parent for file in POSTGRESQL.glob("*/bin/initdb")]
    return str(max(folders, key=lambda f: int(f.parent.name), default="")) or None


def _installed(package: str) -> bool:
    """Install a Debian package when we may."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", package]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (install, ["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0 and command is install:
            return True
    return False


def _missing(package: str) -> str:
    raise Missing(f"{package} is missing. Type this:  sudo apt-get install -y {package}")
