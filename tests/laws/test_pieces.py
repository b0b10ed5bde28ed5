"""The laws of events one by one, for every store there is: the events that a meter adds up are
those that a plain look finds, in order of (time, id), whatever the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model.limits import PIECES_MAX
from tallybook.model.nouns import FilterTerm
from tallybook.model.ports import Events
from tallybook.model.scope import Member, Scope
from tallybook.model.usage import PieceKey, PieceRow, PiecesQuery, UsageQuery
from tests.facts import Entry, batches, counted, pieced
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
    meter,
    opened,
    told,
)

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


@settings(max_examples=settings().max_examples // 10)
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
    for name in ("sum", "count"):
        counting = meter(name, filter=terms)
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
