"""The laws of every Books store; `tests.books` opens each."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Conflict
from tallybook.model.ports import Books, Draft, NounName
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.stores.books.versions import BooksVersions
from tests import postgres
from tests.books import STORES, opened, shelf

Change = tuple[NounName, str, date | None, bool]
Open = Callable[[Path], AbstractContextManager[Books]]

NOW = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
DAY = date(2026, 3, 1)
WHOLE = operator("tester")
NOUNS: tuple[NounName, ...] = ("account", "meter", "contract")


@contextmanager
def books_on(store: str, folder: Path) -> Iterator[Books]:
    database = opened(store, folder)
    try:
        yield BooksVersions(database)
    finally:
        database.close()


@pytest.fixture(params=STORES)
def open_books(request: pytest.FixtureRequest) -> Open:
    return partial(books_on, request.param)


@pytest.fixture
def books(open_books: Open, tmp_path: Path) -> Iterator[Books]:
    with open_books(tmp_path) as opened:
        yield opened


def draft(key: str, *, noun: NounName = "account", **more: Any) -> Draft:
    document = more.pop("document", {"key": key})
    return Draft(noun, key, document, **more)


def everything(books: Books) -> list[Any]:
    return [version for noun in NOUNS for version in books.versions(WHOLE, noun)]


def test_new_books_are_empty(books: Books) -> None:
    assert books.revision(WHOLE) == 0
    assert books.revision_at(WHOLE, NOW) == 0
    assert everything(books) == []
    assert books.history(WHOLE, "account", "a") == []
    assert books.write(WHOLE, [], NOW) == []
    assert books.revision(WHOLE) == 0


def test_what_is_written_comes_back_whole(books: Books) -> None:
    document = {
        "key": "a",
        "text": "né\x00\U0001f600",
        "exact": Decimal("12345678901234567.123456789"),
        "big": 10**30,
        "word": "1.5",
        "number": Decimal("1.5"),
        "list": [1, None, True, {}],
    }
    asked = draft("a", document=document, valid_from=DAY, reason="because")
    written = books.write(WHOLE, [asked, draft("m", noun="meter", retired=True)], NOW)
    assert written == [*books.history(WHOLE, "account", "a"), *books.history(WHOLE, "meter", "m")]
    first = written[0]
    assert (first.number, first.revision, first.recorded_at) == (1, 1, NOW)
    assert (first.valid_from, first.author, first.reason) == (DAY, "tester", "because")
    assert first.document == document
    assert [type(v) for v in first.document.values()] == [type(v) for v in document.values()]
    assert [v.retired for v in written] == [False, True]


CHANGES = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(NOUNS),
            st.sampled_from("abc"),
            st.none() | st.integers(0, 2).map(lambda n: DAY + timedelta(days=n)),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
    max_size=5,
)


@given(commits=CHANGES, after=st.integers(0, 5))
def test_books_are_the_list_of_what_was_written(commits: list[list[Change]], after: int) -> None:
    check_list("sqlite", commits, after)


@pytest.mark.postgres
@postgres.FEWER
@given(commits=CHANGES, after=st.integers(0, 5))
def test_books_on_postgresql_are_the_list_too(commits: list[list[Change]], after: int) -> None:
    check_list("postgresql", commits, after)


def check_list(store: str, commits: list[list[Change]], after: int) -> None:
    written = []
    with tempfile.TemporaryDirectory() as folder, shelf(Path(folder), store) as home:
        books = home.books
        for n, commit in enumerate(commits, 1):
            drafts = [
                Draft(noun, key, {"n": n}, valid_from=day, retired=retired)
                for noun, key, day, retired in commit
            ]
            made = books.write(WHOLE, drafts, NOW + timedelta(days=n))
            assert [v.revision for v in made] == [n] * len(commit)
            written += made
        assert books.revision(WHOLE) == len(commits)
        for noun in NOUNS:
            mine = [v for v in written if v.noun == noun and v.revision > after]
            ordered = sorted(mine, key=lambda v: (v.revision, v.key, v.number))
            assert list(books.versions(WHOLE, noun, after=after)) == ordered
            for key in "abc":
                history = [v for v in written if (v.noun, v.key) == (noun, key)]
                assert books.history(WHOLE, noun, key) == history
                assert [v.number for v in history] == list(range(1, len(history) + 1))
        current = home.directories.current(WHOLE)
        past = home.directories.at(WHOLE, min(after, current.revision))
        for v in written:
            found = past.history(v.noun, v.key)
            assert (v in found) == (v.revision <= past.revision)


def test_an_instant_finds_the_newest_revision_recorded_by_then(books: Books) -> None:
    for n in range(3):
        books.write(WHOLE, [draft("a")], NOW + timedelta(hours=n))
    assert [books.revision_at(WHOLE, NOW + timedelta(minutes=m)) for m in (-1, 0, 59, 60, 999)] == [
        0,
        1,
        1,
        2,
        3,
    ]
    assert books.revision_at(WHOLE, FIRST_INSTANT) == 0
    assert books.revision_at(WHOLE, LAST_INSTANT) == 3


def test_a_commit_is_all_or_none(books: Books) -> None:
    books.write(WHOLE, [draft("a")], NOW)
    with pytest.raises(Conflict) as refusal:
        books.write(WHOLE, [draft("b"), draft("a", if_match=7), draft("c")], NOW)
    assert refusal.value.code == "version_conflict"
    assert refusal.value.facts == {"newest": 1}
    assert [v.key for v in everything(books)] == ["a"]
    assert books.revision(WHOLE) == 1


def test_if_match_lets_only_the_first_change_through(books: Books) -> None:
    books.write(WHOLE, [draft("a", if_match=0)], NOW)
    books.write(WHOLE, [draft("a", if_match=1)], NOW)
    for stale in (0, 1, 3):
        with pytest.raises(Conflict):
            books.write(WHOLE, [draft("a", if_match=stale)], NOW)
    assert [v.number for v in books.history(WHOLE, "account", "a")] == [1, 2]


def test_64_writers_at_once_lose_nothing_and_leave_no_gap(books: Books) -> None:
    made, refused = [], []

    def change(n: int) -> None:
        made.extend(books.write(WHOLE, [draft(f"own{n}"), draft("shared")], NOW))
        try:
            made.extend(books.write(WHOLE, [draft("raced", if_match=0)], NOW))
        except Conflict as e:
            refused.append(e)

    threads = [threading.Thread(target=change, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 63
    assert {v.revision for v in made} == set(range(1, 66))
    assert books.revision(WHOLE) == 65
    shared = books.history(WHOLE, "account", "shared")
    assert [v.number for v in shared] == list(range(1, 65))
    assert len({v.revision for v in shared}) == 64
    assert sorted(v.key for v in everything(books)) == sorted(v.key for v in made)


def test_a_reader_sees_one_state_while_others_write(books: Books) -> None:
    books.write(WHOLE, [draft(f"a{n}") for n in range(5_000)], NOW)
    stream = books.versions(WHOLE, "account")
    first = next(stream)
    books.write(WHOLE, [draft("late")], NOW)
    assert [first.key, *(v.key for v in stream)] == sorted(f"a{n}" for n in range(5_000))
    assert books.revision(WHOLE) == 2


def test_books_are_the_same_after_closing_and_opening(open_books: Open, tmp_path: Path) -> None:
    with open_books(tmp_path) as books:
        books.write(WHOLE, [draft("a"), draft("m", noun="meter")], NOW)
        before = everything(books)
    with open_books(tmp_path) as books:
        assert everything(books) == before
        assert books.write(WHOLE, [draft("a")], NOW)[0].number == 2


def test_a_scope_reads_its_own_accounts_and_all_meters(books: Books) -> None:
    books.write(
        WHOLE,
        [
            draft("mine"),
            draft("theirs"),
            draft("m", noun="meter"),
            draft("C1", noun="contract", document={"number": "C1", "account": "mine"}),
            draft("C2", noun="contract", document={"number": "C2", "account": "theirs"}),
        ],
        NOW,
    )
    member = Member("mine", FIRST_INSTANT, LAST_INSTANT)
    scope = Scope("customer", "customer_admin", (member,))
    assert [v.key for noun in NOUNS for v in books.versions(scope, noun)] == ["mine", "m", "C1"]
    assert books.history(scope, "account", "theirs") == []
    assert books.history(scope, "contract", "C2") == []
    assert len(books.history(scope, "contract", "C1")) == 1
    assert list(books.versions(Scope("nobody", "csm", ()), "account")) == []
