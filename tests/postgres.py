"""A PostgreSQL server of the tests' own, started on first use, and a database a folder in it.

It listens on a socket file in a folder of its own and forgets everything when the tests end, so it
need not wait for the disk.
"""

import atexit
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
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
#: The version that knows locales of ICU, and more than one way to copy a database.
NEWER = 150_000
#: What ends with the tests need not survive a power cut.
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
#: The role that has to say its password; all others are believed.
CAREFUL = "careful"
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
            # Its files are copied, where it can be told so: by way of its log takes longer.
            how = "STRATEGY FILE_COPY" if admin.info.server_version >= NEWER else ""
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {model} {how}".encode())
            while len(_kept) > KEPT_MAX:
                admin.execute(f"DROP DATABASE {_kept.popleft()} WITH (FORCE)".encode())
    return _address(name)


def empty_database(name: str) -> str:
    """Return the address of a new database without tables."""
    with _administrator() as admin:
        # A locale that sorts as people do, where there is one: no answer may depend on it.
        locale = (
            "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" if admin.info.server_version >= NEWER else ""
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


def server() -> str:
    """Start the server of this process, which ends with it; return the folder of its socket."""
    return str(_server().home)


@contextmanager
def stopped(*, standby: bool = False) -> Iterator[None]:
    """Have no server while the block runs, as after a crash; then the same again, or the standby
    that is left of it.
    """
    _server().stop(signal.SIGQUIT)
    try:
        yield
    finally:
        _server().start(standby=standby)


@contextmanager
def standby() -> Iterator[str]:
    """Run another server that takes no writes; yield the folder of its socket."""
    made = _Server(_programs(), FORGETFUL)
    try:
        made.start(standby=True)
        yield str(made.home)
    finally:
        made.remove()


def administer(statement: str) -> None:
    """Run a statement as who may do anything."""
    with _administrator() as admin:
        admin.execute(statement.encode())


@contextmanager
def durable() -> Iterator[tuple[str, int]]:
    """Run a server of its own that waits for the disk, as one is run for good; yield the address
    of an empty database in it, and its process.
    """
    made = _Server(_programs(), {"shared_buffers": "1GB", "max_wal_size": "4GB"})
    try:
        made.start()
        yield f"postgresql://postgres@/postgres?host={made.home}", made.pid
    finally:
        made.remove()


@cache
def _server() -> "_Server":
    made = _Server(_programs(), FORGETFUL)
    atexit.register(made.remove)
    made.start()
    return made


def _programs() -> str:
    programs = os.environ.get("TALLYBOOK_POSTGRESQL") or machine.postgresql_here()
    if programs is None:
        pytest.skip("there is no PostgreSQL on this machine; ./tallybook test installs one")
    return programs


class _Server:
    def __init__(self, programs: str, values: Mapping[str, str]) -> None:
        """Make its data; nothing runs yet."""
        self._programs = programs
        self._values = values
        self._owner = _owner()
        self.home = Path(tempfile.mkdtemp(prefix="tallybook-pg-"))
        self._data = self.home / "data"
        if self._owner is not None:
            shutil.chown(self.home, self._owner)
        initdb = [f"{programs}/initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust"]
        initdb += ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(initdb, user=self._owner, check=True, stdout=subprocess.DEVNULL, cwd="/")
        rights = self._data / "pg_hba.conf"
        rights.write_text(f"local all {CAREFUL} scram-sha-256\n{rights.read_text()}")

    @property
    def pid(self) -> int:
        """The process that starts all others of the server."""
        return self._process.pid

    def start(self, *, standby: bool = False) -> None:
        """Start it and wait until it answers."""
        if standby:
            (self._data / "standby.signal").touch()
        values = {
            "listen_addresses": "",
            "unix_socket_directories": self.home,
            "max_connections": "200",
            **self._values,
        }
        options = [word for name, value in values.items() for word in ("-c", f"{name}={value}")]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [f"{self._programs}/postgres", "-D", self._data, *options],
                user=self._owner,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ends = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError((self.home / "log").read_text())
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=str(self.home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals) -> None:
        """End it."""
        self._process.send_signal(how)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def remove(self) -> None:
        """End it and forget everything."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.home, ignore_errors=True)


def _owner() -> str | None:
    """Return who runs the server: it refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
