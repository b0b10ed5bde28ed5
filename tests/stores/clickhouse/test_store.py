"""What is ClickHouse's own: loads without a transaction, copies that are shared, servers that are
not there. Its answers are in laws; what takes more than one server is in tests/cluster.
"""

import string
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from tallybook.aggregations._shape import aggregation, expressions
from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.ports import FactQuery
from tallybook.model.scope import Member, operator
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.stores.clickhouse import schema
from tallybook.stores.clickhouse.address import Address, address
from tallybook.stores.clickhouse.dialect import Parameters, kept
from tallybook.stores.clickhouse.nodes import Nodes
from tallybook.stores.clickhouse.store import ClickEvents
from tests.chdb import in_process
from tests.facts import Change, Entry, Happened, batches

ALL = operator()
START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)
COUNT = Meter(key="c", event_type="use", aggregation="count")
SUM = Meter(key="s", event_type="use", aggregation="sum", property="q")
ONES = [Happened("a", START + timedelta(hours=i), '{"q": 1}') for i in range(48)]
#: A void of the first, and all others.
CHANGED: list[Entry] = [*ONES, Change("void", 1)]


@pytest.fixture
def place() -> Address:
    return in_process()


@pytest.fixture
def store(place: Address) -> Iterator[ClickEvents]:
    store = ClickEvents(place, "epoch")
    yield store
    store.close()


@pytest.fixture
def other(place: Address, store: ClickEvents) -> Iterator[ClickEvents]:  # noqa: ARG001 - the second
    """Give what another process has: the same tables, and connections of its own."""
    other = ClickEvents(place, "epoch")
    yield other
    other.close()


def total(store: ClickEvents, known: int = 10**9) -> Any:
    cells = store.usage(ALL, UsageQuery(SUM, (START, END), known))
    return cells[0].value if cells else None


def rows(place: Address) -> int:
    """Count what is stored, whether it counts or not."""
    return int(asked(place, f"SELECT count() FROM {place.database}.events SETTINGS final = 0"))


def asked(place: Address, sql: str) -> Any:
    nodes = Nodes(place, 30)
    try:
        return nodes.ask_on(None, sql)[0][0]
    finally:
        nodes.close()


class Cut(Exception):
    """The load ends here."""


def cut(*_: object) -> None:
    raise Cut


def anew(act: Callable[[], Any]) -> None:
    """See that a store says nothing while another copy takes the place of the one it knew."""
    with pytest.raises(Unavailable) as refused:
        act()
    assert refused.value.code == "events_unavailable"
    assert "loaded anew" in refused.value.detail


class TestLoading:
    def test_a_load_cut_off_before_its_position_is_done_again_and_counts_once(
        self, place: Address, store: ClickEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.load(ALL, batches(ONES[:10]))
        with monkeypatch.context() as patched:
            patched.setattr(schema, "note", cut)
            for _ in range(2):
                with pytest.raises(Cut):
                    store.load(ALL, batches(CHANGED))
        assert (store.position(ALL), store.types(ALL)) == (10, {"use": 10})
        assert rows(place) > 48
        assert total(store, 10) == 10
        store.load(ALL, batches(CHANGED))
        assert (store.position(ALL), store.types(ALL)) == (49, {"use": 48})
        assert (total(store), total(store, 48)) == (47, 48)

    def test_several_may_load_the_same_at_once(
        self, store: ClickEvents, other: ClickEvents
    ) -> None:
        sent, wrong = batches(CHANGED, [7] * 7), []

        def load(events: ClickEvents) -> None:
            last = 0
            for i in range(len(sent)):
                events.load(ALL, sent[: i + 1])
                position = events.position(ALL)
                if position < last or total(events, 48) != position - (position == 49):
                    wrong.append((last, position))
                last = position

        threads = [threading.Thread(target=load, args=(events,)) for events in (store, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.position(ALL) == 49
        assert total(store) == 47

    def test_a_load_under_way_while_all_is_cleared_is_not_believed(
        self, store: ClickEvents, other: ClickEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        note = schema.note

        def late(*to: Any) -> None:
            monkeypatch.setattr(schema, "note", note)
            other.clear(ALL)
            note(*to)

        monkeypatch.setattr(schema, "note", late)
        anew(lambda: store.load(ALL, batches(ONES)))
        assert store.position(ALL) == other.position(ALL) == 0
        store.load(ALL, batches(ONES))
        assert (store.position(ALL), total(other)) == (48, 48)

    def test_large_loads_are_several_steps(
        self, store: ClickEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tallybook.stores.events.gather.LOAD_EVENTS_MAX", 7)
        loaded = store.load(ALL, batches(ONES, [5, 9, 1, 1, 20]))
        assert (loaded.seq, loaded.touched, total(store)) == (48, {"use": {"a"}}, 48)

    def test_one_load_may_touch_any_number_of_months(self, store: ClickEvents) -> None:
        spread = [
            Happened("a", datetime(1990 + i // 12, i % 12 + 1, 1, tzinfo=UTC)) for i in range(300)
        ]
        odd = [Happened("a", datetime(year, 1, 1, tzinfo=UTC)) for year in (1, 1969, 2299, 9999)]
        store.load(ALL, batches([*spread, *odd]))
        assert store.types(ALL) == {"use": 304}
        edges = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2115, 1, 1, tzinfo=UTC))
        (cell,) = store.usage(ALL, UsageQuery(COUNT, edges, 10**9))
        assert cell.value == 300


class TestWhoseCopy:
    def test_what_was_loaded_is_there_when_it_is_opened_again(
        self, place: Address, store: ClickEvents
    ) -> None:
        store.load(ALL, batches(CHANGED))
        again = ClickEvents(place, "epoch")
        assert (again.position(ALL), total(again)) == (49, 47)
        again.clear(ALL)
        assert (again.position(ALL), total(again), again.types(ALL)) == (0, None, {})
        assert store.position(ALL) == 0
        again.close()

    def test_the_copy_of_another_ledger_is_refused_and_left_as_it_is(
        self, place: Address, store: ClickEvents
    ) -> None:
        store.load(ALL, batches(ONES))
        with pytest.raises(Unavailable) as refused:
            ClickEvents(place, "another")
        assert refused.value.code == "events_of_another_ledger"
        assert total(store) == 48

    def test_it_is_emptied_where_that_is_asked_for(
        self, place: Address, store: ClickEvents
    ) -> None:
        store.load(ALL, batches(ONES))
        anew = ClickEvents(place, "another", anew=True)
        assert (anew.position(ALL), anew.types(ALL)) == (0, {})
        with pytest.raises(Unavailable) as refused:
            store.position(ALL)
        assert refused.value.code == "events_of_another_ledger"
        anew.close()

    def test_rows_of_a_copy_that_was_given_up_count_no_more_whether_they_are_deleted_or_not(
        self, place: Address, store: ClickEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.load(ALL, batches(CHANGED))
        with monkeypatch.context() as patched:
            patched.setattr(Nodes, "run_on", cut)
            with pytest.raises(Cut):
                store.clear(ALL)
        assert rows(place) == 48
        again = ClickEvents(place, "epoch")
        assert (again.position(ALL), total(again), again.types(ALL)) == (0, None, {})
        again.load(ALL, batches(ONES[:10]))
        assert (total(again), again.types(ALL), rows(place)) == (10, {"use": 10}, 58)
        again.clear(ALL)
        assert rows(place) == 0
        again.close()

    def test_what_was_said_to_be_there_is_there_or_nothing_is_said(
        self, store: ClickEvents, other: ClickEvents
    ) -> None:
        store.load(ALL, batches(ONES))
        other.clear(ALL)
        anew(lambda: total(store, 48))  # of another copy than was seen
        anew(lambda: total(store, 48))  # of this one, which has not got it yet
        other.load(ALL, batches(ONES[:10]))
        assert store.position(ALL) == total(store, 10) == 10
        anew(lambda: total(store, 11))
        anew(lambda: store.facts(ALL, FactQuery(None, None, START, END, 48, 9)))
        other.load(ALL, batches(ONES))
        assert total(store, 48) == 48

    def test_a_copy_given_up_in_the_midst_of_a_question_is_no_answer(
        self, store: ClickEvents, other: ClickEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.load(ALL, batches(ONES))
        ask, asked = Nodes.ask, list[str]()

        def late(nodes: Nodes, sql: str, bound: Parameters) -> Any:
            if not asked:
                asked.append(sql)
                other.clear(ALL)
                other.load(ALL, batches(ONES))
            return ask(nodes, sql, bound)

        monkeypatch.setattr(Nodes, "ask", late)
        anew(lambda: total(store, 48))
        assert total(store, 48) == 48

    def test_tables_that_are_gone_are_made_anew(self, place: Address, store: ClickEvents) -> None:
        store.load(ALL, batches(ONES))
        nodes = Nodes(place, 30)
        nodes.run_on(None, f"DROP DATABASE {place.database}")
        nodes.close()
        with pytest.raises(Unavailable) as refused:
            total(store)
        assert refused.value.code == "events_unavailable"
        assert "rebuild" in refused.value.detail
        again = ClickEvents(place, "epoch", anew=True)
        again.load(ALL, batches(ONES[:10]))
        assert store.position(ALL) == total(store, 10) == total(again) == 10
        again.close()

    @pytest.mark.usefixtures("store")
    @pytest.mark.parametrize("id_", [0, (1 << 63) - 1])
    def test_of_two_ledgers_that_begin_at_once_one_is_refused(
        self, place: Address, id_: int
    ) -> None:
        nodes = Nodes(place, 30)
        schema.note(nodes, schema.Copy(1, id_, "another", 0))
        nodes.close()
        mine, others = ("another", "epoch") if id_ else ("epoch", "another")
        with pytest.raises(Unavailable) as refused:
            ClickEvents(place, others)
        assert refused.value.code == "events_of_another_ledger"
        ClickEvents(place, mine).close()
        again = ClickEvents(place, others, anew=True)
        again.load(ALL, batches(ONES))
        assert total(again) == 48
        again.close()

    @pytest.mark.usefixtures("store")
    def test_a_newer_schema_is_refused(self, place: Address) -> None:
        nodes = Nodes(place, 30)
        newer = f"INSERT INTO {place.database}.schema (version) SELECT {schema.VERSION + 1}"
        nodes.run_on(None, newer)
        nodes.close()
        with pytest.raises(Unavailable) as refused:
            ClickEvents(place, "epoch")
        assert refused.value.code == "schema_newer"

    @pytest.mark.usefixtures("store")
    @pytest.mark.parametrize("is_anew", [False, True])
    def test_tables_of_another_layout_are_refused(self, place: Address, *, is_anew: bool) -> None:
        nodes = Nodes(place, 30)
        nodes.run_on(None, f"INSERT INTO {place.database}.schema SELECT 1, 'all', true")
        nodes.close()
        with pytest.raises(Unavailable) as refused:
            ClickEvents(place, "epoch", anew=is_anew)
        assert refused.value.code == "events_layout_wrong"
        assert "cluster=all&replicated=true" in refused.value.detail


def test_closed_months_become_one_part(place: Address, store: ClickEvents) -> None:
    early = Happened("a", datetime(1, 1, 1, tzinfo=UTC), '{"q": 1}')
    now = Happened("a", END, '{"q": 1}')
    sent = batches([early, early, *ONES, now, now], [1, 20, 20, 10])
    for batch in sent:
        store.load(ALL, [batch])
    assert store.compact(ALL, date(2026, 3, 31)) == 2
    assert store.compact(ALL, date(2026, 4, 2)) == 48
    assert store.compact(ALL, date(2026, 4, 2)) == 0
    parts = f"SELECT count() FROM system.parts WHERE active AND database = '{place.database}'"
    assert asked(place, f"{parts} AND table = 'events' AND endsWith(partition_id, '-202603')") == 1
    assert total(store) == 48


def test_a_late_row_waits_until_merging_is_worth_it(store: ClickEvents) -> None:
    many: list[Entry] = [Happened("a", START, '{"q": 1}')] * 201
    store.load(ALL, batches(many))
    for late, moved in ((1, 0), (2, 0), (3, 204)):
        store.load(ALL, batches([*many, *ONES[:late]], [201, 1, 1]))
        assert store.compact(ALL, date(2026, 4, 1)) == moved
    assert total(store) == 204


@pytest.mark.parametrize("options", ["", "?cluster=c", "?cluster=c&replicated=true"])
def test_tables_are_made_by_statements_of_the_engine(place: Address, options: str) -> None:
    """No Keeper runs in tests: of replicated tables this is all that is seen here."""
    named = address(f"clickhouse://h/db{options}")
    made = [text for table in schema.TABLES for text in schema.statements(named, table)]
    assert len(made) == (6 if options else 3)
    for text in made:
        assert "CreateQuery" in asked(place, f"EXPLAIN AST {text}")
        (statement,) = sqlglot.parse(text, dialect="clickhouse")
        assert isinstance(statement, sqlglot.exp.Create)
        engine = text.partition("ENGINE = ")[2].partition(" ORDER")[0]
        if " AS db." in text:
            assert engine.startswith("Distributed('c', 'db', '")
        elif named.replicated:
            assert "Replicated" in engine
            assert "'/clickhouse/tables/{shard}/db." in engine
        else:
            assert engine in {"ReplacingMergeTree()", "ReplacingMergeTree(seq)"}
        assert ("fsync_after_insert = 1" in text) is ("Distributed" not in text)


def test_no_limit_of_a_profile_makes_a_part_of_an_answer(place: Address) -> None:
    modes = "FROM system.settings WHERE name LIKE '%overflow_mode%'"
    assert asked(place, f"SELECT count() {modes}") >= 10
    assert asked(place, f"SELECT countIf(NOT changed OR value <> 'throw') {modes}") == 0


class TestLimits:
    @pytest.mark.usefixtures("store")
    def test_a_question_that_takes_too_long_is_stopped(self, place: Address) -> None:
        nodes = Nodes(place, 1)
        with pytest.raises(Invalid) as refused:
            nodes.ask("SELECT count() FROM numbers(1e12) WHERE NOT ignore(number)", Parameters())
        assert refused.value.code == "query_too_long"
        assert refused.value.facts["limit"] == 1
        nodes.close()

    def test_a_sum_does_not_wrap(self, place: Address) -> None:
        (sql,) = expressions(aggregation("sum"), "clickhouse")
        largest = "9" * 26 + "." + "9" * 12
        found = asked(
            place, f"SELECT {sql} FROM (SELECT toDecimal128('{largest}', 12) AS quantity "
            "FROM numbers(20))",
        )  # fmt: skip
        assert found == Decimal("1999999999999999999999999999.99999999998")

    def test_a_sum_that_overflows_is_refused(
        self, store: ClickEvents, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It takes 10^8 of the largest quantity, so the engine multiplies them here."""
        largest = '{"q": 999999999999999999}'
        store.load(ALL, batches([Happened("a", START, largest)]))
        monkeypatch.setattr(
            "tallybook.aggregations.sum.CLICKHOUSE",
            ("sum(toDecimal256(quantity, 12)) * 1000000000",),
        )
        with pytest.raises(Invalid) as refused:
            total(store)
        assert refused.value.code == "quantity_overflow"

    def test_a_question_may_have_any_number_of_odd_buckets_and_members(
        self, store: ClickEvents
    ) -> None:
        store.load(ALL, batches([Happened("x19999", START)]))
        edges, at = [START - timedelta(hours=1)], START - timedelta(hours=1)
        for i in range(5_000):
            at += timedelta(minutes=1 + i % 7)
            edges.append(at)
        members = tuple(Member(f"x{i}", START, at, i % 3) for i in range(20_000))
        long = FilterTerm(property="q", op="ne", value="é'" * 100_000)
        counting = COUNT.model_copy(update={"filter": [long]})
        cells = store.usage(ALL, UsageQuery(counting, tuple(edges), 9, members))
        bucket = next(i for i, edge in enumerate(edges) if edge > START) - 1
        assert cells == [UsageCell(19_999 % 3, bucket, None, (), Decimal(1))]


class TestNobodyThere:
    def test_servers_that_do_not_answer_are_named(self) -> None:
        place = address("clickhouse://u:secret@127.0.0.1:9,127.0.0.1:10/db?cluster=c")
        with pytest.raises(Unavailable) as refused:
            ClickEvents(place, "epoch")
        assert refused.value.code == "events_unavailable"
        assert "ClickHouse at 127.0.0.1:" in refused.value.detail
        assert "secret" not in str(refused.value)

    def test_who_answers_but_is_no_clickhouse_is_not_said_to_be_silent(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(Unavailable) as refused:
                ClickEvents(address(f"clickhouse://127.0.0.1:{server.server_port}/db"), "epoch")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        assert "it refused" in refused.value.detail

    def test_a_closed_store_says_so(self, place: Address) -> None:
        store = ClickEvents(place, "epoch")
        store.close()
        for _ in range(2):
            with pytest.raises(Unavailable):
                store.position(ALL)
            store.close()

    @pytest.mark.usefixtures("store")
    def test_what_a_server_refuses_is_told_by_its_name(self, place: Address) -> None:
        nodes = Nodes(place, 30)
        with pytest.raises(Unavailable) as refused:
            nodes.ask("SELECT no_column", Parameters())
        assert "UNKNOWN_IDENTIFIER" in refused.value.detail
        nodes.close()


NAMES = st.text(max_size=4) | st.sampled_from(["", "~", "~2E", ".", "a-b", "`", "é", "\\", "'"])


@given(NAMES, NAMES)
def test_a_kept_name_stays_in_its_place_and_is_its_own(one: str, other: str) -> None:
    assert set(kept(one)) <= {*string.ascii_letters, *string.digits, *"_-~"}
    assert kept(one)
    assert (kept(one) == kept(other)) is (one == other)
