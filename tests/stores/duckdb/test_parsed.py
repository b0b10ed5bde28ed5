"""One text, parsed once: asked with other values, by several threads, of rows that have moved."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tallybook.model.nouns import Meter
from tallybook.model.scope import Member, operator
from tallybook.model.usage import UsageQuery
from tallybook.stores.duckdb import dialect, store
from tallybook.stores.duckdb.dialect import Parameters
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.events import plan
from tallybook.stores.events.dialect import Places
from tests.facts import Happened, batches

ALL = operator()
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
SUM = Meter(key="s", event_type="use", aggregation="sum", property="q")
#: The account with number n used n a day, on 40 days.
ROWS = [
    Happened(f"a{n}", MARCH + timedelta(days=day), f'{{"q": {n}}}')
    for day in range(40)
    for n in range(1, 9)
]


@pytest.fixture
def events(tmp_path: Path) -> Iterator[DuckEvents]:
    events = DuckEvents(tmp_path / "events.duckdb")
    events.load(ALL, batches(ROWS))
    yield events
    events.close()


def asked(n: int, first: datetime = MARCH, days: int = 5) -> UsageQuery:
    edges = tuple(first + timedelta(days=day) for day in range(days + 1))
    return UsageQuery(SUM, edges, 10**9, (Member(f"a{n}", edges[0], edges[-1]),))


def daily(events: DuckEvents, question: UsageQuery) -> list[Decimal | None]:
    return [c.value for c in sorted(events.usage(ALL, question), key=lambda c: c.bucket)]


def test_another_account_and_range_are_asked_for_in_the_same_words() -> None:
    texts = {
        plan.usage(dialect, question, question.members, Places(["tail"], corrected=True))[0]
        for question in (asked(1), asked(2), asked(1, MARCH + timedelta(days=9)), asked(3, days=31))
    }
    assert len(texts) == 1


def test_months_of_unequal_length_are_too_where_they_are_few() -> None:
    def text(year: int, months: int) -> str:
        edges = tuple(
            datetime(year + m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in range(months + 1)
        )
        return plan.usage(
            dialect, UsageQuery(SUM, edges, 9), None, Places(["tail"], corrected=False)
        )[0]

    assert text(2026, 12) == text(2027, 12)
    assert text(2026, 120) != text(2027, 120)


def test_threads_ask_at_once_and_get_their_own_answers(events: DuckEvents) -> None:
    wrong = []

    def ask(n: int) -> None:
        for turn in range(40):
            found = daily(events, asked(n, MARCH + timedelta(days=turn % 30)))
            if found != [Decimal(n)] * 5:
                wrong.append((n, found))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_rows_that_move_are_found_where_they_are(events: DuckEvents) -> None:
    for before in (date(2026, 3, 10), date(2026, 3, 20), date(2026, 4, 20)):
        assert daily(events, asked(7, days=31)) == [Decimal(7)] * 31
        assert events.compact(ALL, before) > 0
    assert daily(events, asked(7, days=31)) == [Decimal(7)] * 31
    events.clear(ALL)
    assert daily(events, asked(7, days=31)) == []
    events.load(ALL, batches(ROWS))
    assert daily(events, asked(7, days=31)) == [Decimal(7)] * 31


def test_only_so_many_texts_are_kept(events: DuckEvents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PARSED_MAX", 2)
    parsed = events._parsed  # noqa: SLF001 - what it keeps cannot be seen from outside
    with events._cursor() as db:  # noqa: SLF001 - what is kept is no part of the port
        for n in range(5):
            assert parsed.run(db, f"SELECT {n} + $p0", Parameters(p0=n)) == [(n + n,)]
        assert len(parsed._known) <= 2  # noqa: SLF001 - what is kept is no part of the port
        long = f"SELECT 1 -- {'x' * 10_000}"
        assert parsed.run(db, long, Parameters()) == [(1,)]
        assert long not in parsed._known  # noqa: SLF001 - what is kept is no part of the port
