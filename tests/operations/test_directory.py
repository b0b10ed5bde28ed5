import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tallybook.model.errors import Invalid
from tallybook.model.ports import Draft
from tallybook.operations.directory import Directories
from tallybook.stores.books.statements import BooksStatements
from tests.books import NOW, STORES, Shelf, shelf


@pytest.fixture(params=STORES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path, request.param) as opened:
        yield opened


def test_the_newest_directory_follows_every_commit(home: Shelf) -> None:
    first = home.directories.current(home.scope)
    assert (first.revision, first.keys("account")) == (0, ())
    home.books.write(home.scope, [Draft("account", "a", {"key": "a"})], NOW)
    second = home.directories.current(home.scope)
    assert (second.revision, second.keys("account")) == (1, ("a",))
    assert home.directories.current(home.scope) is second
    assert first.keys("account") == ()


def test_every_older_revision_can_be_asked_for_again(home: Shelf) -> None:
    for n in range(20):
        home.put("account", f"a{n:02}")
    for revision in [*range(21), *reversed(range(21))]:
        past = home.directories.at(home.scope, revision)
        assert past.revision == revision
        assert past.keys("account") == tuple(f"a{n:02}" for n in range(revision))
    fresh = Directories(home.books, BooksStatements(home.database))
    assert fresh.at(home.scope, 7).keys("account") == tuple(f"a{n:02}" for n in range(7))


def test_a_revision_that_is_not_there_yet_is_refused(home: Shelf) -> None:
    with pytest.raises(Invalid) as refusal:
        home.directories.at(home.scope, 1)
    assert (refusal.value.code, refusal.value.facts["field"]) == ("known_at_unknown", "known_at")


def test_readers_at_once_never_see_half_a_commit(home: Shelf) -> None:
    """Each commit adds an account and a contract of the same name."""
    stop, seen = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            found = home.directories.current(home.scope)
            seen.append((found.revision, found.keys("account"), found.keys("contract")))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for n in range(100):
        drafts = [
            Draft("account", f"k{n:03}", {"key": f"k{n:03}"}),
            Draft("contract", f"k{n:03}", {"number": f"k{n:03}", "account": "a"}),
        ]
        home.books.write(home.scope, drafts, NOW)
    stop.set()
    for reader in readers:
        reader.join()
    assert home.directories.current(home.scope).revision == 100
    for revision, accounts, contracts in seen:
        assert accounts == contracts == tuple(f"k{n:03}" for n in range(revision))
