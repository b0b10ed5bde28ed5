"""The laws of the room: every aggregation's SQL equals its own fold, on every store."""

from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tallybook.aggregations as room
from tallybook.aggregations._shape import Row, aggregation, aggregation_of, expressions
from tallybook.model import kinds
from tallybook.model.errors import Invalid
from tallybook.model.nouns import Meter
from tallybook.stores.clickhouse.nodes import Nodes
from tests.chdb import in_process

# Released names are stored in customers' meters: this list only grows.
RELEASED = {"avg", "count", "increase", "latest", "max", "min", "sum", "unique"}
KINDS = kinds.names(room)
#: Few values, so that ties are common.
VALUES = [Decimal(v) for v in ("0", "1", "-1", "0.1", "123456.789", "12345678901234567.123456789")]
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from(VALUES)),
    unique_by=lambda row: row[1],
    max_size=8,
).map(lambda rows: [Row(*row) for row in rows])


def test_no_released_name_is_lost() -> None:
    assert set(KINDS) >= RELEASED


@pytest.mark.parametrize("name", KINDS)
class TestEveryAggregation:
    def test_says_in_one_line_what_it_means(self, name: str) -> None:
        meaning = kinds.load(room, name).__doc__ or ""
        assert ": " in meaning
        assert len(meaning) < 100

    def test_no_rows_are_the_empty_value(self, name: str) -> None:
        assert aggregation(name).fold([]) == aggregation(name).EMPTY

    @given(rows=ROWS)
    def test_its_parts_finish_as_its_fold(self, name: str, rows: list[Row]) -> None:
        if rows:
            kind = aggregation(name)
            for parts in ENGINES:
                assert _same(kind.finish(parts(name, rows)), kind.fold(rows))

    @given(rows=ROWS, data=st.data())
    def test_order_does_not_matter(self, name: str, rows: list[Row], data: st.DataObject) -> None:
        shuffled = data.draw(st.permutations(rows))
        assert _same(aggregation(name).fold(shuffled), aggregation(name).fold(rows))

    @given(rows=ROWS, turn=st.integers(0, 4))
    def test_parts_beside_each_other_merge(self, name: str, rows: list[Row], turn: int) -> None:
        kind = aggregation(name)
        earlier, later = [r for r in rows if r.time < turn], [r for r in rows if r.time >= turn]
        if kind.merge and earlier and later:
            for parts in ENGINES:
                merged = kind.merge(parts(name, earlier), parts(name, later))
                assert _same(kind.finish(merged), kind.fold(rows))

    @given(rows=ROWS, turn=st.integers(0, 10))
    def test_what_adds_adds_up(self, name: str, rows: list[Row], turn: int) -> None:
        kind = aggregation(name)
        if kind.ADDS:
            one, other = kind.fold(rows[:turn]), kind.fold(rows[turn:])
            assert one is not None
            assert other is not None
            assert one + other == kind.fold(rows)


def test_an_average_is_rounded_once_half_away_from_zero() -> None:
    rows = [Row(0, i, Decimal(v)) for i, v in enumerate(("1", "1", "0"))]
    assert aggregation("avg").fold(rows) == Decimal("0.666666666667")
    assert aggregation("avg").finish((Decimal("-0.000000000001"), 2)) == Decimal("-1e-12")


def test_a_meter_needs_the_property_its_aggregation_reads() -> None:
    assert aggregation_of(Meter(key="m", event_type="t", aggregation="count")).ADDS
    with pytest.raises(Invalid) as refused:
        aggregation_of(Meter(key="m", event_type="t", aggregation="sum"))
    assert refused.value.code == "property_required"
    with pytest.raises(Invalid) as unknown:
        aggregation("median")
    assert "unique" in unknown.value.detail


def _parts(name: str, rows: list[Row]) -> tuple[Any, ...]:
    """Let DuckDB aggregate the rows with the kind's own expressions."""
    values = ", ".join(
        f"({r.time}, {r.seq}, {r.value}::DECIMAL(38,12), '#{r.value}')" for r in rows
    )
    found = duckdb.execute(
        f"SELECT {', '.join(expressions(aggregation(name), 'duckdb'))} "
        f"FROM (VALUES {values}) AS t(time, seq, quantity, value)"
    ).fetchone()
    return found or ()


def _parts_on_clickhouse(name: str, rows: list[Row]) -> tuple[Any, ...]:
    values = ", ".join(
        f"({r.time}, {r.seq}, toDecimal128('{r.value}', 12), '#{r.value}')" for r in rows
    )
    columns = "time Int64, seq Int64, quantity Nullable(Decimal(38,12)), value Nullable(String)"
    (found,) = _clickhouse().ask_on(
        None,
        f"SELECT {', '.join(expressions(aggregation(name), 'clickhouse'))} "
        f"FROM values('{columns}', {values})",
    )
    return tuple(found)


ENGINES = (_parts, _parts_on_clickhouse)


@cache
def _clickhouse() -> Nodes:
    return Nodes(in_process(), 30)


def _same(one: Decimal | None, other: Decimal | None) -> bool:
    assert not isinstance(one, float)
    return one == other
