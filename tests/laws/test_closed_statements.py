"""The laws of every store of closed statements: added once, never changed, told by revision."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from tallybook.model.errors import Conflict
from tallybook.model.mark import Mark
from tallybook.model.ports import Draft
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.statement import ClosedStatement
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.stores.books.database import Database
from tallybook.stores.books.people import BooksPeople
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.books.versions import BooksVersions
from tests.books import STORES, opened

NOW = datetime(2026, 4, 1, 12, 0, 0, 123456, tzinfo=UTC)
WHOLE = operator("tester")
MARCH = ClosedStatement(
    contract="C-1",
    account="acme",
    start_date=date(2026, 3, 1),
    end_date=date(2026, 4, 1),
    document={"total": "1.50", "note": "né\x00", "lines": [{"amount": None, "tier": 1}]},
    sha256="a" * 64,
    known_at=Mark(7, 3, 99),
    closed_at=NOW,
    closed_by="tester",
    reason="looked at",
)
APRIL = replace(MARCH, start_date=date(2026, 4, 1), end_date=date(2026, 5, 1), reason=None)
OTHER = replace(MARCH, contract="C-2", account="stranger")


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture
def store(database: Database) -> BooksStatements:
    return BooksStatements(database)


def test_what_is_closed_comes_back_whole_and_in_order(store: BooksStatements) -> None:
    for statement, after in ((APRIL, 0), (OTHER, 0), (MARCH, 1)):
        store.close(WHOLE, statement, after=after)
    assert store.closed(WHOLE, ["C-2", "C-1", "C-3"], 3) == [MARCH, APRIL, OTHER]
    assert store.closed(WHOLE, [], 3) == []
    many = [f"X-{n}" for n in range(1_000)]
    assert store.closed(WHOLE, [*many, "C-2"], 3) == [OTHER]


def test_closing_is_a_commit_with_a_revision_and_an_entry_of_the_audit(
    store: BooksStatements, database: Database
) -> None:
    books = BooksVersions(database)
    books.write(WHOLE, [Draft("account", "acme", {"key": "acme"})], NOW)
    store.close(WHOLE, MARCH, after=0)
    later = replace(APRIL, closed_at=NOW + timedelta(days=30))
    store.close(WHOLE, later, after=1)
    assert books.revision(WHOLE) == 3
    assert books.revision_at(WHOLE, NOW) == 2
    assert [store.closed(WHOLE, ["C-1"], n) for n in range(4)] == [
        [],
        [],
        [MARCH],
        [MARCH, later],
    ]
    audit = BooksPeople(database).audit(WHOLE, 10)
    assert [(e.who, e.what, e.entity, e.at) for e in audit] == [
        ("tester", "statement.closed", "C-1/2026-04-01", later.closed_at),
        ("tester", "statement.closed", "C-1/2026-03-01", NOW),
    ]


def test_one_that_was_worked_out_before_another_closed_is_refused(
    store: BooksStatements, database: Database
) -> None:
    store.close(WHOLE, MARCH, after=0)
    for again in (APRIL, replace(MARCH, document={"total": "2.00"})):
        with pytest.raises(Conflict) as refusal:
            store.close(WHOLE, again, after=0)
        assert refusal.value.code == "statements_changed"
    assert store.closed(WHOLE, ["C-1"], 9) == [MARCH]
    assert BooksVersions(database).revision(WHOLE) == 1
    assert len(BooksPeople(database).audit(WHOLE, 10)) == 1


def test_of_those_who_close_at_once_one_wins(store: BooksStatements) -> None:
    told: list[str] = []

    def close(n: int) -> None:
        try:
            store.close(WHOLE, replace(MARCH, reason=str(n)), after=0)
            told.append("closed")
        except Conflict as e:
            told.append(e.code)

    threads = [Thread(target=close, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["closed", *["statements_changed"] * 5]
    assert len(store.closed(WHOLE, ["C-1"], 9)) == 1


def test_only_those_of_accounts_in_scope_are_told(store: BooksStatements) -> None:
    store.close(WHOLE, MARCH, after=0)
    store.close(WHOLE, OTHER, after=0)
    theirs = (Member("acme", FIRST_INSTANT, LAST_INSTANT),)
    bound = Scope("viewer", "customer_viewer", theirs)
    assert store.closed(bound, ["C-1", "C-2"], 9) == [MARCH]
    assert store.closed(Scope("nobody", "analyst", ()), ["C-1", "C-2"], 9) == []
