"""Servers on one database that are not all equally far: the snapshot never falls back, and its mark
never says more than its lines know.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallybook.model.columns import columns
from tallybook.model.ports import Draft, SnapshotQuery
from tallybook.model.scope import operator
from tallybook.operations import load
from tallybook.operations.directory import Directories
from tallybook.operations.load import Loader
from tallybook.operations.refresh import Refresher
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import BooksLeases
from tallybook.stores.books.snapshot import BooksSnapshot
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.ledger.store import SqlLedger
from tallybook.stores.postgresql import address
from tests import chdb, postgres

pytestmark = pytest.mark.postgres

ALL = operator()
Copy = DuckEvents | ClickEvents
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Process:
    """What one server has open of a database that all of them use, without its loops."""

    def __init__(self, url: str, name: str, events: Callable[[SqlLedger], Copy]) -> None:
        self.database = Database(address(url))
        self.ledger = SqlLedger(address(url))
        self.books = BooksVersions(self.database)
        self.events = events(self.ledger)
        self.snapshot = BooksSnapshot(self.database)
        self.leases = BooksLeases(self.database, name)
        self.refresher = Refresher(
            self.books,
            self.ledger,
            self.events,
            self.snapshot,
            self.leases,
            Directories(self.books, BooksStatements(self.database)),
        )
        is_shared = isinstance(self.events, ClickEvents)
        self.loader = Loader(
            self.ledger, self.events, self.leases, self.refresher, is_shared=is_shared
        )

    def send(self, *ids: str) -> None:
        wires = [
            f'{{"specversion":"1.0","id":"{id_}","source":"test","type":"use","subject":"a",'
            '"time":"2026-03-10T11:00:00Z"}'
            for id_ in ids
        ]
        self.ledger.append(ALL, columns([wire.encode() for wire in wires]), NOON)

    def step(self) -> None:
        """Do what its loops do in a while: load some, and refresh."""
        self.loader.step(ALL)
        self.refresh()

    def refresh(self) -> bool:
        return self.refresher.refresh_once(ALL, NOON)

    @property
    def stands(self) -> tuple[int, int]:
        """Up to which entry the snapshot knows, and how many events it counts."""
        page = self.snapshot.page(ALL, SnapshotQuery())
        assert page.state is not None
        return page.state.mark.seq, int(page.items[0].used or 0)

    def close(self) -> None:
        for opened in (self.leases, self.events, self.database, self.ledger):
            opened.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return a database with a contract in it."""
    url = postgres.database(tmp_path)
    lines = [{"code": "L", "meter": "uses"}]
    with closing(Database(address(url))) as database:
        drafts = [
            Draft("account", "a", {"key": "a", "name": "A"}, None),
            Draft("meter", "uses", METER, None),
            Draft(
                "contract",
                "C",
                {"number": "C", "account": "a", "start_date": "2026-01-01", "lines": lines},
                None,
            ),
        ]
        for draft in drafts:
            BooksVersions(database).write(ALL, [draft], NOON)
    return url


METER = {"key": "uses", "event_type": "use", "aggregation": "count"}


@pytest.fixture
def alone(url: str, tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    """Return what starts a server with a copy of the events of its own."""
    with ExitStack() as stack:

        def start(name: str) -> Process:
            copy = tmp_path / f"{name}.duckdb"
            made = Process(url, name, lambda _: DuckEvents(copy, threads=1))
            return stack.enter_context(closing(made))

        yield start


@pytest.fixture
def shared(url: str) -> Iterator[Callable[[str], Process]]:
    """Return what starts a server with the copy of the events that all of them use."""
    place = chdb.in_process()
    with ExitStack() as stack:

        def start(name: str) -> Process:
            made = Process(url, name, lambda ledger: ClickEvents(place, ledger.epoch))
            return stack.enter_context(closing(made))

        yield start


def test_a_server_that_has_yet_to_load_leaves_the_snapshot_as_it_is(
    alone: Callable[[str], Process],
) -> None:
    one = alone("one")
    one.send(*"abc")
    one.step()
    assert one.stands == (3, 3)
    one.leases.close()
    new = alone("new")
    assert not new.refresh()
    assert one.stands == (3, 3)
    one.send("d")
    one.step()  # the job is left to who knows more
    assert one.stands == (4, 4)
    one.leases.close()
    new.step()
    assert new.stands == (4, 4)
    one.send("e")
    new.step()
    assert new.stands == (5, 5)


def test_a_server_that_takes_over_knows_what_the_other_has_loaded(
    shared: Callable[[str], Process],
) -> None:
    one, two = shared("one"), shared("two")
    one.send(*"ab")
    for server in (one, two):
        server.step()
    one.send(*"cde")
    one.step()
    assert one.stands == (5, 5)
    one.leases.close()
    two.refresh()
    assert one.stands == (5, 5)
    two.step()
    assert two.loader.loaded.seq == 5
    assert two.stands == (5, 5)
    one.send("f")
    two.step()
    assert two.stands == (6, 6)


def test_while_the_events_are_loaded_anew_the_snapshot_stays_as_it_is(
    shared: Callable[[str], Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = shared("one"), shared("two")
    for id_ in "abc":
        one.send(id_)
    for server in (one, two):
        server.step()
    two.events.clear(ALL)
    monkeypatch.setattr(load, "LOAD_EVENTS_MAX", 1)
    one.send("d")
    for seq in (1, 2, 3, 4):
        for server in (one, two):
            server.step()
            assert server.loader.loaded.seq == seq
        assert one.stands == (max(3, seq), max(3, seq))
    assert not one.refresh()


def test_a_snapshot_that_is_ahead_of_the_ledger_is_made_anew(
    alone: Callable[[str], Process],
) -> None:
    """As where an older ledger was put in its place."""
    one = alone("one")
    one.send("a")
    one.step()
    state, claim = one.snapshot.state(ALL), one.leases.claim(ALL, "refresh")
    assert state is not None
    assert claim is not None
    ahead = replace(state, mark=replace(state.mark, seq=9))
    one.snapshot.replace(ALL, ahead, [], claim=claim, everything=True)
    one.step()
    assert one.stands == (1, 1)
