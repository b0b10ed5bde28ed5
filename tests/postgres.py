"""A PostgreSQL server of the tests' own, started on first use, and a database a folder in it.

It listens on a socket file in a folder of its own and forgets everything when the tests end, so it
need not wait for the disk.
"""

import atexit
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from tallybook.stores.books.database import Database
from tallybook.stores.postgresql import address
from tests import machine

START_SECONDS_MAX = 30
KEPT_MAX = 12
ICU = 150_000
#: The mark of a test on PostgreSQL, for the parameters of one that runs on several stores.
ON_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
_kept: deque[str] = deque()

#: A tenth of the examples that a test tries elsewhere: it is the same code for the most part.
FEWER = settings(max_examples=max(5, settings().max_examples // 10))


def database(folder: Path) -> str:
    """Return the address of the database of a folder, with the tables of Books and nothing in it
    where there was none. Only the newest are kept.
    """
    name = f"t{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
    if name not in _kept:
        model = _model()
        _kept.append(name)
        with _administrator() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {model}".encode())
            while len(_kept) > KEPT_MAX:
                admin.execute(f"DROP DATABASE {_kept.popleft()} WITH (FORCE)".encode())
    return _address(name)


def empty_database(name: str) -> str:
    """Return the address of a new database without tables."""
    with _administrator() as admin:
        # A locale that sorts as people do, where there is one: no answer may depend on it.
        locale = (
            "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" if admin.info.server_version >= ICU else ""
        )
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 {locale}".encode())
    return _address(name)


@contextmanager
def passing(name: str) -> Iterator[str]:
    """Yield the address of a new database without tables, dropped afterwards."""
    try:
        yield empty_database(name)
    finally:
        with _administrator() as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _model() -> str:
    """Make the database that others are copies of: making the tables each time takes longer."""
    name = "model"
    Database(address(empty_database(name))).close()
    return name


def _address(name: str) -> str:
    return f"postgresql://postgres@/{name}?host={server()}"


def _administrator() -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(host=server(), user="postgres", dbname="postgres", autocommit=True)


@cache
def server() -> str:
    """Start the server of this process, which ends with it; return the folder of its socket."""
    programs = os.environ.get("TALLYBOOK_POSTGRESQL") or machine.postgresql_here()
    if programs is None:
        pytest.skip("there is no PostgreSQL on this machine; ./tallybook test installs one")
    home = Path(tempfile.mkdtemp(prefix="tallybook-pg-"))
    owner = _owner()
    if owner is not None:
        shutil.chown(home, owner)
    data = home / "data"
    initdb = [f"{programs}/initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
    initdb += ["--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(initdb, user=owner, check=True, stdout=subprocess.DEVNULL, cwd="/")
    values = {
        "listen_addresses": "",
        "unix_socket_directories": home,
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "max_connections": "200",
    }
    options = [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [f"{programs}/postgres", "-D", data, *options],
            user=owner,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    atexit.register(_stop, process, home)
    _wait(home, process)
    return str(home)


def _owner() -> str | None:
    """Return who runs the server: it refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wait(home: Path, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as e:
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError((home / "log").read_text()) from e
            time.sleep(0.05)
        else:
            return


def _stop(process: subprocess.Popen[bytes], home: Path) -> None:
    process.terminate()
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(home, ignore_errors=True)
