"""The laws of events one by one, for every store there is: the events that a meter adds up are
those that a plain look finds, in order of (time, id), whatever the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model.limits import PIECES_MAX
from tallybook.model.nouns import FilterTerm
from tallybook.model.ports import Events
from tallybook.model.scope import Member, Scope
from tallybook.model.usage import (
    PieceKey,
    PieceRow,
    PiecesQuery,
    ReadingsQuery,
    UsageCell,
    UsageQuery,
)
from tests.facts import Change, Entry, Happened, batches, counted, pieced, possible, taken
from tests.laws.test_events import (
    ALL,
    DEEP,
    EDGES,
    ENTRIES,
    MEMBERS,
    SPANS,
    STORES,
    TERMS,
    TIED,
    TIMES,
    changes,
    meter,
    opened,
    told,
)

READ = st.builds(
    Happened,
    st.sampled_from("ab"),
    st.sampled_from(TIMES),
    st.builds(
        lambda q, channel: f'{{"q": {q}{channel}}}',
        st.sampled_from(["1", "2", "3.5", '"x"']),
        st.sampled_from(["", ', "channel": "sms"']),
    ),
)
COUNTED = st.lists(READ | READ | changes(READ), max_size=16).map(possible)
DIMENSIONS = st.sampled_from([(), ("channel",), ("q",), (DEEP, "channel"), ("nowhere",)])


@pytest.fixture(scope="module", params=STORES)
def kept(request: pytest.FixtureRequest) -> Iterator[Events]:
    with opened(request.param) as store:
        yield store


def paged(store: Events, query: PiecesQuery, scope: Scope = ALL) -> list[PieceRow]:
    """Ask page by page."""
    found: list[PieceRow] = []
    after: PieceKey | None = None
    while page := store.pieces(scope, replace(query, after=after)):
        assert len(page) <= query.limit
        found += page
        after = page[-1].key
    return found


@settings(max_examples=settings().max_examples // 8)
@given(
    entries=ENTRIES | TIED,
    terms=st.lists(TERMS, max_size=1),
    members=MEMBERS,
    dimensions=DIMENSIONS,
    known=st.integers(0, 16),
    moved=st.booleans(),
)
def test_pieces_are_the_events_in_order(
    *,
    kept: Events,
    entries: list[Entry],
    terms: list[FilterTerm],
    members: tuple[Member, ...] | None,
    dimensions: tuple[str, ...],
    known: int,
    moved: bool,
) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    if moved:
        kept.compact(ALL, date(2026, 3, 2))
    for name in ("sum", "count", "increase"):
        counting = meter(name, filter=terms, dimensions=["channel"])
        query = PiecesQuery(counting, EDGES[0], EDGES[-1], known, members, dimensions, limit=3)
        found = paged(kept, query)
        assert found == pieced(query, entries), name
        usage = told(kept, UsageQuery(counting, (EDGES[0], EDGES[-1]), known, members))
        assert _sums(found) == {cell.group: cell.value for cell in usage}


def _sums(found: Sequence[PieceRow]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = {}
    for row in found:
        sums[row.key.group] = sums.get(row.key.group, Decimal(0)) + row.quantity
    return sums


def test_pieces_come_by_time_then_id_whatever_the_page(kept: Events) -> None:
    """Later ones arrived first, some at one instant, one is replaced and one void."""
    at = [*reversed(EDGES[:4]), *[EDGES[0]] * 8]
    happened = [Happened("ab"[i % 2], time, f'{{"q": {i}}}') for i, time in enumerate(at)]
    entries: list[Entry] = [*happened, Change("replace", 3, happened[0]), Change("void", 5)]
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    members = (Member("a", EDGES[0], EDGES[4]), Member("b", EDGES[0], EDGES[4], group=1))
    for limit in (1, 3, 100):
        query = PiecesQuery(meter("sum"), EDGES[0], EDGES[4], 99, members, ("q",), limit)
        found = paged(kept, query)
        assert found == pieced(query, entries)
        assert [row.key.id for row in found[:7]] == ["e10", "e11", "e12", "e4", "e6", "e7", "e8"]


@settings(max_examples=settings().max_examples // 10)
@given(entries=ENTRIES, members=MEMBERS)
def test_a_scope_cuts_pieces(
    kept: Events, entries: list[Entry], members: tuple[Member, ...] | None
) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    scope = Scope("somebody", "csm", accounts=(SPANS[0],))
    query = PiecesQuery(
        meter("count", property=None), EDGES[0], EDGES[-1], 99, members, (), PIECES_MAX
    )
    rows = dict(counted(entries, 99))
    inside = [
        row
        for row in pieced(query, entries)
        if rows[row.key.seq].subject == "a" and EDGES[0] <= row.key.time < EDGES[2]
    ]
    assert kept.pieces(scope, query) == inside


@settings(max_examples=settings().max_examples // 10)
@given(entries=COUNTED, known=st.integers(0, 16))
def test_a_reading_knows_the_one_before_of_its_counter(
    kept: Events, entries: list[Entry], known: int
) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    counting = meter("increase", dimensions=["channel"])
    members = (Member("a", EDGES[1], EDGES[3]), Member("b", EDGES[0], EDGES[4]))
    query = ReadingsQuery(counting, EDGES[1], EDGES[-1], known, members, 99)
    found = kept.readings(ALL, query)
    rises = taken(counting, counted(entries, known))
    expected = [
        (event.time, seq)
        for seq, (event, _) in rises.items()
        if any(m.account == event.subject and m.start <= event.time < m.end for m in members)
        and event.time >= EDGES[1]
    ]
    assert all(reading.rise == rises[reading.seq][1] for reading in found)
    assert [(reading.time, reading.seq) for reading in found] == expected
    fell = [r for r in found if r.before is not None and r.quantity < r.before]
    assert kept.readings(ALL, replace(query, falls=True)) == fell


def test_a_counter_counts_its_rises_wherever_the_reading_before_lies(kept: Events) -> None:
    def showed(day: int, device: str, reading: int) -> Happened:
        at = datetime(2026, 3, day, 12, tzinfo=UTC)
        return Happened("a", at, f'{{"q": {reading}, "channel": "{device}"}}')

    kept.clear(ALL)
    readings = [
        *(showed(day, "x", q) for day, q in ((1, 1000), (9, 1500), (11, 200), (20, 260))),
        *(showed(day, "y", q) for day, q in ((2, 50), (19, 90))),
    ]
    kept.load(ALL, batches(readings))
    ends = (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    counting = meter("increase", dimensions=["channel"])
    assert told(kept, UsageQuery(counting, ends, 99)) == {
        UsageCell(0, 0, None, (), Decimal(500 + 60 + 40))
    }
    by_device = UsageQuery(counting, ends, 99, None, ("channel",))
    assert {c.dimensions[0]: c.value for c in told(kept, by_device)} == {"x": 560, "y": 40}
    (fall,) = kept.readings(ALL, ReadingsQuery(counting, *ends, 99, None, 9, falls=True))
    assert (fall.account, fall.values) == ("a", ("x",))
    assert (fall.before, fall.quantity) == (Decimal(1500), Decimal(200))
