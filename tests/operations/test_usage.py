"""GET /usage as an operation: a real directory, a real store, questions in the API's words."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.errors import Forbidden, Invalid, NotFound, TallybookError
from tallybook.model.limits import BUCKETS_MAX
from tallybook.model.mark import Mark, minute_of
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.operations.usage import UsageAnswer, UsageRequest, filter_term, usage
from tallybook.stores.duckdb.store import DuckEvents
from tests.facts import Happened, batches
from tests.worlds import World

ALL = operator()
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def use(account: str, time: str, quantity: object = 1, **more: str) -> Happened:
    rest = "".join(f', "{name}": "{value}"' for name, value in more.items())
    return Happened(account, at(time), f'{{"n": {quantity}{rest}}}')


class Desk(World):
    """Definitions, events and the question."""

    def __init__(self, events: DuckEvents) -> None:
        super().__init__()
        self.events = events

    def happened(self, *events: Happened) -> None:
        self.events.load(ALL, batches(events))

    def ask(
        self, scope: Scope = ALL, now: datetime = NOW, seq: int = 99, **asked: Any
    ) -> UsageAnswer:
        request = UsageRequest(
            **{"meter": "m", "start": "2026-01-01", "end": "2027-01-01", **asked}
        )
        mark = Mark(seq, self.directory.revision, minute_of(now))
        return usage(scope, self.directory, self.events, request, mark=mark, now=now)

    def values(self, **asked: Any) -> list[Any]:
        return [row.value for row in self.ask(**asked).rows]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    events = DuckEvents(tmp_path / "events.duckdb", threads=1)
    desk = Desk(events)
    desk.meter(dimensions=["channel"])
    yield desk
    events.close()


class TestDays:
    """The vectors of the time rules, as answers."""

    def test_an_event_late_on_a_local_evening_is_of_that_day(self, desk: Desk) -> None:
        desk.account("a", timezone="America/New_York")
        desk.happened(use("a", "2026-03-08T04:30Z"))
        row = desk.ask(account="a", start="2026-03-07", end="2026-03-08", interval="day").rows[0]
        assert (row.start, row.value) == (at("2026-03-07T05:00Z"), Decimal(1))

    def test_the_spring_day_has_23_hours_and_the_autumn_day_25(self, desk: Desk) -> None:
        desk.account("a", timezone="America/New_York")
        desk.happened(
            use("a", "2026-03-08T05:00Z"), use("a", "2026-03-09T03:59:59Z"),
            use("a", "2026-11-01T05:30Z", 2), use("a", "2026-11-01T06:30Z", 3),
        )  # fmt: skip
        spring = desk.values(account="a", start="2026-03-08", end="2026-03-09", interval="hour")
        assert spring == [1, *[0] * 21, 1]
        autumn = desk.values(account="a", start="2026-11-01", end="2026-11-02", interval="hour")
        assert autumn == [0, 2, 3, *[0] * 22]

    def test_a_day_may_start_at_three(self, desk: Desk) -> None:
        desk.account("a", timezone="America/New_York", day_start="03:00")
        desk.happened(use("a", "2026-01-15T07:59:59Z"), use("a", "2026-03-08T06:59Z", 5))
        january = desk.ask(account="a", start="2026-01-14", end="2026-01-15", interval="day")
        assert [row.value for row in january.rows] == [1]
        march = desk.ask(account="a", start="2026-03-07", end="2026-03-08", interval="day").rows
        found: list[Any] = [(r.start, r.end, r.value) for r in march]
        assert found == [(at("2026-03-07T08:00Z"), at("2026-03-08T07:00Z"), 5)]

    def test_a_day_without_midnight_starts_at_the_change(self, desk: Desk) -> None:
        desk.account("a", timezone="America/Havana")
        desk.happened(use("a", "2026-03-08T05:00Z"), use("a", "2026-03-08T04:59Z", 7))
        days = desk.ask(account="a", start="2026-03-07", end="2026-03-09", interval="day").rows
        found: list[Any] = [(row.start, row.value) for row in days]
        assert found == [
            (at("2026-03-07T05:00Z"), 7), (at("2026-03-08T05:00Z"), 1),
        ]  # fmt: skip

    def test_a_half_hour_is_a_bucket_where_the_clock_changes_by_one(self, desk: Desk) -> None:
        desk.account("a", timezone="Australia/Lord_Howe")
        desk.happened(use("a", "2026-04-04T15:10Z"))
        rows = desk.ask(account="a", start="2026-04-05", end="2026-04-06", interval="hour").rows
        short = [r for r in rows if (r.end - r.start).seconds == 1800]
        found: list[Any] = [(r.value, r.partial) for r in short]
        assert found == [(1, False)]

    def test_another_zone_may_be_asked_for(self, desk: Desk) -> None:
        desk.account("a", timezone="America/New_York")
        desk.happened(use("a", "2026-03-08T04:30Z"))
        asked: dict[str, Any] = {
            "account": "a",
            "start": "2026-03-08",
            "end": "2026-03-09",
            "timezone": "UTC",
        }
        assert desk.values(**asked) == [1]
        assert desk.ask(**asked).timezone == "UTC"


def test_every_bucket_is_there_and_says_when_it_is_partial(desk: Desk) -> None:
    desk.account("a")
    desk.happened(use("a", "2026-02-10T00:00Z", "0.1"), use("a", "2026-03-31T00:00Z", "1e-12"))
    answer = desk.ask(
        account="a", start="2026-01-15", end="2026-05-01", interval="month",
        now=at("2026-04-10T09:00Z"),
    )  # fmt: skip
    found: list[Any] = [(f"{r.start:%m-%d}", r.value, r.partial) for r in answer.rows]
    assert found == [
        ("01-15", 0, True), ("02-01", Decimal("0.1"), False), ("03-01", Decimal("1e-12"), False),
        ("04-01", 0, True),
    ]  # fmt: skip
    assert all(type(r.value) is Decimal for r in answer.rows)
    assert answer.data_through == at("2026-04-10T00:00Z")
    assert (answer.unit, answer.known_at.seq) == ("events", 99)


@pytest.mark.parametrize(
    ("aggregation", "empty"),
    [("sum", 0), ("count", 0), ("unique", 0), ("min", None), ("max", None), ("avg", None)],
)
def test_an_empty_bucket_has_the_value_of_its_kind(
    desk: Desk, aggregation: str, empty: int | None
) -> None:
    desk.account("a")
    desk.meter(aggregation=aggregation)
    assert desk.values(account="a") == [empty]


def test_a_stock_carries_its_latest_value_and_a_flow_does_not(desk: Desk) -> None:
    desk.account("a")
    desk.happened(use("a", "2025-06-01T00:00Z", 5), use("a", "2026-02-02T00:00Z", 7))
    asked: dict[str, Any] = {"account": "a", "interval": "month", "start": "2026-01-01"}
    asked |= {"end": "2026-06-01", "now": at("2026-04-10T00:00Z")}
    desk.meter(aggregation="latest", kind="stock")
    assert desk.values(**asked) == [5, 7, 7, 7, None]
    desk.meter(aggregation="latest")
    assert desk.values(**asked) == [None, 7, None, None, None]


def test_a_moved_child_counts_in_each_tree_for_its_own_days(desk: Desk) -> None:
    for root in ("p", "q"):
        desk.account(root)
    desk.account("c", parent="p", timezone="America/New_York")
    desk.account("c", "2026-03-02", parent="q", timezone="America/New_York")
    desk.happened(
        use("c", "2026-03-02T04:59:59Z", 1),
        use("c", "2026-03-02T05:00Z", 10),
        use("p", "2026-03-05"),
    )
    asked: dict[str, Any] = {"start": "2026-03-01", "end": "2026-04-01"}
    assert desk.values(account="p", **asked) == [2]
    assert desk.values(account="q", **asked) == [10]
    assert desk.values(account="c", **asked) == [11]
    assert desk.values(account="p", rollup=False, **asked) == [1]
    rows = desk.ask(account="p", group_by=("account",), **asked).rows
    found: list[Any] = [(r.account, r.group, r.value) for r in rows]
    assert found == [
        ("c", {"account": "c"}, 1), ("p", {"account": "p"}, 1),
    ]  # fmt: skip


def test_a_tree_is_counted_as_one(desk: Desk) -> None:
    desk.account("p")
    desk.account("c", parent="p")
    desk.happened(use("p", "2026-03-02", '"x"'), use("c", "2026-03-02", '"x"'))
    desk.meter(aggregation="unique")
    assert desk.values(account="p") == [1]
    assert desk.values(account="p", group_by=("account",)) == [1, 1]


def test_groups_are_in_order_and_filters_cut(desk: Desk) -> None:
    for account in ("a", "b"):
        desk.account(account)
    desk.happened(
        use("a", "2026-03-02", 1, channel="sms"), use("b", "2026-01-02", 2, channel="push"),
        use("b", "2026-03-02", 4), use("unknown", "2026-03-02", 8),
    )  # fmt: skip
    rows = desk.ask(group_by=("channel", "account")).rows
    found: list[Any] = [(*r.group.values(), r.value) for r in rows]
    assert found == [
        (None, "b", 4), ("push", "b", 2), ("sms", "a", 1),
    ]  # fmt: skip
    assert desk.values() == [7]
    assert desk.values(filter=("channel:in:sms,push",)) == [3]
    assert desk.values(filter=("channel:exists:false",)) == [4]
    assert desk.values(filter=("channel:gt:push", "channel:ne:x")) == [1]
    rows = desk.ask(group_by=("channel",), interval="quarter", end="2026-07-01").rows
    found = [(r.start.month, r.group["channel"], r.value) for r in rows]
    assert found == [
        (1, None, 4), (1, "push", 2), (1, "sms", 1), (4, None, 0), (4, "push", 0), (4, "sms", 0),
    ]  # fmt: skip


def test_yesterdays_answer_can_be_asked_again(desk: Desk) -> None:
    desk.account("a")
    desk.happened(use("a", "2026-03-02"), use("a", "2026-03-01"))
    assert desk.values(account="a", seq=1) == [1]
    assert desk.values(account="a", seq=0) == [0]


def test_the_range_is_this_month_unless_asked(desk: Desk) -> None:
    desk.account("a")
    row = desk.ask(account="a", start=None, end=None, now=at("2026-04-10T09:00Z")).rows[0]
    assert (row.start, row.end) == (at("2026-04-01T00:00Z"), at("2026-04-11T00:00Z"))
    assert row.partial


def test_the_whole_of_time_can_be_asked_for(desk: Desk) -> None:
    desk.account("a", timezone="Pacific/Kiritimati")
    desk.happened(Happened("a", datetime(1, 1, 1, 1, tzinfo=UTC), '{"n": 3}'))
    asked: dict[str, Any] = {"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z"}
    assert desk.values(account="a", **asked) == [3]
    assert sum(v or 0 for v in desk.values(account="a", interval="year", **asked)) == 3


@pytest.mark.parametrize(
    ("asked", "error", "code"),
    [
        ({"meter": "none"}, NotFound, "meter_not_found"),
        ({"account": "none"}, NotFound, "account_not_found"),
        ({"group_by": ("color",)}, Invalid, "dimension_unknown"),
        ({"group_by": ("account", "channel", "channel")}, Invalid, "too_many_names"),
        ({"filter": ("color:eq:red",)}, Invalid, "dimension_unknown"),
        ({"filter": ("account:eq:a",)}, Invalid, "dimension_unknown"),
        ({"filter": ("channel",)}, Invalid, "filter_invalid"),
        ({"filter": ("channel:exists:maybe",)}, Invalid, "document_invalid"),
        ({"filter": ("channel:gt:1e30",)}, Invalid, "quantity_out_of_range"),
        ({"start": "2026-02-01", "end": "2026-02-01"}, Invalid, "range_invalid"),
        ({"start": "2026-02-31"}, Invalid, "date_invalid"),
        ({"end": "soon"}, Invalid, "time_invalid"),
        ({"timezone": "Mars/Olympus"}, Invalid, "unknown_zone"),
        ({"interval": "hour", "end": "2028-01-01"}, Invalid, "too_many_buckets"),
    ],
)
def test_what_is_refused(
    desk: Desk, asked: dict[str, Any], error: type[TallybookError], code: str
) -> None:
    desk.account("a")
    with pytest.raises(error) as refused:
        desk.ask(**asked)
    assert refused.value.code == code


def test_too_many_rows_are_refused_before_and_after_counting(desk: Desk) -> None:
    desk.account("p")
    for i in range(30):
        desk.account(f"c{i}", parent="p")
    desk.happened(*(use(f"c{i}", "2026-03-02", 1) for i in range(30)))
    both: list[dict[str, Any]] = [{"account": "p"}, {}]
    for asked in both:
        with pytest.raises(Invalid) as refused:
            desk.ask(group_by=("account",), interval="day", **asked)
        facts = refused.value.facts
        assert facts["limit"] == BUCKETS_MAX
        assert facts["asked"] in {31 * 365, 30 * 365}


def test_a_scope_sees_its_own(desk: Desk) -> None:
    for account in ("a", "b"):
        desk.account(account)
    desk.happened(use("a", "2026-03-02", 1), use("b", "2026-03-02", 10))
    mine = Scope("m", "csm", accounts=(Member("a", FIRST_INSTANT, LAST_INSTANT),))
    assert [r.value for r in desk.ask(mine).rows] == [1]
    with pytest.raises(NotFound):
        desk.ask(mine, account="b")
    with pytest.raises(Forbidden):
        desk.ask(Scope("i", "ingest"))


def test_compaction_changes_no_answer(desk: Desk) -> None:
    desk.account("a")
    desk.happened(*(use("a", f"2026-03-{day:02}", day) for day in range(1, 31)))
    before = desk.ask(account="a", interval="day")
    assert desk.events.compact(ALL, date(2026, 3, 20)) == 19
    assert desk.ask(account="a", interval="day") == before


def test_a_word_of_a_filter_means_the_text_and_what_it_spells() -> None:
    term = filter_term("a:b:eq:1.0")
    assert (term.property, term.op, term.value) == ("a:b", "in", ["1.0", Decimal("1.0")])
    assert filter_term("a:not_in:true,x").value == ["true", True, "x"]
    assert filter_term("a:gte:5").value == 5
    assert filter_term("a:exists:true").value is True


def test_what_a_retired_account_used_stays_in_the_whole(desk: Desk) -> None:
    desk.account("a")
    desk.account("b")
    desk.happened(use("a", "2026-03-05T12:00Z", 3), use("b", "2026-03-05T12:00Z", 4))
    before = desk.ask(group_by=("account",)).rows
    desk.account("a", valid_from="2026-04-01", retired=True)
    assert desk.values() == [7]
    assert desk.ask(group_by=("account",)).rows == before
