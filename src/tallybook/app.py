"""The composition root: the only place where settings, stores, clock and mail meet."""

import gc
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import uvicorn

from tallybook.model import limits
from tallybook.model.errors import Forbidden, Unavailable
from tallybook.model.mark import Mark
from tallybook.model.scope import operator
from tallybook.model.table import Table
from tallybook.model.time import clamp
from tallybook.operations import initialise as initialise_op
from tallybook.operations.deliver import Outlets, Stores, deliver
from tallybook.operations.directory import Directories
from tallybook.operations.intake import Tally
from tallybook.operations.known import received
from tallybook.operations.load import Loader
from tallybook.operations.loop import Loop
from tallybook.operations.move import Moving, Side
from tallybook.operations.refresh import JOB, Refresher
from tallybook.operations.report import report
from tallybook.operations.watch import watch
from tallybook.outlets.smtp import SmtpOutlet
from tallybook.outlets.webhook import WebhookOutlet
from tallybook.settings import Settings
from tallybook.stores.books.alerts import BooksAlerts
from tallybook.stores.books.cases import BooksCases
from tallybook.stores.books.database import Database, sqlite
from tallybook.stores.books.deliveries import BooksDeliveries, BooksOutbox
from tallybook.stores.books.intake import BooksIntake
from tallybook.stores.books.leases import BooksLeases
from tallybook.stores.books.people import BooksPeople
from tallybook.stores.books.schedules import BooksSchedules
from tallybook.stores.books.snapshot import BooksSnapshot
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.books.webhooks import BooksWebhooks
from tallybook.stores.clickhouse import copy as clickhouse
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb import copy as duckdb
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.folder import Folder
from tallybook.stores.ledger.closed import refuse_closed
from tallybook.stores.ledger.store import SqlLedger
from tallybook.stores.move.move import Move
from tallybook.stores.parquet import read_parquet, write_parquet
from tallybook.stores.postgresql import address
from tallybook.web.listening import Address, address_of, found, listen, server_of, told
from tallybook.web.logs import log_to_stderr
from tallybook.web.services import Services

_SYSTEM: Final = operator("system")
_SERVER_FILE: Final = "server.json"
_EVENTS_FILE: Final = "events.duckdb"
_REFRESH_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 60
_DELIVER_SECONDS: Final = 5
#: The loops without which the snapshot does not go on.
_JOBS: Final = {"load", "refresh"}
_TURN_SECONDS: Final = 20
_TURN_PAUSE_SECONDS: Final = 0.05
#: A batch makes thousands of tuples that hold no cycles; looking through them at Python's own
#: pace, after each 700, costs about a sixth of the CPU of ingest (docs/bench.md).
GARBAGE: Final = (100_000, 50, 100)
#: How long a thread keeps the interpreter while others wait, four times Python's own 5 ms: a batch
#: that is put aside half-way is out of the processor's cache when its turn comes again.
_TURN_AT_WORK_SECONDS: Final = 0.02


class _Clock:
    """Business time: the machine's, moved by what the test clock was set to."""

    def __init__(self, *, may_be_set: bool) -> None:
        self._may_be_set = may_be_set
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return self.real_now() + self._ahead

    def real_now(self) -> datetime:
        return datetime.now(UTC)

    def set(self, now: datetime) -> None:
        if not self._may_be_set:
            raise Forbidden("test_clock_off", "Start `serve` with --test-clock to set the clock.")
        self._ahead = now - self.real_now()


class Installation:
    """An open data folder: its stores, the loops that keep the copies fresh, and its services."""

    def __init__(self, settings: Settings, *, anew: bool = False) -> None:
        """Open the stores; `anew` empties the copy of the events first.

        Raises:
            Unavailable: `folder_in_use`, `schema_newer`, `ledger_damaged` and what else a store
                says that cannot be opened.
        """
        self._open = ExitStack()
        self._loops: list[Loop] = []
        with ExitStack() as undo:
            undo.callback(self._open.close)
            self.services = self._assemble(settings, anew=anew)
            undo.pop_all()

    def _assemble(self, settings: Settings, *, anew: bool) -> Services:
        self._open.enter_context(Folder(settings.data))
        # An owner that was killed left its address, where another server may listen by now.
        (settings.data / _SERVER_FILE).unlink(missing_ok=True)
        ledger, database = _open_truth(settings, self._open)
        self._name = _holder()
        self._leases = leases = BooksLeases(database, self._name)
        self._open.callback(leases.close)
        self._repeat("leases", self._renew, limits.LEASE_SECONDS / 3)
        if anew and settings.events_url is not None:
            _require_alone(leases)
        events = _open_events(settings, ledger, anew=anew)
        self._open.callback(events.close)
        self._ledger, self._events = ledger, events
        self._clock = _Clock(may_be_set=settings.test_clock)
        self._tally, self._intake = Tally(), BooksIntake(database)
        self._open.callback(self._close_tally)
        self._outlets = _outlets(settings, self._clock)
        books = BooksVersions(database)
        statements = BooksStatements(database)
        directories = Directories(books, statements)
        snapshot = BooksSnapshot(database)
        self._refresher = Refresher(books, ledger, events, snapshot, leases, directories)
        is_shared = isinstance(events, ClickEvents)
        self._loader = Loader(ledger, events, leases, self._refresher, is_shared=is_shared)
        return Services(
            books=books,
            people=BooksPeople(database),
            schedules=BooksSchedules(database),
            statements=statements,
            cases=BooksCases(database),
            alerts=BooksAlerts(database),
            outbox=BooksOutbox(database),
            webhooks=BooksWebhooks(database),
            intake=self._intake,
            deliveries=BooksDeliveries(database),
            ledger=ledger,
            events=events,
            snapshot=snapshot,
            directories=directories,
            clock=self._clock,
            backlog=lambda: ledger.head(_SYSTEM) - self._loader.loaded.seq,
            refreshed_at=self._refreshed_at,
            tick=self.tick,
            faults=lambda: [loop.fault for loop in self._loops if loop.fault],
            local_token=f"local_{secrets.token_urlsafe(32)}",
            parquet=write_parquet,
            mails=self._outlets.mails is not None,
            tally=self._tally,
        )

    def start(self) -> None:
        """Start the loops."""
        self._repeat("load", self._load, limits.LOAD_INTERVAL_SECONDS)
        self._repeat("refresh", self._refresh, _REFRESH_SECONDS)
        self._repeat("tick", self._tick, _TICK_SECONDS)
        # Apart from the checks: neither a slow one nor a large file holds up the other.
        self._repeat("report", self._report, _TICK_SECONDS)
        # Apart from what is due by the clock, which no mail server that stalls may hold up.
        self._repeat("deliver", self._deliver, _DELIVER_SECONDS)

    def _repeat(self, name: str, step: Callable[[], bool | None], pause_seconds: float) -> None:
        loop = Loop(name, step, pause_seconds)
        self._loops.append(loop)
        self._open.callback(loop.close)
        loop.start()

    def close(self) -> None:
        """Stop the loops and close the stores, newest first."""
        self._open.close()

    def tick(self) -> None:
        """Do all that is due now."""
        while self._load():
            pass
        self._refresh()
        self._tick()
        self._report()
        self._deliver()

    def loading(self) -> Iterator[int]:
        """Load all that waits, saying after each step how far it is."""
        while self._load():
            yield self._loader.loaded.seq

    def _load(self) -> bool:
        return self._loader.step(_SYSTEM)

    def _refresh(self) -> None:
        self._refresher.refresh_once(_SYSTEM, self._clock.now())

    def _renew(self) -> None:
        """Keep the jobs of this process, or leave them to others while it fails at them."""
        failing = any(loop.fault for loop in self._loops if loop.name in _JOBS)
        (self._leases.rest if failing else self._leases.renew)()

    def _refreshed_at(self, mark: Mark) -> datetime | None:
        """Return when the newest fact of a mark came in; of what is loaded last, it is at hand."""
        loaded = self._loader.loaded
        return loaded.received_at if loaded.seq == mark.seq else received(self._ledger, mark.seq)

    def _close_tally(self) -> None:
        with suppress(Unavailable):  # it is not worth more than an orderly end
            self._tally.flush(_SYSTEM, self._intake)

    def _tick(self) -> None:
        self._tally.flush(_SYSTEM, self._intake)
        if self._loader.keeps_events(_SYSTEM):
            yesterday = clamp(self._clock.now().date()) - timedelta(days=1)
            self._events.compact(_SYSTEM, yesterday)
        watch(self.services.watched, self._clock.now())

    def _report(self) -> None:
        report(self.services.reported, self._clock.now())

    def _deliver(self) -> None:
        stores = Stores(self.services.outbox, self.services.webhooks)
        deliver(stores, self._outlets, self._clock.now(), self._name)


def _outlets(settings: Settings, clock: _Clock) -> Outlets:
    """Make what deliveries go out by.

    Raises:
        Unavailable: `smtp_url_wrong`, `mail_from_wrong`, `webhook_allow_wrong`.
    """
    url, site = settings.smtp_url, settings.site_url
    return Outlets(
        SmtpOutlet(url.get_secret_value(), settings.mail_from, site) if url else None,
        WebhookOutlet(settings.webhook_allow, site, clock.real_now),
    )


def _holder() -> str:
    """Name this process so that people find it, and no other process has the name."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"


class _Truth(NamedTuple):
    ledger: SqlLedger
    database: Database


def _open_truth(settings: Settings, closing_: ExitStack, *, moving: bool = False) -> _Truth:
    """Open the ledger and the database of Books; they are closed with the stack, newest first.

    The ledger is the first: it refuses what is closed before anything is written.
    """
    ledger = _open_ledger(settings, moving=moving)
    closing_.callback(ledger.close)
    database = _open_books(settings)
    closing_.callback(database.close)
    return _Truth(ledger, database)


def _require_alone(leases: BooksLeases) -> None:
    """Take the job of who loads the events that several share, so that nobody else begins to."""
    if leases.claim(_SYSTEM, JOB) is None:
        raise Unavailable(
            "events_in_use",
            "A server uses these events, or was killed within the last "
            f"{limits.LEASE_SECONDS} seconds; stop all of them, then try again.",
            retry_after=limits.LEASE_SECONDS,
        )


def _open_ledger(settings: Settings, *, moving: bool = False) -> SqlLedger:
    """Open the ledger: in the database of the address, or in the folder."""
    url = settings.database_url
    return SqlLedger(address(url.get_secret_value()) if url else settings.data, moving=moving)


def _open_books(settings: Settings) -> Database:
    """Open the database of Books: that of the address, or the folder's own file."""
    url = settings.database_url
    if url is None:
        return sqlite(settings.data / "books.db")
    return Database(address(url.get_secret_value()), refuse_closed)


def _open_events(settings: Settings, ledger: SqlLedger, *, anew: bool) -> DuckEvents | ClickEvents:
    """Open the copy of the events: in the database of the address, or in the folder's own file."""
    if settings.events_url is not None:
        url = settings.events_url.get_secret_value()
        return clickhouse.open_copy(url, ledger, ledger.epoch, anew=anew)
    if anew:
        for part in settings.data.glob(f"{_EVENTS_FILE}*"):
            part.unlink()
    # What was loaded from another ledger is no copy of this one.
    name = f"{_EVENTS_FILE}.{ledger.epoch[:16]}" if settings.database_url else _EVENTS_FILE
    return duckdb.open_copy(settings.data / name, ledger)


def initialise(settings: Settings, admin_email: str) -> dict[str, object]:
    """Make a data folder usable; returns what its operator must note down.

    Raises:
        Conflict: `already_initialised`.
    """
    log_to_stderr(logging.WARNING)
    installation = Installation(settings)
    try:
        services = installation.services
        made = initialise_op.initialise(
            services.people, services.directories, admin_email, services.clock.real_now()
        )
        return {**made, "data": str(settings.data)}
    finally:
        installation.close()


@contextmanager
def rebuilding(settings: Settings) -> Iterator[tuple[int, Iterator[int]]]:
    """Delete the copy of the events and load it again: how many there are, and how far it is.

    Raises:
        Unavailable: `folder_in_use` or `events_in_use`, while a server runs; `not_initialised`.
    """
    _require_data(settings)
    log_to_stderr(logging.WARNING)
    installation = Installation(settings, anew=True)
    try:
        yield installation.services.ledger.head(_SYSTEM), installation.loading()
    finally:
        installation.close()


@contextmanager
def moving(settings: Settings) -> Iterator[Moving]:
    """Prepare to move the folder of settings into the stores that the settings name.

    Raises:
        Unavailable: `folder_in_use`, while a server runs; `not_initialised`; `folder_moved`, where
            it was moved elsewhere; `database_url_wrong`, `target_unavailable`.
        Conflict: `target_not_empty`.
    """
    here = settings.model_copy(update={"database_url": None, "events_url": None})
    _require_data(here)
    log_to_stderr(logging.WARNING)
    url = address(settings.database_url.get_secret_value() if settings.database_url else "")
    with ExitStack() as stack:
        stack.enter_context(Folder(settings.data))
        source = _open_truth(here, stack, moving=True)
        events = stack.enter_context(closing(_open_events(here, source.ledger, anew=False)))
        mover = stack.enter_context(Move(settings.data, source.database, source.ledger, url))
        books = BooksVersions(source.database)
        directory = Directories(books, BooksStatements(source.database)).current(_SYSTEM)
        side = Side(source.ledger, events)
        goal = partial(_side, settings, source.ledger)
        yield stack.enter_context(Moving(_SYSTEM, mover, directory, side, goal))


@contextmanager
def _side(settings: Settings, source: SqlLedger) -> Iterator[Side]:
    """Open the ledger that is moved into, and its copy of the events, which may have been one of
    the source and know more than is there yet.
    """
    with (
        _open_ledger(settings, moving=True) as ledger,
        closing(_open_events(settings, source, anew=False)) as events,
    ):
        yield Side(ledger, events)


def parquet_table(path: Path) -> Table:
    """Read a Parquet file, for whoever may not know a store; see `stores.parquet`."""
    return read_parquet(path)


@contextmanager
def running(settings: Settings, host: str = "127.0.0.1", port: int = 0) -> Iterator[Address]:
    """Serve a data folder in this process while the block runs, for others too; port 0 takes a
    free one.

    Raises:
        Unavailable: `port_in_use`, or what `Installation` says.
    """
    with (
        _serving(settings, host, port) as address,
        told(settings.data / _SERVER_FILE, address),
    ):
        yield address


@contextmanager
def _serving(settings: Settings, host: str = "127.0.0.1", port: int = 0) -> Iterator[Address]:
    with ExitStack() as stack:
        installation = Installation(settings)
        stack.callback(installation.close)
        listening = listen(host, port)
        stack.enter_context(listening)
        server = server_of(installation.services)
        serving = threading.Thread(target=server.run, args=([listening],), name="http")
        installation.start()
        serving.start()
        stack.callback(serving.join)
        stack.callback(_stop, server)
        address = address_of(listening, installation.services.local_token)
        while not server.started and serving.is_alive():
            serving.join(0.01)
        yield address


def _stop(server: uvicorn.Server) -> None:
    server.should_exit = True


def serve(settings: Settings, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve a data folder until the process is told to stop.

    Raises:
        Unavailable: `not_initialised`, or as `running`.
    """
    _require_data(settings)
    log_to_stderr(logging.INFO)
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    sys.setswitchinterval(_TURN_AT_WORK_SECONDS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with running(settings, host, port) as address:
        ready(address.url)
        stop.wait()
    gc.unfreeze()  # what stays frozen is never released, and DuckDB tells of each as a leak


@contextmanager
def reach(settings: Settings) -> Iterator[Address]:
    """Find the server of a data folder, or run one in this process while the block runs.

    The folder's lock says whether there is a server; its file only says where. One started here is
    nobody else's: it ends with the block, so another command waits a while for its turn.

    Raises:
        Unavailable: `not_initialised`, or as `running`.
    """
    _require_data(settings)
    log_to_stderr(logging.WARNING)
    deadline = time.monotonic() + _TURN_SECONDS
    with ExitStack() as stack:
        while True:
            try:
                address = stack.enter_context(_serving(settings))
                break
            except Unavailable as e:
                if e.code != "folder_in_use":
                    raise
                running_there = found(settings.data / _SERVER_FILE)
                if running_there is not None:
                    address = running_there
                    break
                if time.monotonic() > deadline:
                    raise
            time.sleep(_TURN_PAUSE_SECONDS)
        yield address


def _require_data(settings: Settings) -> None:
    if settings.database_url is not None:
        # There may be no ledger yet that would say whether it is closed, and this only reads.
        url = address(settings.database_url.get_secret_value())
        with closing(Database(url)) as database:
            if not BooksPeople(database).users(_SYSTEM):
                raise Unavailable(
                    "not_initialised",
                    "There is nothing in the database of TALLYBOOK_DATABASE_URL; make it with "
                    "`init`.",
                )
    elif not (settings.data / "books.db").exists():
        raise Unavailable(
            "not_initialised",
            f"There is no data in {settings.data}; make it with `init --data {settings.data}`.",
        )
