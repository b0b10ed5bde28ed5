"""Positions through the real stores: what the snapshot says equals what is worked out directly."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model.columns import columns
from tallybook.model.errors import Forbidden, NotFound
from tallybook.model.mark import Mark, minute_of
from tallybook.model.ports import Draft, NounName, SnapshotPage, SnapshotQuery
from tallybook.model.position import Position
from tallybook.model.scope import Member, Role, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT, format_instant
from tallybook.operations.directory import Directories
from tallybook.operations.load import load_once
from tallybook.operations.portfolio import Past
from tallybook.operations.position import (
    Instants,
    by_unit,
    position,
    positions,
    positions_at,
    reach,
)
from tallybook.operations.refresh import JOB, Refresher
from tallybook.stores.books.leases import BooksLeases
from tallybook.stores.books.snapshot import BooksSnapshot
from tallybook.stores.books.statements import BooksStatements
from tallybook.stores.books.versions import BooksVersions
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.events import gather
from tallybook.stores.ledger.store import SqlLedger
from tests.books import STORES, opened

D = Decimal
ALL = operator()
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
RATE = {"model": "per_unit", "unit_amount": "0.5"}


@dataclass
class House:
    """An installation without a server: real stores in a folder, or Books and ledger beside it."""

    folder: Path
    store: str = "sqlite"
    now: datetime = NOON
    loaded_at: datetime | None = None
    sent: int = field(default=0)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.database = opened(self.store, self.folder)
        self.ledger = SqlLedger(self.folder if self.store == "sqlite" else self.database.url)
        self.events = DuckEvents(self.folder / "events.duckdb", threads=1)
        self.books = BooksVersions(self.database)
        self.snapshot = BooksSnapshot(self.database)
        self.leases = BooksLeases(self.database, "the one")
        self.restart()

    def restart(self) -> None:
        """Forget what is only in memory."""
        self.directories = Directories(self.books, BooksStatements(self.database))
        self.refresher = Refresher(
            self.books,
            self.ledger,
            self.events,
            self.snapshot,
            self.leases,
            self.directories,
        )

    def close(self) -> None:
        self.events.close()
        self.database.close()
        self.ledger.close()

    def put(self, noun: NounName, key: str, since: str | None = None, **document: Any) -> None:
        name = "number" if noun == "contract" else "key"
        day = None if since is None else datetime.fromisoformat(since).date()
        draft = Draft(noun, key, {name: key, **document}, day)
        self.books.write(ALL, [draft], self.now)

    def use(
        self, account: str, quantity: str, at: datetime | None = None, kind: str = "use"
    ) -> None:
        when = at or self.now
        self.sent += 1
        wire = (
            f'{{"specversion":"1.0","id":"{self.sent}","source":"test","type":"{kind}",'
            f'"subject":"{account}","time":"{format_instant(when)}","data":{{"n":"{quantity}"}}}}'
        )
        self.ledger.append(ALL, columns([wire.encode()]), self.now)

    def load(self) -> None:
        while (loaded := load_once(ALL, self.ledger, self.events)) is not None:
            self.refresher.touch(loaded)
            self.loaded_at = loaded.received_at

    def refresh(self) -> bool:
        self.load()
        return self.refresher.refresh_once(ALL, self.now)

    @property
    def mark(self) -> Mark:
        return Mark(self.events.position(ALL), self.books.revision(ALL), minute_of(self.now))

    def when(self, at: datetime | None = None, mark: Mark | None = None) -> Instants:
        mark = mark or self.mark
        return Instants(at or mark.now, mark, self.loaded_at)

    def listed(self, query: SnapshotQuery = SnapshotQuery()) -> SnapshotPage:  # noqa: B008 - frozen
        return positions(ALL, self.snapshot, query)

    def direct(self, query: SnapshotQuery = SnapshotQuery(), **kw: Any) -> SnapshotPage:  # noqa: B008 - frozen
        when = self.when(**kw)
        directory = self.directories.at(ALL, when.mark.revision)
        return positions_at(ALL, directory, self.events, query, when)

    def one(self, contract: str, line: str = "L", scope: Scope = ALL, **kw: Any) -> Position:
        directory = self.directories.current(ALL)
        return position(scope, directory, self.events, (contract, line), self.when(), **kw)[0]


@pytest.fixture(params=STORES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "data", request.param)
    made.put("account", "a", name="Quarry")
    made.put("account", "b", parent="a")
    made.put("account", "other")
    made.put("meter", "m", event_type="use", aggregation="sum", property="n", unit="leads")
    for key in ("a", "b", "other"):
        pooling = "parent_pool" if key == "a" else "none"
        line = {"code": "L", "meter": "m", "allotment": {"quantity": "10"}, "price": RATE}
        made.put(
            "contract",
            f"C-{key}",
            account=key,
            start_date="2026-01-01",
            lines=[line],
            pooling=pooling,
        )
    yield made
    made.close()


def used(page: SnapshotPage) -> dict[str, Decimal | None]:
    return {p.contract: p.used for p in page.items}


def same(house: House) -> None:
    """Check that the snapshot is of all that is known, and what its own mark says directly."""
    listed = house.listed()
    direct = house.direct(mark=listed.state.mark if listed.state else None)
    assert listed.state is not None
    assert replace(listed.state.mark, minute=house.mark.minute) == house.mark
    assert listed.items == direct.items
    assert (listed.total, listed.counts) == (direct.total, direct.counts)
    assert listed.totals == direct.totals


def test_a_contract_in_force_lists_its_lines_without_any_use(house: House) -> None:
    assert house.refresh()
    assert used(house.listed()) == {"C-a": D(0), "C-b": D(0), "C-other": D(0)}
    same(house)


def test_events_reach_their_line_and_the_pools_above_it(house: House) -> None:
    house.refresh()
    house.use("b", "12.5")
    house.use("nobody", "1")
    house.use("b", "100", kind="another type")
    assert house.refresh()
    assert used(house.listed()) == {"C-a": D("12.5"), "C-b": D("12.5"), "C-other": D(0)}
    found = house.one("C-a")
    assert found.contributions[0].account == "b"
    assert found.amount == D("1.25")
    same(house)


def test_nothing_new_writes_nothing_and_unknown_events_only_the_mark(house: House) -> None:
    house.refresh()
    assert not house.refresh()
    house.use("nobody", "1")
    assert house.refresh()
    assert not house.refresh()
    same(house)


def test_a_new_local_day_completes_the_one_before(house: House) -> None:
    house.use("a", "3", NOON - timedelta(days=2))
    house.use("a", "4")
    house.refresh()
    assert house.one("C-a").forecast.to_date == 3
    house.now = NOON + timedelta(days=1)
    assert house.refresh()
    assert house.listed().items[0].forecast.to_date == 7
    same(house)


def test_a_new_month_is_a_new_period(house: House) -> None:
    house.use("a", "3")
    house.refresh()
    house.now = datetime(2026, 4, 1, 0, 0, 1, tzinfo=UTC)
    house.refresh()
    assert used(house.listed())["C-a"] == 0
    assert used(house.direct(at=NOON))["C-a"] == 3
    same(house)


@pytest.mark.parametrize(
    "change",
    [
        ("account", "b", {"parent": "other"}),
        ("account", "b", {"name": "Renamed", "parent": "a"}),
        ("account", "a", {"timezone": "Asia/Tokyo", "branch": "East"}),
        ("meter", "m", {"event_type": "use", "aggregation": "max", "property": "n"}),
        ("meter", "m", {"event_type": "another", "aggregation": "count"}),
        ("contract", "C-a", {"account": "a", "start_date": "2026-01-01", "lines": []}),
        ("contract", "C-b", {"account": "b", "start_date": "2026-01-01", "status": "draft"}),
        (
            "contract",
            "C-new",
            {
                "account": "b",
                "start_date": "2026-03-05",
                "lines": [{"code": "N", "meter": "m"}],
            },
        ),
    ],
)
def test_changed_definitions_change_the_lines_concerned(
    house: House, change: tuple[NounName, str, dict[str, Any]]
) -> None:
    house.use("b", "5", NOON - timedelta(days=3))
    house.use("b", "5", kind="another")
    house.refresh()
    before = house.listed().items
    noun, key, document = change
    house.put(noun, key, **document)
    assert house.refresh()
    assert house.listed().items != before
    same(house)


def test_a_change_of_a_childs_contract_changes_the_pool_that_gathers_it(house: House) -> None:
    line = {"code": "L", "meter": "m", "allotment": {"quantity": "5"}}
    pool: dict[str, Any] = {"account": "a", "start_date": "2026-01-01"}
    child: dict[str, Any] = {"account": "b", "start_date": "2026-01-01", "lines": [line]}
    house.put("contract", "C-a", **pool, pooling="sum_of_children", lines=[line])
    house.put("contract", "C-b", **child)
    house.refresh()
    assert {found.contract: found.allotment for found in house.listed().items}["C-a"] == 10
    line = {**line, "allotment": {"quantity": "7"}}
    house.put("contract", "C-b", **{**child, "lines": [line]})
    house.refresh()
    assert {found.contract: found.allotment for found in house.listed().items}["C-a"] == 12
    same(house)


def test_after_a_restart_only_a_snapshot_left_behind_is_made_anew(house: House) -> None:
    house.use("a", "3")
    house.refresh()
    house.restart()
    assert not house.refresh()
    house.use("a", "4")
    house.load()  # and then the process dies before it refreshes
    house.restart()
    assert house.refresh()
    assert used(house.listed())["C-a"] == 7
    same(house)


def test_a_refresh_that_fails_is_done_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.refresh()
    house.use("a", "3")
    house.load()
    with monkeypatch.context() as broken:
        broken.setattr(DuckEvents, "usage", _fail)
        with pytest.raises(OSError, match="disk"):
            house.refresh()
    assert used(house.listed())["C-a"] == 0
    house.refresh()
    same(house)


def _fail(*_: object) -> None:
    raise OSError("disk")


def test_what_a_load_moved_before_it_failed_is_not_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.refresh()
    house.use("a", "3")
    house.use("other", "5")
    position_before = house.events.position(ALL)
    calls: Iterator[Any] = iter([gather.table])  # the second commit fails

    def once(*rows: Any) -> Any:
        return next(calls, _fail)(*rows)

    with monkeypatch.context() as broken:
        broken.setattr(gather, "LOAD_EVENTS_MAX", 1)
        broken.setattr(gather, "table", once)
        with pytest.raises(OSError, match="disk"):
            house.load()
    assert house.events.position(ALL) == position_before + 1
    usage = DuckEvents.usage

    def load_meanwhile(*asked: Any) -> Any:
        house.load()
        return usage(*asked)

    with monkeypatch.context() as busy:
        busy.setattr(DuckEvents, "usage", load_meanwhile)
        house.put("account", "other", name="Renamed")
        house.refresher.refresh_once(ALL, house.now)
    house.refresh()
    assert used(house.listed()) == {"C-a": D(3), "C-b": D(0), "C-other": D(5)}
    same(house)


def test_a_snapshot_that_another_process_has_written_since_is_no_start(house: House) -> None:
    house.use("a", "3")
    assert house.refresh()
    earlier, state = house.listed().items, house.snapshot.state(ALL)
    assert state is not None
    house.use("a", "4")
    assert house.refresh()
    claim = house.leases.claim(ALL, JOB)
    assert claim is not None
    house.snapshot.replace(ALL, state, earlier, claim=claim, everything=True)  # it was behind
    assert house.refresh()
    assert used(house.listed())["C-a"] == D(7)
    same(house)
    assert not house.refresh()


def test_yesterdays_answer_can_be_asked_again(house: House) -> None:
    house.use("a", "3")
    house.load()
    mark = house.mark
    house.use("a", "4")
    house.put("contract", "C-a", account="a", start_date="2026-01-01", lines=[])
    house.refresh()
    assert used(house.direct(mark=mark))["C-a"] == 3
    assert "C-a" not in used(house.direct())


def test_an_explanation_leads_from_events_to_the_amount(house: House) -> None:
    house.use("a", "3")
    house.use("b", "9")
    house.use("a", "1", kind="another")
    house.load()
    directory = house.directories.current(ALL)
    found, how = position(ALL, directory, house.events, ("C-a", "L"), house.when())
    assert (how.events.type, how.events.accounts, how.events.count) == ("use", 2, 2)
    assert (how.meter.aggregation, how.meter.quantity) == ("sum", D(12))
    assert (how.allotment.included, how.allotment.beyond) == (D(10), D(2))
    assert how.price is not None
    assert sum(part.amount for part in how.price.parts) == how.price.amount == found.amount == 1


def test_a_line_without_a_price_has_none_to_explain(house: House) -> None:
    house.put(
        "contract",
        "free",
        account="a",
        start_date="2026-01-01",
        lines=[{"code": "L", "meter": "m"}],
    )
    directory = house.directories.current(ALL)
    _, how = position(ALL, directory, house.events, ("free", "L"), house.when())
    assert how.price is None


def test_a_roll_up_may_be_asked_for_or_refused(house: House) -> None:
    house.use("a", "1")
    house.use("b", "2")
    house.load()
    assert house.one("C-a").used == 3
    assert house.one("C-a", rollup=False).used == 1


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (("nobody", "L"), "contract_not_found"),
        (("C-a", "nothing"), "line_not_found"),
        (("C-late", "L"), "not_in_force"),
    ],
)
def test_what_is_not_there_is_not_found(house: House, key: tuple[str, str], code: str) -> None:
    house.put(
        "contract",
        "C-late",
        account="a",
        start_date="2027-01-01",
        lines=[{"code": "L", "meter": "m"}],
    )
    with pytest.raises(NotFound) as refusal:
        house.one(*key)
    assert refusal.value.code == code


def viewer(role: Role, *accounts: str) -> Scope:
    reach = tuple(Member(key, FIRST_INSTANT, LAST_INSTANT) for key in accounts)
    return Scope("x", role, accounts=reach)


def test_a_scope_sees_its_own_and_not_yours_looks_like_not_there(house: House) -> None:
    house.use("b", "20")
    house.refresh()
    scope = viewer("customer_admin", "b")
    assert used(positions(scope, house.snapshot, SnapshotQuery())) == {"C-b": D(20)}
    directory = house.directories.current(ALL)
    past = positions_at(scope, directory, house.events, SnapshotQuery(), house.when())
    assert used(past) == {"C-b": D(20)}
    assert house.one("C-b", scope=scope).amount == 5
    with pytest.raises(NotFound) as refusal:
        house.one("C-a", scope=scope)
    assert refusal.value.code == "contract_not_found"
    with pytest.raises(NotFound):
        reach(scope, directory, "a", house.now)
    with pytest.raises(Forbidden):
        positions(Scope("x", "ingest"), house.snapshot, SnapshotQuery())


def test_who_lost_sight_of_an_account_does_not_see_where_it_stands_now(house: House) -> None:
    house.refresh()
    gone = Scope("x", "customer_admin", accounts=(Member("b", FIRST_INSTANT, NOON),))
    directory = house.directories.current(ALL)
    for at, seen in ((NOON, {}), (NOON - timedelta(days=1), {"C-b": D(0)})):
        when = house.when(at=at)
        page = positions_at(gone, directory, house.events, SnapshotQuery(), when)
        assert used(page) == seen
    with pytest.raises(NotFound):
        house.one("C-b", scope=gone)
    assert positions(gone, house.snapshot, SnapshotQuery()).total == 0


def test_amounts_are_hidden_from_whom_they_are_not(house: House) -> None:
    house.use("b", "20", NOON - timedelta(days=4))
    house.refresh()
    scope = viewer("customer_viewer", "b")
    query = SnapshotQuery(sort="amount", descending=True)
    directory = house.directories.current(ALL)
    found, how = position(scope, directory, house.events, ("C-b", "L"), house.when())
    page = positions(scope, house.snapshot, query)
    past = positions_at(scope, directory, house.events, query, house.when())
    assert how.price is None
    for one in (found, *page.items, *past.items):
        assert (one.amount, one.overage_amount, one.forecast.projected_amount) == (None,) * 3
        assert one.overage == 10
    for total in (*page.totals, *by_unit(past.totals)):
        assert (total.amount, total.projected_amount) == (None, None)


def test_an_account_is_asked_about_with_its_tree_or_alone(house: House) -> None:
    directory = house.directories.current(ALL)
    assert reach(ALL, directory, None, house.now) is None
    assert reach(ALL, directory, "a", house.now) == frozenset("ab")
    assert reach(ALL, directory, "a", house.now, rollup=False) == frozenset("a")
    for end in (FIRST_INSTANT, LAST_INSTANT):
        assert reach(ALL, directory, "b", end) is not None
    with pytest.raises(NotFound):
        reach(ALL, directory, "nobody", house.now)
    house.refresh()
    query = SnapshotQuery(accounts=frozenset({"b"}), contract="C-b")
    assert used(house.listed(query)) == used(house.direct(query)) == {"C-b": D(0)}


def test_totals_never_add_up_two_units_or_currencies(house: House) -> None:
    house.put("account", "e", currency="EUR")
    house.put("meter", "n", event_type="use", aggregation="count", unit="calls")
    lines = [{"code": code, "meter": code} for code in "mn"]
    lines.append({"code": "again", "meter": "m", "product": "The same leads under another name"})
    house.put("contract", "C-e", account="e", start_date="2026-01-01", lines=lines)
    for account in ("a", "b", "e"):
        house.use(account, "7")
    house.refresh()
    totals = {(t.unit, t.currency): (t.lines, t.used) for t in by_unit(house.listed().totals)}
    assert totals == {
        ("calls", "EUR"): (1, D(1)),
        ("leads", "EUR"): (2, D(14)),
        ("leads", "USD"): (3, D(21)),
    }
    same(house)


ACTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("use"),
            st.sampled_from("abc"),
            st.integers(-40, 0),
            st.sampled_from(["0", "1", "2.5", "100"]),
        ),
        st.tuples(
            st.just("move"),
            st.sampled_from("bc"),
            st.integers(1, 28),
            st.sampled_from(["a", "b", None]),
        ),
        st.tuples(st.just("later"), st.integers(1, 60)),
        st.tuples(
            st.just("meter"),
            st.sampled_from(["sum", "count", "unique", "max", "latest"]),
            st.sampled_from(["flow", "stock"]),
        ),
        st.tuples(
            st.just("allot"), st.sampled_from("abc"), st.sampled_from(["0", "5", "100", None])
        ),
        st.tuples(st.just("restart")),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=8)
@given(ACTS)
def test_in_any_small_world_the_snapshot_is_what_is_worked_out_directly(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[Any, ...]]
) -> None:
    house = House(tmp_path_factory.mktemp("world") / "data")
    for key, zone in (("a", "UTC"), ("b", "America/Chicago"), ("c", "Pacific/Auckland")):
        house.put("account", key, timezone=zone)
    house.put("meter", "m", event_type="use", aggregation="sum", property="n")
    for key in "abc":
        _allot(house, key, "10")
    for act in acts:
        _act(house, act)
        house.refresh()
    same(house)
    house.close()


def _act(house: House, act: tuple[Any, ...]) -> None:
    match act:
        case ("use", account, hours, quantity):
            house.use(account, quantity, house.now + timedelta(hours=hours))
        case ("move", account, day, parent) if parent != account:
            if not (account == "b" and parent == "c"):
                house.put("account", account, f"2026-03-{day:02}", parent=parent)
        case ("later", hours):
            house.now += timedelta(hours=hours)
        case ("meter", aggregation, kind):
            house.put(
                "meter", "m", event_type="use", aggregation=aggregation, property="n", kind=kind
            )
        case ("allot", key, quantity):
            _allot(house, key, quantity)
        case ("restart",):
            house.restart()


def _allot(house: House, key: str, quantity: str | None) -> None:
    house.put(
        "contract",
        key,
        account=key,
        start_date="2026-01-15",
        pooling="parent_pool",
        lines=[
            {"code": "L", "meter": "m", "allotment": {"quantity": quantity}, "price": RATE},
        ],
    )


def test_what_was_worked_out_is_stamped_with_its_mark(house: House) -> None:
    house.use("a", "3")
    house.refresh()
    found = house.one("C-a")
    assert found.known_at == house.mark
    assert found == replace(house.listed().items[0])


def test_a_dated_contract_is_listed_from_its_own_local_day(house: House) -> None:
    line = {"code": "L", "meter": "m"}
    day = (house.now + timedelta(hours=14)).date().isoformat()
    house.put(
        "contract",
        "C-early",
        since=day,
        account="a",
        timezone="Pacific/Kiritimati",
        start_date="2026-01-01",
        lines=[line],
    )
    house.refresh()
    assert day != house.now.date().isoformat()
    query = SnapshotQuery(contract=None, text="C-early")
    assert len(house.direct(query).items) == len(house.listed(query).items) == 1


def test_a_load_that_was_cut_off_half_way_is_made_good(house: House) -> None:
    house.use("other", "1")
    house.refresh()
    for _ in range(2):
        house.use("other", "5")
        house.events.load(ALL, house.ledger.read(ALL, house.events.position(ALL), 1))
        house.use("a", "1")
        house.refresh()
        assert house.listed() == house.direct()
    assert [p.used for p in house.listed().items] == [D(2), D(0), D(11)]


@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_an_account_is_as_it_stands_on_its_own_local_day(house: House, timezone: str) -> None:
    house.put("account", "other", timezone=timezone)
    hours = 14 if timezone.endswith("Kiritimati") else -11
    day = (house.now + timedelta(hours=hours)).date().isoformat()
    house.put("account", "other", since=day, timezone=timezone, name="New name")
    house.refresh()
    assert [p.account_name for p in house.listed(SnapshotQuery(contract="C-other")).items] == [
        "New name"
    ]
    assert house.listed() == house.direct()


def test_who_sees_a_contract_sees_the_whole_of_it(house: House) -> None:
    house.use("other", "5", NOON - timedelta(days=3))
    house.use("other", "2")
    house.refresh()
    joined = Member("other", NOON - timedelta(days=1), LAST_INSTANT)
    scope = Scope("x", "customer_admin", (joined,))
    directory = house.directories.current(ALL)
    direct = positions_at(scope, directory, house.events, SnapshotQuery(), house.when())
    assert direct == positions(scope, house.snapshot, SnapshotQuery())
    assert [p.used for p in direct.items] == [house.one("C-other", scope=scope).used] == [D(7)]


def test_a_line_is_worked_out_anew_when_it_is_another_day_for_its_account_only(
    house: House,
) -> None:
    line = {"code": "L", "meter": "m"}
    house.put(
        "contract",
        "C-far",
        account="other",
        timezone="Pacific/Auckland",
        start_date="2026-01-01",
        lines=[line],
    )
    house.put("account", "other", since="2026-03-11", timezone="UTC", name="New name")
    house.now = datetime(2026, 3, 10, 23, 50, tzinfo=UTC)
    house.put("account", "b", timezone="America/Chicago", parent="a")
    house.refresh()
    house.now += timedelta(minutes=20)  # another day in UTC, not in Auckland
    house.use("b", "1")
    house.refresh()
    query = SnapshotQuery(contract="C-far")
    assert [p.account_name for p in house.listed(query).items] == ["New name"]
    assert house.listed() == house.direct()


def test_the_snapshot_says_when_the_newest_fact_of_its_mark_came_in(house: House) -> None:
    house.use("a", "1")
    house.refresh()
    came_in = house.now
    house.now += timedelta(minutes=5)
    house.put("account", "b", name="Renamed", parent="a")
    house.restart()
    house.refresh()
    assert {p.refreshed_at for p in house.listed().items} == {came_in}
    house.now += timedelta(minutes=5)
    house.use("nobody", "1")
    house.refresh()
    assert {p.refreshed_at for p in house.listed().items} == {house.now}
    same(house)


def test_the_period_before_is_kept_while_only_the_clock_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.use("other", "5", NOON - timedelta(days=20))
    house.load()
    past = Past()

    def ask() -> dict[str, Decimal | None]:
        directory = house.directories.current(ALL)
        return used(past.page(ALL, directory, house.events, SnapshotQuery(), house.when()))

    assert ask() == {"C-a": D(0), "C-b": D(0), "C-other": D(5)}
    house.now += timedelta(hours=3)
    with monkeypatch.context() as kept:
        kept.setattr(DuckEvents, "usage", _fail)
        assert ask()["C-other"] == 5
    house.use("other", "2", NOON - timedelta(days=20))
    house.load()
    assert ask()["C-other"] == 7
    house.now = datetime(2026, 4, 1, tzinfo=UTC)
    assert ask()["C-other"] == 0


def before(house: House, query: SnapshotQuery, scope: Scope = ALL) -> list[str]:
    """Return the contracts listed as the period before ended."""
    directory = house.directories.current(ALL)
    page = Past().page(scope, directory, house.events, query, house.when())
    return [one.contract for one in page.items]


def test_the_order_of_the_period_before_tells_of_no_amount(house: House) -> None:
    for account, quantity in (("a", "5"), ("b", "90"), ("other", "50")):
        house.use(account, quantity, NOON - timedelta(days=20))
    house.load()
    query = SnapshotQuery(sort="amount", descending=True)
    assert before(house, query) == ["C-a", "C-b", "C-other"]
    assert before(house, query, Scope("x", "analyst")) == ["C-other", "C-b", "C-a"]


def test_a_contract_that_passed_to_another_account_is_listed_once_in_the_period_before(
    house: House,
) -> None:
    terms: Any = {"start_date": "2026-01-01", "lines": [{"code": "L", "meter": "m"}]}
    house.put("contract", "C-b", account="b", **terms)
    house.put("contract", "C-b", since="2026-03-05", account="other", **terms)
    query = SnapshotQuery(accounts=frozenset({"b", "other"}))
    assert before(house, query) == ["C-b", "C-other"]


def test_the_period_before_an_account_joined_is_not_shown_to_whom_it_joined(house: House) -> None:
    joined = Member("b", datetime(2026, 3, 5, tzinfo=UTC), LAST_INSTANT)
    scope = replace(viewer("parent_admin", "other"), accounts=(joined,))
    assert before(house, SnapshotQuery(), viewer("customer_admin", "b")) == ["C-b"]
    assert before(house, SnapshotQuery(), scope) == []
    assert house.one("C-b", scope=scope).contract == "C-b"
