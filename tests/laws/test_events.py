"""The laws of the Events port, for every store there is: an answer equals the plain fold, and
does not depend on how facts were loaded, sent twice or sorted. Facts are events and corrections.
"""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tallybook.aggregations as room
from tallybook.aggregations._shape import aggregation
from tallybook.model import kinds
from tallybook.model.columns import columns
from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.packed import Batch, pack
from tallybook.model.ports import Events, FactQuery, Listed
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb.store import DuckEvents
from tests.chdb import in_process
from tests.facts import (
    RECEIVED,
    Change,
    Entry,
    Happened,
    Play,
    Stood,
    answer,
    batches,
    counted,
    folded,
    possible,
)

ALL = operator()
TICK = timedelta(microseconds=1)
#: The edges of the buckets, of unequal width, over the end of a month.
EDGES = tuple(
    datetime.fromisoformat(f"2026-{text}:00Z")
    for text in ("02-27T00", "02-28T00", "03-01T00", "03-01T01", "03-04T00")
)
TIMES = [t for edge in EDGES for t in (edge - TICK, edge)] + [datetime(1, 1, 2, tzinfo=UTC)]
VALUES = [
    "0", "1", "1.0", "-0.0", "0.1", "1e-12", "1E+5", "123456.789", "12345678901234567.123456789",
    "1e-13", "1234567890123456789", "1e400", "1e9999999", "0e999999", "1e-500",
    "18446744073709551616", '"2026-01-01"', '"2026-01-01 00:00:00"', '"100"', '"0100.50"',
    '"1e5"', '" 1"', '"+1"', '"1_000"', '"abc"', '""', '"#5"', '"#\\"x"', '"{"', '"[1]"', '"true"',
    '"#true"', '"\\u0000"', '"NaN"', "null", "true", "false", "[1.5]", '{"q": 1}',
]  # fmt: skip
DATA = st.builds(
    lambda q, channel, deep: f'{{"q": {q}{channel}, "deep": {{"it\'s a/b~": {deep}}}}}',
    st.sampled_from(["1", "2", "3"]) | st.sampled_from(VALUES),
    st.sampled_from(["", ', "channel": "sms"', ', "channel": "push"', ', "channel": 1']),
    st.sampled_from(VALUES),
)
EVENT = st.builds(
    Happened,
    st.sampled_from("abc"),
    st.sampled_from(TIMES[:3]) | st.sampled_from(TIMES),
    DATA | st.sampled_from(["[]", '"text"', "3", "null"]),
    st.sampled_from(["use", "use", "other"]),
)


def changes(event: st.SearchStrategy[Happened]) -> st.SearchStrategy[Change]:
    """Draw corrections of any event so far."""
    which, others = st.integers(0, 9), st.sampled_from(["void", "revert", "revert"])
    return st.builds(Change, others, which, st.none()) | st.builds(
        Change, st.just("replace"), which, event
    )


ENTRIES = st.lists(EVENT | EVENT | changes(EVENT), max_size=16).map(possible)
DEEP = "deep.it's a/b~"
LIMITS = [1, Decimal("0.1"), "abc", "#5", "1"]
SCALARS = [*LIMITS, None, True, Decimal("1.0"), "{", "true", Decimal("1E+5")]
TERMS = st.builds(
    lambda name, term: FilterTerm(property=name, **term),
    st.sampled_from(["q", DEEP, "channel", "nowhere"]),
    st.one_of(
        st.builds(lambda o, v: {"op": o, "value": v}, st.sampled_from(["eq", "ne"]),
                  st.sampled_from(SCALARS)),
        st.builds(lambda o, v: {"op": o, "value": v}, st.sampled_from(["in", "not_in"]),
                  st.lists(st.sampled_from(SCALARS), min_size=1, max_size=3)),
        st.builds(lambda o, v: {"op": o, "value": v}, st.sampled_from(["gt", "gte", "lt", "lte"]),
                  st.sampled_from(LIMITS)),
        st.builds(lambda v: {"op": "exists", "value": v}, st.booleans()),
    ),
)  # fmt: skip
SPANS = [
    Member("a", EDGES[0], EDGES[2]),
    Member("a", EDGES[1], EDGES[4], group=1),
    Member("b", FIRST_INSTANT, LAST_INSTANT),
    Member("z", FIRST_INSTANT, LAST_INSTANT),
]
MEMBERS = st.none() | st.lists(st.sampled_from(SPANS), unique=True, max_size=4).map(tuple)
KINDS = kinds.names(room)
STORES: dict[str, Callable[[Path], Any]] = {
    "duckdb": lambda folder: DuckEvents(folder / "events.duckdb", threads=1),
    "chdb": lambda _: ClickEvents(in_process(), "epoch"),
}


@contextmanager
def opened(name: str) -> Iterator[Events]:
    """Open an empty store."""
    with TemporaryDirectory() as folder:
        store = STORES[name](Path(folder))
        try:
            yield store
        finally:
            store.close()


@pytest.fixture(scope="module")
def kept() -> Iterator[Events]:
    """Give one store to many examples; each clears it first."""
    with opened("duckdb") as store:
        yield store


def meter(name: str, **more: Any) -> Meter:
    """Make a meter of an aggregation that reads `q`."""
    return Meter(key="m", event_type="use", aggregation=name, **{"property": "q", **more})


def told(store: Events, query: UsageQuery, scope: Scope = ALL) -> set[UsageCell]:
    """Ask, and see that nothing is said twice and no float comes back."""
    cells = store.usage(scope, query)
    assert all(type(c.value) is Decimal for c in cells)
    assert len({(c.group, c.bucket, c.account, c.dimensions) for c in cells}) == len(cells)
    return set(cells)


@dataclass(frozen=True)
class Asked:
    """All of a usage question but its aggregation."""

    terms: list[FilterTerm]
    members: tuple[Member, ...] | None
    group_by: tuple[str, ...]
    by_account: bool
    known: int

    def query(self, name: str) -> UsageQuery:
        counting = meter(name, filter=self.terms[:1], dimensions=list(self.group_by))
        return UsageQuery(
            counting,
            EDGES,
            self.known,
            self.members,
            self.group_by,
            by_account=self.by_account,
            filter=tuple(self.terms[1:]),
        )


QUESTIONS = st.builds(
    Asked,
    st.lists(TERMS, max_size=2),
    MEMBERS,
    st.sampled_from([(), ("channel",), ("q",), (DEEP, "channel")]),
    st.booleans(),
    st.integers(0, 16),
)


@given(
    entries=ENTRIES,
    sizes=st.lists(st.integers(1, 4), max_size=4),
    asked=QUESTIONS,
    sorted_before=st.sampled_from([None, date(2026, 2, 28), date(2026, 3, 5)]),
)
def test_every_answer_equals_the_fold(
    kept: Events,
    entries: list[Entry],
    sizes: list[int],
    asked: Asked,
    sorted_before: date | None,
) -> None:
    kept.clear(ALL)
    sent = batches(entries, sizes)
    kept.load(ALL, sent[: len(sent) // 2])
    if sorted_before:
        kept.compact(ALL, sorted_before)
    kept.load(ALL, sent)
    for moved in (False, True):
        if moved:
            kept.compact(ALL, date(2026, 3, 2))
        for name in KINDS:
            query = asked.query(name)
            assert told(kept, query) == answer(query, entries), name


TIE = st.builds(
    Happened,
    st.sampled_from("ab"),
    st.sampled_from(TIMES[:3]),
    st.sampled_from(['{"q": 1}', '{"q": 2}', '{"q": 3}', '{"q": "x"}']),
    st.just("use"),
)
TIED = st.lists(TIE | TIE | changes(TIE), min_size=4, max_size=16).map(possible)


@given(entries=TIED, sizes=st.lists(st.integers(1, 4), max_size=4))
def test_ties_are_settled_by_arrival(kept: Events, entries: list[Entry], sizes: list[int]) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries, sizes))
    for name in KINDS:
        query = UsageQuery(meter(name), EDGES, 99)
        assert told(kept, query) == answer(query, entries), name


@settings(max_examples=settings().max_examples // 5)  # each asks as often as there are entries
@given(entries=TIED)
def test_every_answer_can_be_asked_again_as_it_was(kept: Events, entries: list[Entry]) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    for _ in range(2):
        for seq in range(len(entries) + 1):
            query = UsageQuery(meter("sum"), EDGES, seq, by_account=True)
            assert told(kept, query) == answer(query, entries), seq
        kept.compact(ALL, date(2026, 3, 5))


@given(entries=ENTRIES, sizes=st.lists(st.integers(1, 4), max_size=4))
def test_a_load_names_all_whose_answers_it_moves(
    kept: Events, entries: list[Entry], sizes: list[int]
) -> None:
    kept.clear(ALL)
    for batch in batches(entries, sizes):
        before = set(counted(entries, batch.first_seq - 1))
        loaded = kept.load(ALL, [batch])
        moved = {(e.type, e.subject) for _, e in before ^ set(counted(entries, batch.last_seq))}
        touched = {(name, who) for name, accounts in loaded.touched.items() for who in accounts}
        assert moved <= touched
        assert {name for name, _ in touched} <= {"use", "other"}


@given(entries=ENTRIES, members=MEMBERS)
def test_a_scope_cuts_every_question(
    kept: Events, entries: list[Entry], members: tuple[Member, ...] | None
) -> None:
    scope = Scope("somebody", "csm", accounts=(SPANS[0],))
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    query = UsageQuery(meter("count", property=None), EDGES, 99, members, by_account=True)
    rows = {seq: row.event for seq, row in Play(entries).rows.items()}
    inside = {
        seq: e for seq, e in rows.items() if e.subject == "a" and EDGES[0] <= e.time < EDGES[2]
    }
    counts = [(seq, e) for seq, e in counted(entries, 99) if seq in inside]
    assert told(kept, query, scope) == folded(query, counts)
    every = FactQuery(members, None, FIRST_INSTANT, LAST_INSTANT, 99, 99)
    assert {one.seq for one in kept.facts(scope, every)} <= inside.keys()
    assert kept.types(scope).get("use", 0) == sum(e.type == "use" for e in inside.values())


@given(entries=ENTRIES, sizes=st.lists(st.integers(1, 4), max_size=4), data=st.data())
def test_what_was_loaded_once_changes_nothing(
    kept: Events, entries: list[Entry], sizes: list[int], data: st.DataObject
) -> None:
    kept.clear(ALL)
    kept.load(ALL, data.draw(st.permutations(batches(entries, sizes))))
    types = kept.types(ALL)
    loaded = kept.load(ALL, batches(entries))
    assert loaded.seq == kept.position(ALL) == len(entries)
    assert not loaded.touched
    assert kept.types(ALL) == types == _types(entries)


@given(
    entries=ENTRIES,
    seq=st.integers(0, 16) | st.just(99),
    state=st.sampled_from(["counted", "unresolved", "voided", "replaced", None]),
    known=st.frozensets(st.sampled_from("abc")),
    terms=st.lists(TERMS, max_size=1),
    kind=st.sampled_from(KINDS),
    moved=st.booleans(),
)
def test_facts_are_listed_newest_first_by_page(  # noqa: PLR0913 - all that a list depends on
    *,
    kept: Events,
    entries: list[Entry],
    seq: int,
    state: Any,
    known: frozenset[str],
    terms: list[FilterTerm],
    kind: str,
    moved: bool,
) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    if moved:
        kept.compact(ALL, date(2026, 3, 2))
    counting = meter(kind, filter=terms)
    pages: list[Listed] = []
    before = None
    while True:
        page = kept.facts(ALL, FactQuery(
            None, None, FIRST_INSTANT, LAST_INSTANT, seq, 2, before, state, known, (counting,),
        ))  # fmt: skip
        pages.extend(page)
        if len(page) < 2:
            break
        before = page[-1][:2]
    expected = [
        Listed(row.event.time, number, row.hidden_by)
        for number, row in Play(entries[:seq]).rows.items()
        if state in {None, _state(row, counting, known)}
    ]
    assert pages == sorted(expected, reverse=True)


@given(
    entries=ENTRIES,
    closes=st.lists(
        st.sampled_from([*EDGES, RECEIVED, RECEIVED + timedelta(days=1)]), min_size=1, unique=True
    ).map(sorted),
    moved=st.booleans(),
)
def test_late_is_what_came_once_its_day_was_over(
    *, kept: Events, entries: list[Entry], closes: list[datetime], moved: bool
) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    if moved:
        kept.compact(ALL, date(2026, 3, 2))
    asked = FactQuery(None, None, FIRST_INSTANT, LAST_INSTANT, 99, 99, closes=tuple(closes))
    expected = {
        number
        for number, row in Play(entries).rows.items()
        if next((c for c in closes if c > row.event.time), LAST_INSTANT) <= RECEIVED
    }
    assert {one.seq for one in kept.facts(ALL, asked)} == expected


def _state(row: Stood, counting: Meter, known: frozenset[str]) -> str:
    if row.state == "counted" and not _is_counted(row.event, counting, known):
        return "unresolved"
    return row.state


def _is_counted(event: Happened, counting: Meter, known: frozenset[str]) -> bool:
    if event.subject not in known or event.type != counting.event_type:
        return False
    if aggregation(counting.aggregation).READS == "presence":
        return True
    query = UsageQuery(
        counting.model_copy(update={"filter": []}), (FIRST_INSTANT, LAST_INSTANT), 99
    )
    needs = UsageQuery(
        meter("count", property=None, filter=counting.filter), (FIRST_INSTANT, LAST_INSTANT), 99
    )
    return not answer(needs, [event]) or bool(answer(query, [event]))


def _types(entries: list[Entry]) -> dict[str, int]:
    return Counter(row.event.type for row in Play(entries).rows.values())


def test_a_gap_is_refused_and_nothing_is_loaded(kept: Events) -> None:
    kept.clear(ALL)
    events = [Happened("a", EDGES[0])] * 3
    with pytest.raises(Unavailable) as refused:
        kept.load(ALL, batches(events, [1, 1])[1:])
    assert refused.value.code == "events_gap"
    assert kept.position(ALL) == 0


def test_a_sum_beyond_all_quantities_is_refused(kept: Events) -> None:
    kept.clear(ALL)
    many = Happened("a", EDGES[0], '{"q": 999999999999999999}')
    kept.load(ALL, batches([many] * 2))
    query = UsageQuery(meter("sum"), EDGES, 9)
    assert {c.value for c in kept.usage(ALL, query)} == {Decimal(1999999999999999998)}


def test_events_without_time_happen_when_they_arrive(kept: Events) -> None:
    kept.clear(ALL)
    wires = (
        b'{"specversion":"1.0","id":"1","source":"s","type":"use","subject":"a"}',
        b'{"id":"2","source":"s","type":"use","subject":"a","time":"2026-03-01T00:59:60Z"}',
        b'{"id":"3","source":"s","type":"use","subject":"a","time":"2026-03-01t02:00:00.1234567z"}',
        b'{"id":"4","source":"s","type":"use","subject":"a","time":"2026-03-01T02:00:00+23:59"}',
    )
    loaded = kept.load(ALL, [Batch(1, RECEIVED, pack(columns(wires)))])
    assert loaded.touched == {"use": {"a"}}
    every = FactQuery(None, "use", FIRST_INSTANT, LAST_INSTANT, 9, 9)
    assert kept.facts(ALL, every) == [
        Listed(RECEIVED, 1, None),
        Listed(datetime(2026, 3, 1, 2, 0, 0, 123456, tzinfo=UTC), 3, None),
        Listed(datetime(2026, 3, 1, 1, tzinfo=UTC), 2, None),
        Listed(datetime(2026, 2, 28, 2, 1, tzinfo=UTC), 4, None),
    ]


#: What a binary event may carry as JSON, though it is none or has space around it.
ODD = [
    b' {"q":4}\n',
    b'{"q":"\xff"}',
    b'{"\xff":1}',
    b'{"q":"\\ud800"}',
    b"\xef\xbb\xbf{}",
    b" ",
    b"",
]


def test_a_meters_property_may_come_twice_or_in_base64(kept: Events) -> None:
    kept.clear(ALL)
    head = b'"source":"s","type":"use","subject":"a","time":"2026-03-01T00:00:00Z"'
    wires = (
        b'{"id":"1",%b,"data":{"q":1,"q":2.50}}' % head,
        b'{"id":"2",%b,"data_base64":"eyJxIjogMX0="}' % head,
        b'{"id":"3",%b,"data_base64":"AAAA"}' % head,
        b'{"id":"4",%b,"data":{"q":"x","r":[1.5]}}' % head,
        b'{"id":"5",%b,"data":{"q":%b}}' % (head, b"9" * 5000),
        b'{"id":"6",%b,"data":{"q":1e99999999999999999999}}' % head,
        *(b'{"id":"%b",%b,"data_base64":"%b"}' % (b64encode(x), head, b64encode(x)) for x in ODD),
    )
    # Each may be the first that is loaded, by which the others are judged.
    kept.load(ALL, [Batch(i, RECEIVED, pack(columns([w]))) for i, w in enumerate(wires, 1)])
    kept.clear(ALL)
    kept.load(ALL, [Batch(1, RECEIVED, pack(columns(wires)))])
    query = UsageQuery(meter("sum"), EDGES, 9)
    assert [c.value for c in kept.usage(ALL, query)] == [Decimal("7.5")]
    kept.compact(ALL, date(2026, 3, 2))
    assert [c.value for c in kept.usage(ALL, query)] == [Decimal("7.5")]


@pytest.mark.parametrize("op", ["in", "not_in"])
@pytest.mark.parametrize("last", [None, "5", 5])
def test_a_filter_may_name_any_number_of_values(kept: Events, op: str, last: Any) -> None:
    events = [Happened("a", EDGES[0], f'{{"q": {q}}}') for q in ('"5"', "5", '"v7"', "null", "{}")]
    kept.clear(ALL)
    kept.load(ALL, batches(events))
    term = FilterTerm(property="q", op=op, value=[*(f"v{i}" * 50 for i in range(2000)), last])
    query = UsageQuery(meter("count", property=None, filter=[term]), EDGES, 99)
    assert told(kept, query) == answer(query, events)


#: What an engine may like to take for something else than a text, which it would write otherwise.
ALIKE = [
    "2026-01-01", "2026-01-01 00:00:00", "2026-01-01T00:00:00.5Z", "00:00:00", "1.10", "010", "nan",
    "TRUE", "61F0C404-5CB3-11E7-907B-A6006AD3DBA0", "127.0.0.001", "[1, 2]", "NULL",
]  # fmt: skip


def test_a_text_stays_what_it_was(kept: Events) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches([Happened("a", EDGES[0], json.dumps({"q": text})) for text in ALIKE]))
    query = UsageQuery(meter("count", dimensions=["q"]), EDGES, 99, None, ("q",))
    for _ in range(2):
        assert {c.dimensions[0]: c.value for c in told(kept, query)} == dict.fromkeys(ALIKE, 1)
        kept.compact(ALL, date(2026, 3, 2))


NASTY = [
    "'; DROP TABLE tail; --", "a'b", "$1", "{0}", "%s", "*", "/", "~", "$q", "é☃", "q)--", "`",
    "{p0:String}", "~2E", "%2E", "null", "size0", "1", "^q", ":String", "--", " ",
]  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_never_part_of_a_statement(kept: Events, name: str) -> None:
    kept.clear(ALL)
    text = json.dumps({name: name, '"\\\0\n': 1, "": 2, "a.b": 3, "\x7f": {"": {}}})
    event = Happened(name, EDGES[0], text, "use")
    kept.load(ALL, batches([event, Happened("a", EDGES[0])]))
    query = UsageQuery(
        meter("unique", property=name, dimensions=[name]),
        EDGES, 9, (Member(name, EDGES[0], EDGES[1]),), (name,), by_account=True,
        filter=(FilterTerm(property=name, value=name),),
    )  # fmt: skip
    for _ in range(2):
        assert told(kept, query) == {UsageCell(0, 0, name, (name,), Decimal(1))}
        kept.compact(ALL, date(2026, 3, 2))


def test_a_filter_beyond_all_quantities_is_refused(kept: Events) -> None:
    term = FilterTerm(property="q", op="gt", value=Decimal("1e30"))
    with pytest.raises(Invalid) as refused:
        kept.usage(ALL, UsageQuery(meter("sum"), EDGES, 9, filter=(term,)))
    assert refused.value.code == "quantity_out_of_range"
