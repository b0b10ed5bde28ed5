"""What came in, by account, source and type: an answer equals what looking at each event says."""

from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.aggregations._shape import aggregation
from tallybook.model.errors import Invalid
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.ports import Events
from tallybook.model.reading import holds, is_scalar, property_at, quantity_of
from tallybook.model.scope import Member, Scope
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.model.usage import Traffic, TrafficQuery
from tests.facts import Entry, Happened, batches, counted, numbers
from tests.laws.test_events import ALL, EDGES, ENTRIES, KINDS, SPANS, TERMS, meter, opened

MEMBERS = st.none() | st.lists(st.sampled_from(SPANS), unique_by=lambda m: m.account).map(tuple)


@pytest.fixture(scope="module", params=["duckdb", pytest.param("chdb", marks=pytest.mark.thorough)])
def kept(request: pytest.FixtureRequest) -> Iterator[Events]:
    with opened(request.param) as store:
        yield store


@given(
    entries=ENTRIES,
    members=MEMBERS,
    term=TERMS,
    kind=st.sampled_from(KINDS),
    seq=st.integers(0, 16) | st.just(99),
    moved=st.booleans(),
)
def test_traffic_is_what_came_in(
    *,
    kept: Events,
    entries: list[Entry],
    members: tuple[Member, ...] | None,
    term: FilterTerm,
    kind: str,
    seq: int,
    moved: bool,
) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches(entries))
    if moved:
        kept.compact(ALL, date(2026, 3, 2))
    followed = (meter("count", property=None), meter("count", filter=[term]))
    query = TrafficQuery(members, EDGES[0], EDGES[4], seq, followed, (meter("sum"), meter(kind)))
    inside = [e for _, e in counted(entries, seq) if _is_asked(query, e)]
    keys = {(e.subject, e.type) for e in inside}
    rows = kept.traffic(ALL, query)
    assert sorted(rows) == sorted(
        _sent(query, [e for e in inside if (e.subject, e.type) == key]) for key in keys
    )


def test_a_scope_cuts_what_came_in(kept: Events) -> None:
    kept.clear(ALL)
    kept.load(ALL, batches([Happened("a", EDGES[1]), Happened("b", EDGES[1])]))
    query = TrafficQuery(None, FIRST_INSTANT, LAST_INSTANT, 99)
    bound = Scope("somebody", "csm", accounts=(Member("a", EDGES[0], EDGES[2]),))
    assert [row.account for row in kept.traffic(bound, query)] == ["a"]
    assert kept.traffic(Scope("nobody", "csm", accounts=()), query) == []


def _is_asked(query: TrafficQuery, event: Happened) -> bool:
    if not query.start <= event.time < query.end:
        return False
    return query.members is None or any(
        m.account == event.subject and m.start <= event.time < m.end for m in query.members
    )


def _sent(query: TrafficQuery, mine: Sequence[Happened]) -> Traffic:
    times = [e.time for e in mine]
    lacking = [{_lack(m, e) for m in query.read_by if _passes(m, e)} for e in mine]
    return Traffic(
        mine[0].subject,
        "/t",
        mine[0].type,
        len(mine),
        len({(time - query.start).days for time in times}),
        min(times),
        max(times),
        sum("quantity_missing" in codes for codes in lacking),
        sum("quantity_invalid" in codes for codes in lacking),
        tuple(max((e.time for e in mine if _passes(m, e)), default=None) for m in query.followed),
    )


def _passes(meter: Meter, event: Happened) -> bool:
    data = numbers(event.data)
    return event.type == meter.event_type and all(holds(term, data) for term in meter.filter)


def _lack(meter: Meter, event: Happened) -> str | None:
    """Say why a meter cannot read an event that it counts, as the list of events does."""
    reads = aggregation(meter.aggregation).READS
    if reads == "presence" or meter.property is None:
        return None
    value = property_at(numbers(event.data), meter.property)
    if reads == "value":
        return None if is_scalar(value) else "quantity_missing"
    try:
        quantity_of(value)
    except Invalid as e:
        return e.code
    return None
