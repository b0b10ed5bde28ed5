"""What charges need to be counted, on a real store: each answer equals the plain fold."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.aggregations._shape import Row, aggregation
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.price import Billable, Piece
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, micros
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.operations import measure as module
from tallybook.operations.measure import measure
from tallybook.operations.resets import resets
from tallybook.positions.needs import Need, Window
from tallybook.stores.duckdb.store import DuckEvents
from tests.facts import Happened, batches, taken
from tests.worlds import World

ALL = operator()
D = Decimal
DAY = date(2026, 3, 10)
#: In March: the start, the turn and the end of what is asked.
EDGES = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
TIMES = [datetime(2026, 2, 28, 23, tzinfo=UTC), *EDGES, datetime(2026, 3, 2, 12, tzinfo=UTC)]
KINDS = ["avg", "count", "increase", "latest", "max", "min", "sum", "unique"]
EVENTS = st.lists(
    st.builds(
        lambda who, at, q: Happened(who, at, f'{{"q": {q}}}'),
        st.sampled_from(["p", "c", "other"]),
        st.sampled_from(TIMES),
        st.sampled_from(["0.1", "2", "-3", "12345678901234567.123456789"]),
    ),
    max_size=10,
)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEvents]:
    store = DuckEvents(tmp_path_factory.mktemp("events") / "events.duckdb", threads=1)
    yield store
    store.close()


@pytest.fixture(scope="module")
def world() -> World:
    """Give a tree, into which `c` comes on 2 March, and a meter of each aggregation."""
    found = World()
    found.account("p")
    found.account("c")
    found.account("c", "2026-03-02", parent="p")
    for name in KINDS:
        found.meter(name, aggregation=name, property="q")
    found.meter("level", aggregation="latest", kind="stock", property="q")
    return found


def need(meter: str, account: str = "p", **more: Any) -> Need:
    defaults = {"pooled": False, "start": EDGES[0], "ends": tuple(EDGES[1:])}
    return Need(meter, DAY, account, **{**defaults, **more})


def folded(world: World, asked: Need, happened: Sequence[Happened]) -> tuple[Billable, ...]:
    """Fold the events that are meant, one end after the other."""
    meter = world.directory.at("meter", asked.meter, asked.on)
    assert meter is not None
    start = FIRST_INSTANT if meter.kind == "stock" else asked.start
    values = taken(meter, enumerate(happened))
    rows = [
        (event.time, Row(micros(event.time), seq, value))
        for seq, (event, value) in values.items()
        if event.subject == asked.account
        or (asked.pooled and asked.account == "p" and _is_below(event))
    ]
    fold = aggregation(meter.aggregation).fold
    return tuple(
        Billable(fold([row for at, row in rows if start <= at < end]) or D(0)) for end in asked.ends
    )


def _is_below(event: Happened) -> bool:
    return event.subject == "c" and event.time >= EDGES[1]


@settings(max_examples=settings().max_examples // 3)
@given(happened=EVENTS, meter=st.sampled_from([*KINDS, "level"]))
def test_every_answer_equals_the_fold(
    events: DuckEvents, world: World, happened: list[Happened], meter: str
) -> None:
    events.clear(ALL)
    events.load(ALL, batches(happened))
    needs = [
        need(meter, account, pooled=pooled)
        for account, pooled in (("p", False), ("p", True), ("c", False), ("nobody", True))
    ]
    found = measure(ALL, world.directory, events, needs, 99)
    for asked in needs:
        assert found[asked] == folded(world, asked, happened), asked


@settings(max_examples=settings().max_examples // 5)
@given(happened=EVENTS)
def test_events_one_by_one_add_up_to_the_quantity(
    events: DuckEvents, world: World, happened: list[Happened]
) -> None:
    events.clear(ALL)
    events.load(ALL, batches(happened))
    for meter in ("sum", "count", "max"):
        whole, single = need(meter, pooled=True), need(meter, pooled=True, dimensions=("q",))
        found = measure(ALL, world.directory, events, [whole, single], 99)
        for quantity, by_event in zip(found[whole], found[single], strict=True):
            assert by_event.quantity == quantity.quantity
            assert (by_event.pieces is None) is (meter == "max")  # no event's own
            assert sum(piece.quantity for piece in by_event.pieces or ()) == (
                0 if meter == "max" else quantity.quantity
            )


def test_events_come_in_order_of_time_then_id_page_by_page(
    events: DuckEvents, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = [Happened("p", EDGES[i % 2], f'{{"q": {i}, "k": "{i % 2}"}}') for i in range(11)]
    events.clear(ALL)
    events.load(ALL, batches(happened))
    asked = need("sum", dimensions=("k",))
    for size in (1, 3, 100):
        monkeypatch.setattr(module, "PIECES_A_QUESTION", size)
        first, last = measure(ALL, world.directory, events, [asked], 99)[asked]
        assert first.pieces == tuple(Piece(D(i), ("0",)) for i in (0, 10, 2, 4, 6, 8))
        assert last.pieces == (*first.pieces, *(Piece(D(i), ("1",)) for i in (9, 1, 3, 5, 7)))
    monkeypatch.setattr(module, "PIECES_MAX", 10)
    with pytest.raises(Invalid) as refused:
        measure(ALL, world.directory, events, [asked], 99)
    assert refused.value.code == "too_many_events"
    assert refused.value.facts["limit"] == 10


def test_a_meter_that_nobody_defined_counts_nothing(events: DuckEvents, world: World) -> None:
    asked = need("nowhere")
    assert measure(ALL, world.directory, events, [asked], 9) == {asked: (Billable(D(0)),) * 2}


def test_a_retired_meter_goes_on_as_it_last_stood(events: DuckEvents) -> None:
    world = World()
    world.meter("m", property="q")
    world.meter("m", "2026-03-01", property="q", retired=True)
    events.clear(ALL)
    events.load(ALL, batches([Happened("p", EDGES[0], '{"q": 7}')]))
    asked = need("m")
    assert measure(ALL, world.directory, events, [asked], 9)[asked][0] == Billable(D(7))


def test_what_is_alike_is_asked_together(
    events: DuckEvents, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.clear(ALL)
    events.load(ALL, batches([Happened(f"a{i}", EDGES[0], f'{{"q": {i}}}') for i in range(10)]))
    asked, usage = list[UsageQuery](), events.usage

    def counting(scope: Scope, query: UsageQuery) -> list[UsageCell]:
        asked.append(query)
        return usage(scope, query)

    monkeypatch.setattr(events, "usage", counting)
    monkeypatch.setattr(module, "NEEDS_A_QUESTION", 4)
    needs = [need("sum", f"a{i}") for i in range(10)]
    found = measure(ALL, world.directory, events, needs, 99)
    assert [found[one][0].quantity for one in needs] == list(map(D, range(10)))
    assert len(asked) == 3


#: The edge of a cycle, and which readings may stand for it.
EDGE, AROUND = EDGES[1], Window(EDGES[0], EDGES[2])
NEAR = st.builds(
    lambda who, hours, reading: Happened(
        who, EDGES[0] - timedelta(hours=30) + timedelta(hours=hours), f'{{"q": {reading}}}'
    ),
    st.sampled_from(["p", "c"]),
    st.integers(0, 100),
    st.sampled_from(["0", "5", "12", "30"]),
)


@settings(max_examples=settings().max_examples // 5)
@given(happened=st.lists(NEAR, max_size=12))
def test_an_edge_that_moves_loses_no_use_and_counts_none_twice(
    events: DuckEvents, world: World, happened: list[Happened]
) -> None:
    events.clear(ALL)
    events.load(ALL, batches(happened))
    start, end = EDGES[0], EDGES[2] + timedelta(days=2)
    for pooled in (False, True):
        before = need("increase", pooled=pooled, start=start, ends=(EDGE,), to_reading=AROUND)
        after = need("increase", pooled=pooled, start=EDGE, ends=(end,), from_reading=AROUND)
        both = need("increase", pooled=pooled, start=start, ends=(EDGE, end))
        found = measure(ALL, world.directory, events, [before, after, both], 99)
        assert found[before][0].quantity + found[after][0].quantity == found[both][1].quantity
        assert 0 <= found[before][0].quantity <= found[both][1].quantity


def test_falls_are_found_for_whoever_asks(events: DuckEvents, world: World) -> None:
    events.clear(ALL)
    events.load(
        ALL, batches([Happened("p", at, f'{{"q": {i % 2}}}') for i, at in enumerate(EDGES)])
    )
    (fall,) = resets(ALL, world.directory, events, "increase", (EDGES[0], LAST_INSTANT), 99)
    assert (fall.account, fall.time, fall.before, fall.quantity) == ("p", EDGES[2], D(1), D(0))
    assert not resets(ALL, world.directory, events, "sum", (EDGES[0], LAST_INSTANT), 99)
    stranger = Scope("them", "customer_viewer", (Member("c", EDGES[0], EDGES[2]),))
    span = (EDGES[0], LAST_INSTANT)
    assert not resets(stranger, world.directory, events, "increase", span, 99)
    with pytest.raises(NotFound):
        resets(ALL, world.directory, events, "nowhere", span, 99)
