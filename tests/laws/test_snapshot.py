from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, union

from tallybook.model.errors import Conflict, Forbidden
from tallybook.model.mark import Mark, minute_of
from tallybook.model.ports import SnapshotQuery, SnapshotSort, SnapshotState
from tallybook.model.position import Position
from tallybook.model.scope import Member, Scope, operator
from tallybook.operations._listing import listed
from tallybook.operations.portfolio import course
from tallybook.stores.books import snapshot as reading
from tallybook.stores.books import writing as store
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import BooksLeases
from tallybook.stores.books.schema import line, line_body
from tallybook.stores.books.snapshot import BooksSnapshot
from tests import postgres
from tests.books import STORES, opened
from tests.worlds import Used, World, used

D = Decimal
ALL = operator()
AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
STATE = SnapshotState(Mark(7, 3, minute_of(AT)), AT)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    found = opened("sqlite", tmp_path_factory.mktemp("books"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    found = opened("postgresql", tmp_path_factory.mktemp("books"))
    yield found
    found.close()


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(f"on_{request.param}")
    return found


class Kept(BooksSnapshot):
    """A snapshot with the claim of the one process that keeps it."""

    def __init__(self, database: Database, holder: str = "the one") -> None:
        super().__init__(database)
        with database.out_of_turn() as connection:  # whoever had it is gone
            connection.execute(text("UPDATE lease SET until = 0"))
        claim = BooksLeases(database, holder).claim(ALL, "refresh")
        assert claim is not None
        self.claim = claim

    def replace(self, *asked: Any, **more: Any) -> None:
        super().replace(*asked, claim=self.claim, **more)


@pytest.fixture
def snapshot(database: Database) -> Kept:
    store = Kept(database)
    store.replace(ALL, STATE, [], everything=True)
    return store


def a_position(*more: Used) -> Position:
    world = World()
    world.account("a", name="Quarry Motors", branch="North", csm={"name": "Nadia"})
    world.account("b", parent="a")
    world.meter(unit="leads")
    world.contract(
        allotment={"quantity": "10"},
        price={"model": "per_unit", "unit_amount": "0.0001"},
        pooling="parent_pool",
        product="Leads",
    )
    uses = [used("a", "2026-03-02", "1.000000000001"), used("b", "2026-03-05", 30)]
    return world.position([*uses, *more], "2026-03-10")


BASE = a_position()
#: The same line with another course.
OTHER = a_position(used("a", "2026-03-01", 2), used("a", "2026-03-09", "0.5"))


def test_a_position_comes_back_as_it_went_in(snapshot: Kept) -> None:
    snapshot.replace(ALL, STATE, [BASE])
    page = snapshot.page(ALL, SnapshotQuery())
    assert page.items == (replace(BASE, known_at=STATE.mark, refreshed_at=AT),)
    assert page.state == snapshot.state(ALL) == STATE


@pytest.mark.parametrize("kind", STORES)
def test_before_the_first_refresh_there_is_nothing(kind: str, tmp_path: Path) -> None:
    database = opened(kind, tmp_path)
    store = Kept(database)
    assert store.state(ALL) is None
    page = store.page(ALL, SnapshotQuery())
    assert (page.items, page.total, page.state) == ((), 0, None)
    database.close()


def test_lines_are_replaced_dropped_and_all_move_to_the_new_mark(snapshot: Kept) -> None:
    one, two, three = (replace(BASE, line=code) for code in ("one", "two", "three"))
    snapshot.replace(ALL, STATE, [one, two, three])
    newer = SnapshotState(Mark(9, 3, minute_of(LATER)), None)
    changed = replace(one, used=D(99))
    snapshot.replace(ALL, newer, [changed], gone=[("C", "two"), ("C", "never")])
    page = snapshot.page(ALL, SnapshotQuery())
    assert [(p.line, p.used, p.known_at) for p in page.items] == [
        ("one", D(99), newer.mark),
        ("three", BASE.used, newer.mark),
    ]
    snapshot.replace(ALL, STATE, [two], everything=True)
    assert [p.line for p in snapshot.page(ALL, SnapshotQuery()).items] == ["two"]


def test_only_who_may_administer_writes(snapshot: Kept) -> None:
    with pytest.raises(Forbidden):
        snapshot.replace(Scope("x", "csm"), STATE, [])


def test_a_scope_sees_its_accounts_at_the_snapshots_instant(snapshot: Kept) -> None:
    lines = [replace(BASE, contract=key, account=key) for key in "abc"]
    snapshot.replace(ALL, STATE, lines)
    scope = Scope(
        "x",
        "customer_viewer",
        accounts=(
            Member("a", AT - timedelta(days=9), AT + timedelta(days=9)),
            Member("b", AT - timedelta(days=9), AT),  # it has moved away
        ),
    )
    assert [p.account for p in snapshot.page(scope, SnapshotQuery()).items] == ["a"]
    both = SnapshotQuery(accounts=frozenset("bc"))
    assert [p.account for p in snapshot.page(ALL, both).items] == ["b", "c"]
    assert snapshot.page(scope, both).total == 0
    assert snapshot.page(scope, SnapshotQuery()).counts["all"] == 1


#: How many lines with a text are looked up by key: of none, each text is in many.
@pytest.mark.parametrize("looked_up", [0, 4_000])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (SnapshotQuery(contract="C2"), ["2"]),
        (SnapshotQuery(service="Calls"), ["2"]),
        (SnapshotQuery(branch="South"), ["3"]),
        (SnapshotQuery(csm="Ben"), ["3"]),
        (SnapshotQuery(text="QUARRY"), ["1", "2"]),
        (SnapshotQuery(text="c2"), ["2"]),
        (SnapshotQuery(text="50%_off"), []),
        (SnapshotQuery(text="straße"), ["3"]),
        (SnapshotQuery(text="c"), ["1", "2", "3"]),
        (SnapshotQuery(text="quarry", branch="North", service="Calls"), ["2"]),
        (SnapshotQuery(text="straße", branch="South"), ["3"]),
        (SnapshotQuery(text="c", branch="South", csm="Ben"), ["3"]),
        (SnapshotQuery(text="quarry", states=frozenset({"near"})), ["2"]),
        (SnapshotQuery(states=frozenset({"near"})), ["2"]),
        (SnapshotQuery(states=frozenset({"likely_over"})), ["2"]),
        (SnapshotQuery(states=frozenset({"over", "low_use"})), ["1", "3"]),
        (SnapshotQuery(offset=1, limit=1), ["2"]),
    ],
)
def test_filters(
    snapshot: Kept,
    query: SnapshotQuery,
    expected: list[str],
    looked_up: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "FOUND_MAX", looked_up)
    near: dict[str, Any] = {"service": "Calls", "status": "near", "likely_over": True}
    ok: dict[str, Any] = {
        "account_name": "Straße 9",
        "branch": "South",
        "csm": "Ben",
        "status": "ok",
    }
    lines = [
        replace(BASE, line="1"),
        replace(BASE, contract="C2", line="2", **near),
        replace(BASE, contract="C3", line="3", **ok, low_use=True),
    ]
    snapshot.replace(ALL, STATE, lines)
    page = snapshot.page(ALL, query)
    assert [p.line for p in page.items] == expected
    plain = listed(lines, query, STATE)
    assert (page.total, page.counts, page.totals) == (plain.total, plain.counts, plain.totals)


def test_chips_count_the_lines_in_each_state_whichever_is_chosen(snapshot: Kept) -> None:
    snapshot.replace(
        ALL,
        STATE,
        [
            replace(BASE, line="1"),
            replace(BASE, line="2", status="near", likely_over=True),
            replace(BASE, line="3", status="near", likely_over=True, low_use=True),
        ],
    )
    page = snapshot.page(ALL, SnapshotQuery(states=frozenset({"over"})))
    assert page.total == 1
    assert page.counts == {"all": 3, "over": 1, "near": 2, "likely_over": 2, "low_use": 1}


def a_line(code: int, fields: dict[str, Any]) -> Position:
    """Return a line with these values; its days are those of its forecast."""
    of = OTHER if fields["forecast"] is OTHER.forecast else BASE
    known = replace(BASE, known_at=STATE.mark, refreshed_at=AT, daily=of.daily)
    return replace(known, line=str(code), **fields)


VALUES = [
    D(x)
    for x in (
        "0",
        "-1",
        "1",
        "0.000000000001",
        "-0.000000000001",
        "999999.999999999999",
        "1000000",
        "123456789012345678.123456789012",
        "-999999999999999999.999999999999",
        "2E+18",
    )
]
TINY = [D(0), D("0.000000000000000000000001"), D("-1.5"), D("123456.123456789012345678901234")]
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "used": st.none() | st.sampled_from(VALUES),
            "allotment": st.none() | st.sampled_from(VALUES),
            "overage": st.sampled_from(VALUES),
            "amount": st.sampled_from(TINY),
            "percent_used": st.none() | st.sampled_from([D("0.000001"), D(80), D("33.333333")]),
            "unit": st.sampled_from(["leads", "calls"]),
            "currency": st.sampled_from(["USD", "EUR"]),
            "account": st.sampled_from("ab"),
            "account_name": st.sampled_from("xyZ"),
            "branch": st.sampled_from([None, "North"]),
            "csm": st.sampled_from([None, "Nadia", "Ben"]),
            "forecast": st.sampled_from([BASE.forecast, OTHER.forecast]),
            "status": st.sampled_from(["ok", "over", "near"]),
            "likely_over": st.booleans(),
            "low_use": st.booleans(),
        }
    ),
    max_size=6,
)


def test_a_walk_sees_one_state_while_refreshes_go_on(
    snapshot: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LINES_A_TRANSACTION", 2)
    before = [replace(BASE, line=f"L{i}") for i in range(5)]
    snapshot.replace(ALL, STATE, before)
    later = SnapshotState(Mark(8, 3, minute_of(LATER)), LATER)
    with snapshot.walk(ALL, SnapshotQuery(sort="contract", descending=True, limit=1)) as walked:
        first = next(walked.items)
        snapshot.replace(ALL, later, [replace(BASE, line="new")], everything=True)
        rest = list(walked.items)
    assert (walked.total, walked.state) == (5, STATE)
    assert [found.line for found in (first, *rest)] == ["L4", "L3", "L2", "L1", "L0"]
    assert {found.known_at for found in rest} == {STATE.mark}
    with snapshot.walk(ALL, SnapshotQuery()) as walked:
        assert [found.line for found in walked.items] == ["new"]


#: How many lines are written into what is read.
AT_ONCE = st.sampled_from([0, 4, 99])
QUERIES = st.builds(
    SnapshotQuery,
    accounts=st.none() | st.sampled_from([frozenset("a"), frozenset("ab"), frozenset()]),
    contract=st.none() | st.just("C"),
    states=st.sampled_from(
        [
            frozenset(),
            frozenset({"over"}),
            frozenset({"near", "low_use"}),
            frozenset({"likely_over"}),
        ]
    ),
    service=st.none() | st.just("Leads"),
    branch=st.none() | st.just("North"),
    csm=st.none() | st.just("Ben"),
    text=st.sampled_from([None, "", "X", "quarry", "%"]),
    sort=st.sampled_from(get_args(SnapshotSort)),
    descending=st.booleans(),
    offset=st.integers(0, 2),
    limit=st.integers(1, 5),
)


@given(LINES, QUERIES)
def test_filters_sorts_and_totals_are_those_of_plain_python_exactly(
    on_sqlite: Database, lines: list[dict[str, Any]], query: SnapshotQuery
) -> None:
    check_page(on_sqlite, lines, query)


@pytest.mark.thorough
@pytest.mark.postgres
@given(LINES, QUERIES)
def test_and_so_they_are_on_postgresql(
    on_postgresql: Database, lines: list[dict[str, Any]], query: SnapshotQuery
) -> None:
    check_page(on_postgresql, lines, query)


def check_page(database: Database, lines: list[dict[str, Any]], query: SnapshotQuery) -> None:
    found = [a_line(i, fields) for i, fields in enumerate(lines)]
    snapshot = Kept(database)
    snapshot.replace(ALL, STATE, found, everything=True)
    assert snapshot.page(ALL, query) == listed(found, query, STATE)
    with snapshot.walk(ALL, query) as walked:
        whole = listed(found, replace(query, offset=0, limit=len(found) or 1), STATE)
        assert (tuple(walked.items), walked.total) == (whole.items, whole.total)


def test_values_beyond_any_meaning_are_cut_and_nothing_overflows(snapshot: Kept) -> None:
    huge = replace(BASE, used=D("1E+30"), amount=D("-1E+60"), percent_used=D("1E+40"))
    snapshot.replace(ALL, STATE, [replace(huge, line=str(i)) for i in range(50)])
    page = snapshot.page(ALL, SnapshotQuery(sort="used"))
    assert page.items[0].used == D("1E+30")
    assert page.totals[0].used == D("1E+21")
    assert page.totals[0].amount == D("-1E+21")


def test_fractions_of_many_lines_add_up_without_overflow(snapshot: Kept) -> None:
    most = replace(BASE, used=D("999999.999999999999"))
    snapshot.replace(ALL, STATE, [replace(most, line=str(i)) for i in range(50)])
    assert snapshot.page(ALL, SnapshotQuery()).totals[0].used == D("49999999.99999999995")


def test_a_position_without_days_or_dates_comes_back(snapshot: Kept) -> None:
    bare = replace(BASE, daily=(), contributions=(), csm=None, branch=None)
    snapshot.replace(ALL, STATE, [bare])
    assert snapshot.page(ALL, SnapshotQuery()).items[0].daily == ()
    assert BASE.daily[0].date < date(2026, 3, 1)


@pytest.mark.thorough
@given(st.lists(LINES, min_size=1, max_size=5), st.integers(1, 9), AT_ONCE, QUERIES)
def test_small_and_large_refreshes_leave_what_plain_python_leaves(
    on_sqlite: Database,
    steps: list[list[dict[str, Any]]],
    most: int,
    at_once: int,
    query: SnapshotQuery,
) -> None:
    check_steps(on_sqlite, steps, most, at_once, query)


@pytest.mark.thorough
@pytest.mark.postgres
@postgres.FEWER
@given(st.lists(LINES, min_size=1, max_size=5), st.integers(1, 9), AT_ONCE, QUERIES)
def test_and_so_they_do_on_postgresql(
    on_postgresql: Database,
    steps: list[list[dict[str, Any]]],
    most: int,
    at_once: int,
    query: SnapshotQuery,
) -> None:
    check_steps(on_postgresql, steps, most, at_once, query)


def check_steps(
    database: Database,
    steps: list[list[dict[str, Any]]],
    most: int,
    at_once: int,
    query: SnapshotQuery,
) -> None:
    """A refresh of more than `at_once` lines is written beside, `most` in a transaction; sums are
    kept up, not read again.
    """
    snapshot = Kept(database)
    snapshot.replace(ALL, STATE, [], everything=True)
    standing: dict[str, Position] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "LINES_A_TRANSACTION", most)
        patched.setattr(store, "LINES_AT_ONCE", at_once)
        for number, lines in enumerate(steps):
            found = {str(i): a_line(i, fields) for i, fields in enumerate(lines, number)}
            gone = sorted(standing.keys() - found.keys())[:2]
            standing = {k: v for k, v in (standing | found).items() if k not in gone}
            snapshot.replace(ALL, STATE, found.values(), gone=[("C", line) for line in gone])
            for asked in _narrowed(query):
                expected = listed(standing.values(), asked, STATE)
                assert snapshot.page(ALL, asked) == expected
                assert Kept(database).page(ALL, asked) == expected
                _check_course(snapshot, standing.values(), asked)
            assert _generations(database) <= 1


def _narrowed(query: SnapshotQuery) -> Iterator[SnapshotQuery]:
    """Yield a query, and those whose sums are kept."""
    yield query
    kept = SnapshotQuery(states=query.states, service=query.service)
    yield from (kept, replace(kept, branch=query.branch), replace(kept, csm=query.csm))


def _check_course(snapshot: Kept, lines: Iterable[Position], asked: SnapshotQuery) -> None:
    """See that lines added up take the course that they take one by one."""
    query = replace(asked, service="Leads", offset=0, limit=99)
    together = snapshot.together(ALL, query)
    narrow = (query.accounts, query.contract, query.text or None, query.branch and query.csm)
    is_kept = narrow == (None,) * 4
    assert course(together) == (course(listed(lines, query, STATE).items) if is_kept else ())


def _generations(database: Database) -> int:
    with database.reader() as connection:
        found = (select(table.c.generation) for table in (line, line_body))
        return len(set(connection.scalars(union(*found))))


@pytest.mark.parametrize("at_once", [0, 99])
def test_who_writes_waits_for_a_part_and_who_reads_sees_all_or_nothing(
    snapshot: Kept, database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(store, "LINES_A_TRANSACTION", 10)
    monkeypatch.setattr(store, "LINES_AT_ONCE", at_once)
    snapshot.replace(ALL, STATE, [replace(BASE, line=str(i)) for i in range(30)])
    newer = SnapshotState(Mark(9, 3, minute_of(LATER)), None)

    def work_out() -> Iterator[Position]:
        for i in range(25):
            with database.writer():  # nobody holds it while positions are worked out
                page = snapshot.page(ALL, SnapshotQuery())
            assert (page.state, page.total) == (STATE, 30)
            assert {p.used for p in page.items} == {BASE.used}
            assert page.totals[0].used == 30 * (BASE.used or 0)
            yield replace(BASE, line=str(i), used=D(1))

    snapshot.replace(ALL, newer, work_out(), gone=[("C", "29")])
    page = snapshot.page(ALL, SnapshotQuery())
    assert (page.state, page.total) == (newer, 29)
    assert page.totals[0].used == 25 + 4 * (BASE.used or 0)


class _Then(list[tuple[str, str]]):
    """A list that does something just before it is read."""

    def __init__(self, act: Callable[[], None], *items: tuple[str, str]) -> None:
        super().__init__(items)
        self._act = act

    def __iter__(self) -> Iterator[tuple[str, str]]:
        self._act()
        return super().__iter__()


@pytest.mark.parametrize(
    ("moment", "at_once"),
    [
        *((moment, at_once) for moment in (0, 1, 2, 3, 7, 8) for at_once in (0, 99)),
        ("all but what is gone", 0),
        ("all", 0),
    ],
)
def test_who_was_paused_past_its_lease_writes_nothing_more(
    snapshot: Kept,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    moment: int | str,
    at_once: int,
) -> None:
    """Another process takes over at some moment of the refresh and writes the whole of its own."""
    monkeypatch.setattr(store, "LINES_AT_ONCE", at_once)
    monkeypatch.setattr(store, "LINES_A_TRANSACTION", 3)
    snapshot.replace(ALL, STATE, [replace(BASE, line="old")])
    newer = SnapshotState(Mark(9, 3, minute_of(LATER)), None)

    def take_over() -> None:
        Kept(database, "the other").replace(ALL, newer, theirs, everything=True)

    def ours() -> Iterator[Position]:
        for i in range(9 if moment != 0 else 1):
            if i == moment:
                take_over()
            yield replace(BASE, line=f"ours {i}")

    theirs = [replace(BASE, line=f"theirs {i}") for i in range(5)]
    gone = _Then(take_over, ("C", "old")) if moment == "all but what is gone" else []
    if moment == "all":
        clear, stands = store.Writing._clear_but, iter([take_over])  # noqa: SLF001 - the last step

        def late(writing: store.Writing, generation: int) -> None:
            if snapshot.page(ALL, SnapshotQuery()).total > 1:
                next(stands, lambda: None)()
            clear(writing, generation)

        monkeypatch.setattr(store.Writing, "_clear_but", late)
    with pytest.raises(Conflict) as refusal:
        snapshot.replace(ALL, STATE, ours(), gone=gone)
    assert refusal.value.code == "lease_lost"
    page = snapshot.page(ALL, SnapshotQuery())
    assert page.state == newer
    assert [p.line for p in page.items] == [p.line for p in theirs]
    assert page.totals[0].lines == 5
    assert _generations(database) == 1


def test_what_a_refresh_that_was_cut_off_has_left_is_never_read_and_cleared(
    snapshot: Kept, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LINES_A_TRANSACTION", 2)
    monkeypatch.setattr(store, "LINES_AT_ONCE", 3)
    snapshot.replace(ALL, STATE, [BASE])

    def cut_off() -> Iterator[Position]:
        yield from (replace(BASE, line=str(i)) for i in range(5))
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        snapshot.replace(ALL, STATE, cut_off())
    assert _generations(database) == 2
    page = snapshot.page(ALL, SnapshotQuery())
    assert (len(page.items), page.total) == (1, 1)
    snapshot.replace(ALL, STATE, [replace(BASE, line=str(i)) for i in range(5, 9)])
    assert snapshot.page(ALL, SnapshotQuery()).total == 5
    assert _generations(database) == 1
