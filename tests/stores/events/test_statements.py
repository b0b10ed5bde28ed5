"""Every text we write is SQL of its engine, with nothing of the caller's in it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

import tallybook.aggregations as room
from tallybook.model import kinds
from tallybook.model.nouns import FilterTerm, Meter
from tallybook.model.ports import FactQuery
from tallybook.model.scope import Member
from tallybook.model.usage import TrafficQuery, UsageQuery
from tallybook.stores.clickhouse import dialect as click
from tallybook.stores.duckdb import dialect as duck
from tallybook.stores.events import facts, plan, traffic
from tallybook.stores.events.buckets import bucket
from tallybook.stores.events.dialect import Dialect, Parameters, Places

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)
METERS = tuple(
    Meter(key=name, event_type="use", aggregation=name, property="q")
    for name in ("sum", "unique", "count")
)
MEMBERS = (None, [Member("it's", START, END)], [Member("x", START, END, g) for g in (0, 1)])
TERMS = tuple(
    FilterTerm(property="it's", op=op, value=value)
    for op, value in [
        ("eq", "'"), ("ne", None), ("in", [1, True]), ("not_in", ["--"]), ("gt", 1),
        ("lte", "';"), ("exists", False), ("in", [f"it's {i}" for i in range(20)]),
    ]
)  # fmt: skip
#: What holds for all rows of a question.
TERMS_OF_ALL = ["copy = 7"]
#: Each dialect, and the tables a question may touch there.
DIALECTS: dict[str, tuple[Dialect, Sequence[str]]] = {
    "duckdb": (duck, [duck.TAIL, "month_2026_03_1"]),
    "clickhouse": (click, ["database.events"]),
}


@pytest.fixture(params=DIALECTS)
def engine(request: pytest.FixtureRequest) -> tuple[Dialect, Sequence[str]]:
    return DIALECTS[request.param]


@pytest.mark.parametrize("name", kinds.names(room))
@pytest.mark.parametrize("members", MEMBERS)
@pytest.mark.parametrize("corrected", [False, True])
def test_usage(
    *,
    engine: tuple[Dialect, Sequence[str]],
    name: str,
    members: list[Member] | None,
    corrected: bool,
) -> None:
    sql, relations = engine
    meter = Meter(key="m", event_type="u'", aggregation=name, property="q.it's")
    asked = UsageQuery(
        meter, (START, START + timedelta(1), END), 9, None, ("it's", "b"), by_account=True,
        filter=TERMS,
    )  # fmt: skip
    check(sql, *plan.usage(sql, asked, members, Places(relations, corrected, TERMS_OF_ALL)))


@pytest.mark.parametrize("state", [None, "counted", "unresolved", "voided", "replaced"])
@pytest.mark.parametrize("corrected", [False, True])
def test_facts(*, engine: tuple[Dialect, Sequence[str]], state: Any, corrected: bool) -> None:
    sql, relations = engine
    asked = FactQuery(None, "u'", START, END, 9, 9, (START, 3), state, frozenset({"it's"}), METERS)
    check(sql, *facts.facts(sql, asked, None, Places(relations, corrected, TERMS_OF_ALL)))
    late = replace(asked, closes=(START + timedelta(1), END))
    check(sql, *facts.facts(sql, late, None, Places(relations, corrected, TERMS_OF_ALL)))
    check(sql, *facts.types(sql, 9, None, Places(relations[:1], corrected)))
    came = TrafficQuery(None, START, END, 9, METERS, METERS)
    check(sql, *traffic.traffic(sql, came, None, Places(relations, corrected, TERMS_OF_ALL)))


def check(dialect: Dialect, sql: str, bound: Parameters) -> None:
    (statement,) = sqlglot.parse(sql, dialect=dialect.NAME)
    assert isinstance(statement, sqlglot.exp.Select)
    assert "it's" not in sql
    assert "u'" not in sql
    assert all(bound.bind(value) in sql for value in bound.values())


@given(
    widths=st.lists(st.sampled_from([1, 23, 24, 25]), min_size=1, max_size=12),
    first=st.integers(-30, 30),
    step=st.integers(0, 300),
)
def test_a_bucket_is_found_by_comparing(widths: list[int], first: int, step: int) -> None:
    edges = [first]
    for width in widths:
        edges.append(edges[-1] + width)
    time = min(first + step, edges[-1] - 1)
    with duckdb.connect() as db:
        row = db.execute(f"SELECT {bucket(duck, edges, str(time))}").fetchone()
    expected = next(i for i, (low, high) in enumerate(pairwise(edges)) if low <= time < high)
    assert row == (expected,)
