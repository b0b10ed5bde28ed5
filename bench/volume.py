"""The volume page and the list of positions of 100,000 accounts with four services each, over HTTP
with every sort and filter, right after a refresh and again; what the refresh itself costs; and some
of it by hand from the raw rows.
"""

import gc
import http.client
import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from bench import data, fleet
from bench.machine import Cost, best, cost, quantile
from bench.questions import questions
from bench.sizes import Engine, Size
from bench.usage import counted
from tallybook.model.mark import Mark
from tallybook.model.people import Session
from tallybook.model.ports import Loaded, SnapshotQuery
from tallybook.model.scope import operator
from tallybook.model.time import micros
from tallybook.operations import credentials
from tallybook.operations.directory import Directories
from tallybook.operations.intake import Tally
from tallybook.operations.people import put_user
from tallybook.operations.refresh import Refresher
from tallybook.stores.books.alerts import BooksAlerts
from tallybook.stores.books.cases import BooksCases
from tallybook.stores.books.database import Database
from tallybook.stores.books.deliveries import BooksDeliveries, BooksOutbox
from tallybook.stores.books.intake import BooksIntake
from tallybook.stores.books.leases import BooksLeases
from tallybook.stores.books.people import BooksPeople
from tallybook.stores.books.schedules import BooksSchedules
from tallybook.stores.books.snapshot import BooksSnapshot
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.books.webhooks import BooksWebhooks
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.ledger.store import SqlLedger
from tallybook.web.caller import COOKIE
from tallybook.web.listening import address_of, listen, server_of
from tallybook.web.logs import log_to_stderr
from tallybook.web.services import Services

EVENTS: Final = 20_000_000
DAYS: Final = 90
#: With fewer events a smaller fleet.
EVENTS_AN_ACCOUNT: Final = 200
CHANGED: Final = (375, 2_500)  # accounts of a small refresh, and of a large one
BUDGET_BYTES: Final = 120_000
_SCOPE: Final = operator("bench")
_NOW: Final = datetime(2025, 3, 20, 12, tzinfo=UTC)
_MONTH: Final = datetime(2025, 3, 1, tzinfo=UTC)
_TODAY_ENDS: Final = datetime(2025, 3, 21, tzinfo=UTC)
_READ_BYTES: Final = 1 << 24
_BRANCH: Final = 2  # none of its accounts has a pool

Row = dict[str, Any]


def run(events: int, folder: Path, size: Size) -> list[Row]:
    """Make the fleet and its snapshot where they are not there, and ask all questions."""
    gc.set_threshold(100_000, 50, 100)  # as `serve` does
    log_to_stderr(logging.WARNING)
    accounts = min(100_000, events // EVENTS_AN_ACCOUNT)
    store = data.store(events, folder, size, data.Fleet(accounts, DAYS))
    kept = folder / f"volume-{accounts}"
    kept.mkdir(exist_ok=True)
    done = kept / "made.json"
    database = size.database(kept, keep=done.exists())
    ours = _Ours(store, database, kept, events)
    made = json.loads(done.read_text()) if done.exists() else {}
    if ours.snapshot.state(_SCOPE) is None:
        made = ours.make(accounts, events * 31 // DAYS, size)
        done.write_text(json.dumps(made))
    rows = [
        {"what": f"{name}, once for the folder", "value": value} for name, value in made.items()
    ]
    rows += _refreshes(ours, size)
    with ours.serving() as browser:
        rows += _answers(ours, browser, accounts, kept)
    rows += _by_hand(ours, size)
    store.close()
    ours.close()
    return rows


class _Clock:
    def now(self) -> datetime:
        return _NOW

    def real_now(self) -> datetime:
        return _NOW

    def set(self, now: datetime) -> None:
        raise NotImplementedError


class _Answer(NamedTuple):
    """Seconds, and bytes as they came: compressed."""

    seconds: float
    size: int


class _Browser:
    """The browser of somebody who is signed in."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)
        self._headers = {"Cookie": f"{COOKIE}={token}", "Accept-Encoding": "gzip"}

    def get(self, path: str) -> _Answer:
        self._connection.close()  # the server may have, as it does after some idle seconds
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        spent = time.perf_counter() - began
        assert answer.status == 200, (path, answer.status, body[:500])
        return _Answer(spent, len(body))


class _Ours:
    """An installation whose events were loaded without a ledger, as the others here."""

    def __init__(
        self, store: DuckEvents | ClickEvents, database: Database, folder: Path, seq: int
    ) -> None:
        self.store = store
        self.snapshot = BooksSnapshot(database)
        self._database = database
        self._ledger = SqlLedger(folder)
        self._books = BooksVersions(database)
        self._people = BooksPeople(database)
        self._directories = Directories(self._books, BooksStatements(database))
        self._seq = seq
        self._now = _NOW
        self._leases = BooksLeases(database, "bench")
        self._refresher = Refresher(
            self._books,
            self._ledger,
            store,
            self.snapshot,
            self._leases,
            self._directories,
        )

    def make(self, accounts: int, uses: int, size: Size) -> dict[str, str]:
        """Write the definitions and the snapshot of everything; return what that took."""
        written = cost(lambda: fleet.write(self._books, accounts, uses), size.servers)
        read = cost(lambda: self._directories.current(_SCOPE), size.servers)
        whole = cost(self.refresh, size.servers)
        lines = self.snapshot.page(_SCOPE, SnapshotQuery(limit=1)).total
        return {
            "definitions written": _seconds(written),
            "definitions read": _seconds(read),
            f"{lines:,} positions worked out and written": _seconds(whole),
            "positions a second": f"{lines / whole.wall:,.0f}",
        }

    def refresh(self, some: Sequence[str] = ()) -> None:
        """Refresh what loads have touched, as the server does twice a second."""
        if some:
            self._refresher.touch(Loaded(self._seq, {"api.request": frozenset(some)}))
        assert self._refresher.refresh_once(_SCOPE, self._now)

    @contextmanager
    def serving(self) -> Iterator[_Browser]:
        """Serve pages and the API in this process."""
        body = {"email": "bench@example.com", "role": "admin", "password": "a long password"}
        user = put_user(_SCOPE, self._people, self._directories, body, _NOW)
        token = credentials.new_token()
        session = Session(credentials.digest(token), user.id, _NOW, _NOW, _NOW + timedelta(days=1))
        self._people.add_session(_SCOPE, session)
        listening = listen("127.0.0.1", 0)
        server = server_of(self._services())
        serving = threading.Thread(target=server.run, args=([listening],))
        serving.start()
        try:
            yield _Browser(address_of(listening, "").url, token)
        finally:
            server.should_exit = True
            serving.join()
            listening.close()

    def close(self) -> None:
        self._leases.close()
        self._ledger.close()
        self._database.close()

    def _services(self) -> Services:
        def refreshed_at(_mark: Mark) -> datetime | None:
            return None

        return Services(
            books=self._books,
            people=self._people,
            statements=BooksStatements(self._database),
            cases=BooksCases(self._database),
            alerts=BooksAlerts(self._database),
            outbox=BooksOutbox(self._database),
            webhooks=BooksWebhooks(self._database),
            intake=BooksIntake(self._database),
            deliveries=BooksDeliveries(self._database),
            schedules=BooksSchedules(self._database),
            ledger=self._ledger,
            events=self.store,
            snapshot=self.snapshot,
            directories=self._directories,
            clock=_Clock(),
            backlog=lambda: 0,
            refreshed_at=refreshed_at,
            tick=lambda: None,
            faults=list,
            local_token=credentials.new_token(),
            parquet=lambda _sheet, _path: None,
            mails=False,
            tally=Tally(),
        )


def _refreshes(ours: _Ours, size: Size) -> list[Row]:
    ours.snapshot.page(_SCOPE, SnapshotQuery(limit=1))
    cost(lambda: ours.refresh([data.key(9)]))  # the first reads the index of definitions
    rows = []
    for accounts in CHANGED:
        touched = [data.key(1_000 + 7 * i) for i in range(accounts)]
        spent = cost(partial(ours.refresh, touched), size.servers)
        rows.append(
            {
                "what": f"refresh of {accounts:,} changed accounts and the pools above them",
                "value": _seconds(spent),
                "target": "<= 10 s",
            }
        )
    return rows


def _answers(ours: _Ours, browser: _Browser, accounts: int, kept: Path) -> list[Row]:
    """Ask each question right after a refresh, when no sum is kept, and again: of files that lie in
    memory, as those of a server do that is asked all day; once before of files as they are found.
    """
    asked = list(questions(accounts * len(fleet.UNITS)))
    browser.get("/volume")  # the first reads the definitions
    found: list[tuple[float, str]] = []
    for number, question in enumerate(asked):
        ours.refresh([data.key(300 + number)])
        found.append((browser.get(question.paths[0]).seconds, question.what))
    rows = _told("volume page, first asked, partly from the disk", found, target=None)
    _read_in(kept)
    for place, name in enumerate(("volume page", "GET /positions")):
        cold: list[tuple[float, str]] = []
        warm: list[tuple[float, str]] = []
        for number, question in enumerate(asked):
            ours.refresh([data.key(600 + number)])
            path = question.paths[place]
            cold.append((browser.get(path).seconds, question.what))
            warm.append((browser.get(path).seconds, question.what))
        rows += _told(f"{name}, right after a refresh", cold)
        rows += _told(f"{name}, again", warm)
    first = browser.get("/volume").size
    rows.append(
        {
            "what": "volume page, bytes compressed",
            "value": f"{first:,}",
            "target": f"<= {BUDGET_BYTES:,}",
        }
    )
    return rows


def _read_in(folder: Path) -> None:
    """Have a folder's files in memory: a machine may take away what nobody reads for a while."""
    for path in folder.glob("*.db"):
        with path.open("rb") as file:
            while file.read(_READ_BYTES):
                pass


def _told(what: str, found: list[tuple[float, str]], target: str | None = "<= 150 ms") -> list[Row]:
    times = [seconds for seconds, _ in found]
    worst = sorted(found, reverse=True)[:5]
    accepted = {"target": target} if target else {}
    return [
        {"what": f"{what}: questions", "value": f"{len(found)}"},
        {"what": "  p50", "value": _ms(quantile(times, 0.5))},
        {"what": "  p95", "value": _ms(quantile(times, 0.95)), **accepted},
        *({"what": f"  slowest: {name}", "value": _ms(spent)} for spent, name in worst),
    ]


def _by_hand(ours: _Ours, size: Size) -> list[Row]:
    """Compare what a branch used, by service, and its 50 largest, with statements on raw rows."""
    engine = size.by_hand(ours.store)
    query = SnapshotQuery(branch=fleet.branch(_BRANCH), sort="used", descending=True)

    def page() -> dict[str, Decimal]:
        found = ours.snapshot.page(_SCOPE, query)
        used: dict[str, Decimal] = {}
        for total in found.totals:
            used[total.service] = used.get(total.service, Decimal(0)) + total.used
        return used

    sums = _hand(engine)
    theirs = {key.capitalize(): Decimal(v or 0) for key, v in zip(fleet.UNITS, sums, strict=True)}
    assert page() == theirs, (page(), theirs)

    def cold() -> Cost:
        ours.refresh([data.key(_BRANCH)])
        return cost(page, size.servers)

    ours_, by_hand = min(cold() for _ in range(5)), best(lambda: _hand(engine), 3, size.servers)
    return [
        {"what": "a branch: its 50 largest, totals, counts", "value": _ms(ours_.wall)},
        {"what": "  its use and 50 largest by hand from raw rows", "value": _ms(by_hand.wall)},
        {"what": "  ratio", "value": f"{ours_.wall / by_hand.wall:.3f}", "target": "<= 0.1"},
    ]


def _hand(engine: Engine) -> list[Any]:
    meters = counted(engine)
    values = ", ".join(f"{meters[key]} AS {key}" for key in fleet.UNITS)
    engine.keep(
        "branch_used",
        f"SELECT subject, {values} FROM {engine.month(micros(_MONTH))} "
        f"WHERE type = 'api.request' AND time >= {micros(_MONTH)} "
        f"AND time < {micros(_TODAY_ENDS)} "
        f"AND CAST(substr(subject, 9) AS INTEGER) % {fleet.BRANCHES} = {_BRANCH} GROUP BY subject",
    )
    for key in fleet.UNITS:
        engine.rows(f"SELECT subject, {key} FROM branch_used ORDER BY {key} DESC LIMIT 50")
    sums = ", ".join(f"sum({key})" for key in fleet.UNITS)
    return list(engine.rows(f"SELECT {sums} FROM branch_used")[0])


def _seconds(spent: Cost) -> str:
    return f"{spent.wall:,.1f} s ({spent.cpu:,.1f} s of CPU)"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.0f} ms"
