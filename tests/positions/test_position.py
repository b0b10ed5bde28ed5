from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.positions.charge import price_of
from tallybook.positions.position import beyond, percent, status
from tallybook.positions.terms import terms
from tests.worlds import Used, World, instant, used

D = Decimal
RATE = {"model": "per_unit", "unit_amount": "0.5"}


@pytest.fixture
def world() -> World:
    world = World()
    world.account("a", name="Quarry Motors", branch="North", csm={"email": "nadia@example.com"})
    world.meter(unit="leads")
    return world


def stands(value: object, *names: str) -> list[object]:
    return [getattr(value, name) for name in names]


def rows(values: Iterable[object], *names: str) -> list[list[object]]:
    return [stands(value, *names) for value in values]


@pytest.mark.parametrize(
    ("quantity", "allotment", "expected"),
    [
        ("5", None, "no_allotment"),
        ("0", "0", "no_allotment"),
        ("-1", "0", "no_allotment"),
        ("0.000000000001", "0", "over"),
        ("0", "10", "ok"),
        ("-5", "10", "ok"),
        ("7.999999999999", "10", "ok"),
        ("8", "10", "near"),
        ("9.999999999999", "10", "near"),
        ("10", "10", "at_limit"),
        ("10.000000000001", "10", "over"),
    ],
)
def test_a_status_is_decided_exactly(quantity: str, allotment: str | None, expected: str) -> None:
    limit = None if allotment is None else D(allotment)
    assert status(D(quantity), limit) == expected
    if expected == "at_limit":
        assert beyond(D(quantity), limit) == 0


def test_percent_has_six_places_rounded_half_up() -> None:
    assert str(percent(D(1), D(3))) == "33.333333"
    assert str(percent(D("0.000000005"), D(1))) == "0.000001"
    assert percent(D(5), None) is None
    assert percent(D(5), D(0)) is None


def test_an_allotment_includes_what_lies_up_to_it_and_the_price_is_for_the_rest(
    world: World,
) -> None:
    world.contract(allotment={"quantity": "100"}, price=RATE, product="Leads", branch="South")
    found = world.position([used("a", "2026-03-02", 130)], "2026-03-10")
    assert stands(found, "used", "allotment", "remaining", "overage") == [130, 100, 0, 30]
    assert stands(found, "amount", "overage_amount", "percent_used") == [15, 15, 130]
    assert stands(found, "status", "product", "service", "unit") == [
        "over",
        "Leads",
        "Leads",
        "leads",
    ]
    assert stands(found, "branch", "csm", "account_name", "currency") == [
        "South",
        "nadia@example.com",
        "Quarry Motors",
        "USD",
    ]
    assert found.data_through == datetime(2026, 3, 10, tzinfo=UTC)


def test_without_an_allotment_everything_is_priced(world: World) -> None:
    world.contract(price=RATE, currency="EUR")
    found = world.position([used("a", "2026-03-02", 130)], "2026-03-10")
    assert stands(found, "allotment", "remaining", "percent_used", "status") == [
        None,
        None,
        None,
        "no_allotment",
    ]
    assert stands(found, "overage", "overage_amount", "amount", "currency") == [0, 0, 65, "EUR"]
    assert not found.is_unlimited


def test_an_unlimited_allotment_prices_nothing(world: World) -> None:
    world.contract(allotment={"quantity": None}, price=RATE)
    found = world.position([used("a", "2026-03-02", 130)], "2026-03-10")
    assert stands(found, "status", "overage", "amount", "is_unlimited") == [
        "no_allotment",
        0,
        0,
        True,
    ]
    assert found.forecast.projected_amount == 0


def test_use_against_an_allotment_of_zero_is_over(world: World) -> None:
    world.contract(allotment={"quantity": "0"}, price=RATE)
    assert stands(world.position([], "2026-03-10"), "status", "likely_over", "low_use") == [
        "no_allotment",
        False,
        False,
    ]
    found = world.position([used("a", "2026-03-02", 1)], "2026-03-10")
    assert stands(found, "status", "overage", "amount", "percent_used") == [
        "over",
        1,
        D("0.5"),
        None,
    ]


def test_a_line_without_a_price_costs_nothing(world: World) -> None:
    world.contract(allotment={"quantity": "1"})
    found = world.position([used("a", "2026-03-02", 3)], "2026-03-10")
    assert stands(found, "overage", "overage_amount", "amount") == [2, 0, 0]
    assert found.forecast.projected_amount is None


def test_use_is_that_of_the_period_in_the_contracts_zone(world: World) -> None:
    world.contract(timezone="America/Chicago")
    uses = [
        used("a", "2026-03-01T05:59:59.999999+00:00"),
        used("a", "2026-03-01T06:00:00+00:00", 10),
        used("a", "2026-04-01T04:59:59.999999+00:00", 100),
        used("a", "2026-04-01T05:00:00+00:00", 1000),
        used("b", "2026-03-10", 7),
    ]
    found = world.position(uses, "2026-03-31", now="2026-06-01")
    assert found.used == 110
    assert found.forecast.status == "actual"
    assert found.data_through == found.period.ends_at == datetime(2026, 4, 1, 5, tzinfo=UTC)
    assert world.position(uses, "2026-02-28", now="2026-06-01").used == 1


def test_a_past_instant_is_answered_as_of_the_end_of_its_day(world: World) -> None:
    world.contract(allotment={"quantity": "30000"}, price=RATE)
    uses = [used("a", "2026-04-01", 10_000), used("a", "2026-04-20", 5)]
    uses += [used("a", f"2026-04-{day:02}", 1200) for day in range(8, 15)]
    found = world.position(uses, "2026-04-14", now="2026-09-01")
    assert found.used == found.forecast.to_date == 18_400
    assert stands(found, "status", "likely_over", "low_use") == ["ok", True, False]
    assert found.forecast.exhausted_on == date(2026, 4, 24)
    assert found.forecast.projected_amount == 3_800  # half of 7,600


def test_today_counts_in_use_but_not_in_what_is_complete(world: World) -> None:
    world.contract(allotment={"quantity": "100"}, start_date="2026-03-01")
    uses = [used("a", f"2026-03-0{day}", 1) for day in range(1, 6)]
    found = world.position(uses, "2026-03-05")
    assert found.used == 5
    assert found.forecast.to_date == 4
    assert found.forecast.projected == 31
    assert found.low_use
    assert found.daily[-1].used == 1


def test_half_the_allotment_is_not_low_use(world: World) -> None:
    uses = [used("a", f"2026-03-{day:02}", 1) for day in range(1, 10)]
    for allotment, low in (("62", False), ("62.000000000001", True)):
        world.contract(allotment={"quantity": allotment}, start_date="2026-03-01")
        found = world.position(uses, "2026-03-10")
        assert found.forecast.projected == 31
        assert found.low_use is low


def test_likely_over_is_said_only_below_the_limit(world: World) -> None:
    world.contract(allotment={"quantity": "10"}, start_date="2026-03-01")
    uses = [used("a", f"2026-03-0{day}", 2) for day in range(1, 6)]
    assert stands(world.position(uses[:4], "2026-03-05"), "status", "likely_over") == ["near", True]
    assert stands(world.position(uses, "2026-03-06"), "status", "likely_over") == [
        "at_limit",
        False,
    ]


def test_days_reach_back_a_fortnight_but_not_before_the_contract(world: World) -> None:
    world.contract(start_date="2026-02-25", billing={"cycle_start_date": "2026-01-01"})
    found = world.position([used("a", "2026-02-24", 7), used("a", "2026-02-26", 70)], "2026-03-03")
    assert rows(found.daily, "date", "used") == [
        [date(2026, 2, 25), 0],
        [date(2026, 2, 26), 70],
        [date(2026, 2, 27), 0],
        [date(2026, 2, 28), 0],
        [date(2026, 3, 1), 0],
        [date(2026, 3, 2), 0],
        [date(2026, 3, 3), 0],
    ]
    assert found.used == 0
    assert found.forecast.daily_mean == D("11.666666666667")  # 70 over six days


POOL = {"A1": ("10000", 9_500), "B1": ("7000", 7_250), "C1": ("5000", 4_000)}


def pool(world: World, pooling: str = "parent_pool") -> list[Used]:
    for key, (quantity, _) in POOL.items():
        world.account(key, parent="a")
        world.contract(key, account=key, allotment={"quantity": quantity})
    world.contract(allotment={"quantity": "20000"}, pooling=pooling, price=RATE)
    before = [used(key, "2026-02-28", 500) for key in POOL]
    return before + [used(key, "2026-03-04", use) for key, (_, use) in POOL.items()]


def test_a_pool_counts_the_tree_against_one_allotment(world: World) -> None:
    uses = pool(world)
    found = world.position(uses, "2026-03-10")
    assert stands(found, "used", "overage", "amount") == [20_750, 750, 375]
    assert rows(found.contributions, "account", "used") == [
        ["A1", 9_500],
        ["B1", 7_250],
        ["C1", 4_000],
    ]
    assert [c.share for c in found.contributions] == [
        D("0.457831325301"),
        D("0.349397590361"),
        D("0.192771084337"),
    ]
    children = [world.position(uses, "2026-03-10", number=key) for key in POOL]
    assert [c.overage for c in children] == [0, 250, 0]
    assert all(c.contributions == () for c in children)


def test_a_pool_may_gather_the_allotments_of_the_tree(world: World) -> None:
    uses = pool(world)
    world.contract(pooling="sum_of_children", allotment={"quantity": "0"}, price=RATE)
    found = world.position(uses, "2026-03-10")
    assert stands(found, "used", "allotment", "remaining") == [20_750, 22_000, 1_250]
    assert stands(found, "overage", "amount") == [0, 0]
    world.account("A1", "2026-03-11")  # and leaves, having brought ten days of its allotment
    assert world.position(uses, "2026-03-10").allotment == 12_000 + D("3225.806451612903")


def test_without_a_pool_only_own_use_counts_unless_asked_for(world: World) -> None:
    uses = [*pool(world, "none"), used("a", "2026-03-04", 3)]
    assert world.position(uses, "2026-03-10").used == 3
    assert world.position(uses, "2026-03-10", rollup=True).used == 20_753


def test_a_child_moved_mid_month_counts_in_both_pools_by_date(world: World) -> None:
    world.account("b")
    world.account("kid", parent="a")
    world.account("kid", "2026-03-10", parent="b")
    for key in ("a", "b"):
        world.contract(f"C-{key}", account=key, pooling="parent_pool")
    uses = [used("kid", "2026-03-09", 5), used("kid", "2026-03-10", 70)]
    assert world.position(uses, "2026-03-31", number="C-a").used == 5
    assert world.position(uses, "2026-03-31", number="C-b").used == 70


def test_a_distinct_count_is_made_over_the_whole_tree(world: World) -> None:
    world.account("b", parent="a")
    world.meter(aggregation="unique")
    world.contract(pooling="parent_pool", allotment={"quantity": "2"})
    uses = [used(k, f"2026-03-{d:02}", n) for k in "ab" for d in (2, 5, 9) for n in (7, d)]
    found = world.position(uses, "2026-03-09")
    assert stands(found, "used", "status") == [4, "over"]
    assert found.forecast.to_date == 3
    assert found.forecast.is_estimate_of_distinct
    assert rows(found.contributions, "account", "used", "share") == [
        ["a", 4, None],
        ["b", 4, None],
    ]
    assert [d.used for d in found.daily if d.used] == [2, 2, 2]
    closed = world.position(uses, "2026-03-31", now="2026-04-02")
    assert stands(closed.forecast, "status", "to_date") == ["actual", 4]


def test_a_maximum_stays_and_may_have_no_value(world: World) -> None:
    world.meter(aggregation="max")
    world.contract(allotment={"quantity": "10"})
    found = world.position([], "2026-03-09")
    assert stands(found, "used", "remaining", "status", "percent_used") == [None, 10, "ok", 0]
    assert found.daily[-1].used is None
    uses = [used("a", "2026-02-27", 99), used("a", "2026-03-02", 4), used("a", "2026-03-09", 6)]
    found = world.position(uses, "2026-03-09")
    assert found.used == 6
    assert found.forecast.to_date == 4
    assert found.forecast.projected == 6


def test_a_stock_carries_its_latest_value_forward(world: World) -> None:
    world.account("b", parent="a")
    world.meter(aggregation="latest", kind="stock", unit="seats")
    world.contract(allotment={"quantity": "10"}, pooling="parent_pool")
    uses = [used("a", "2025-01-05", 12), used("b", "2026-03-05", 9), used("b", "2026-03-09", 3)]
    before = world.position(uses, "2026-03-01")
    assert stands(before, "used", "status", "overage") == [12, "over", 2]
    found = world.position(uses, "2026-03-09")
    assert [d.used for d in found.daily][-6:] == [12, 9, 9, 9, 9, 3]
    assert found.used == found.forecast.projected == 3
    assert found.forecast.to_date == 9
    assert rows(found.contributions, "account", "used") == [["a", 12], ["b", 3]]


def test_a_period_still_to_come_has_nothing_to_go_on(world: World) -> None:
    world.contract(allotment={"quantity": "10"})
    found = world.position([used("a", "2026-03-08", 5)], "2030-05-02", now="2026-03-09")
    assert stands(found, "used", "status") == [0, "ok"]
    assert found.forecast.status == "not_enough_data"
    assert found.forecast.remaining_days == 31
    assert len(found.daily) == 2


def test_a_day_that_a_zone_left_out_counts_nothing_twice(world: World) -> None:
    world.contract(timezone="Pacific/Apia", start_date="2011-12-01")
    uses = [used("a", f"2011-12-{day}T22:00:00+00:00", 1) for day in (28, 29, 30)]
    found = world.position(uses, "2011-12-31T00:00:00+00:00", now="2012-03-01")
    assert found.used == 3
    assert rows(found.daily[-4:], "date", "used") == [
        [date(2011, 12, 28), 1],
        [date(2011, 12, 29), 1],
        [date(2011, 12, 30), 0],
        [date(2011, 12, 31), 1],
    ]


def test_each_day_has_its_part_of_the_allotment_of_that_day(world: World) -> None:
    world.contract(allotment={"quantity": "31"})
    world.contract(valid_from="2026-03-10", allotment={"quantity": "62"})
    world.meter(retired=True, valid_from="2026-03-05")
    assert world.position([], "2026-02-28").allotment == 31
    assert world.position([], "2026-03-09").allotment == 9 + 2 * 22
    assert world.position([], "2026-04-01").allotment == 62


def test_a_change_in_the_middle_of_a_period_prices_each_day_by_its_version(world: World) -> None:
    world.contract(price=RATE)
    world.contract(valid_from="2026-03-10", price={**RATE, "unit_amount": "2"})
    uses = [used("a", "2026-03-03", 10), used("a", "2026-03-12", 5)]
    assert world.position(uses, "2026-03-09").amount == 5
    assert world.position(uses, "2026-03-20").amount == 5 + 10


def test_what_was_left_of_the_month_before_is_remaining(world: World) -> None:
    world.contract(allotment={"quantity": "100", "rollover": {"cap": "30"}}, price=RATE)
    uses = [used("a", "2026-03-03", 60), used("a", "2026-04-04", 128)]
    found = world.position(uses, "2026-04-05")
    assert (found.allotment, found.used, found.remaining) == (D(100), D(128), D(2))
    found = world.position([*uses, used("a", "2026-04-05", 4)], "2026-04-05")
    assert (found.overage, found.amount, found.status) == (D(2), D(1), "over")


def test_use_may_stand_in_another_unit(world: World) -> None:
    thousand = {"unit": "thousands", "divide_by": "1000", "step": "1", "mode": "up"}
    line = {"code": "L", "meter": "m", "conversion": thousand, "price": RATE}
    world.contract(lines=[line])
    found = world.position([used("a", "2026-03-03", 1500)], "2026-03-05")
    assert (found.unit, found.used, found.amount) == ("thousands", D(2), D(1))
    assert found.daily[-3].used == D("1.5")


def test_a_flat_price_is_the_same_whatever_the_use(world: World) -> None:
    world.contract(price={"model": "flat", "amount": "31"})
    found = world.position([used("a", "2026-03-03", 1500)], "2026-03-05")
    assert (found.used, found.amount) == (D(1500), D(31))


def test_a_group_of_a_pool_says_who_used_of_all_its_meters(world: World) -> None:
    world.meter("n", unit="leads")
    world.account("kid", parent="a")
    group = {"name": "copies", "meters": ["m", "n"], "covered_quantity": "10"}
    world.contract(lines=[], meter_groups=[group], pooling="parent_pool")
    uses = [used("a", "2026-03-03", 8), used("kid", "2026-03-04", 5)]
    found = world.position(uses, "2026-03-05")
    assert rows(found.contributions, "account", "used") == [["a", 16], ["kid", 10]]


def test_a_meter_group_is_a_line_named_after_itself(world: World) -> None:
    world.meter("n", unit="leads")
    group = {"name": "copies", "meters": ["m", "n"], "covered_quantity": "10", "overage_rate": "2"}
    world.contract(lines=[], meter_groups=[group])
    uses = [used("a", "2026-03-03", 8), used("a", "2026-03-04", 5)]
    found = world.position(uses, "2026-03-05")
    assert (found.line, found.service, found.used) == ("copies", "copies", D(26))
    assert (found.overage, found.amount) == (D(16), D(32))


@pytest.mark.parametrize(
    "document",
    [
        {"status": "draft"},
        {"status": "ended"},
        {"start_date": "2026-03-11"},
        {"end_date": "2026-03-09"},
        {"retired": True},
        {"valid_from": "2026-03-11"},
        {"lines": [{"code": "L", "meter": "nobody"}]},
    ],
)
def test_what_is_not_in_force_has_no_lines(world: World, document: dict[str, Any]) -> None:
    world.contract(**document)
    assert terms(world.directory, "C", instant("2026-03-10"), instant("2026-03-10")) == []


def test_an_ended_contract_stands_until_its_last_day(world: World) -> None:
    world.contract(status="ended", end_date="2026-03-10")
    assert world.position([], "2026-03-10").status == "no_allotment"


def test_an_account_defined_later_lends_its_zone_before(world: World) -> None:
    world.account("late", "2026-06-01", timezone="America/Chicago")
    world.contract("C2", account="late")
    world.contract("C3", account="nobody")
    assert world.line("2026-03-10", number="C2").calendar.timezone == "America/Chicago"
    assert world.position([], "2026-03-10", number="C3").account_name == "nobody"


def test_a_price_names_a_model_there_is() -> None:
    for document, code in (({}, "price_model_missing"), ({"model": "x"}, "unknown_kind")):
        with pytest.raises(Invalid) as refusal:
            price_of(document)
        assert refusal.value.code == code


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.integers(1, 28),
            st.sampled_from(["0", "1", "2.5", "-1", "40"]),
        ),
        max_size=15,
    ),
    st.sampled_from([None, "0", "10", "100"]),
    st.integers(1, 28),
    st.booleans(),
)
def test_the_parts_of_a_position_fit_together(
    facts: list[tuple[str, int, str]], allotment: str | None, day: int, pooled: bool
) -> None:
    world = World()
    world.account("a")
    world.account("b", parent="a")
    world.account("c", parent="b")
    world.meter()
    limit: dict[str, Any] = {} if allotment is None else {"allotment": {"quantity": allotment}}
    world.contract(price=RATE, pooling="parent_pool" if pooled else "none", **limit)
    uses = [used(account, f"2026-03-{n:02}", quantity) for account, n, quantity in facts]
    found = world.position(uses, f"2026-03-{day:02}")
    counted = [u for u in uses if u.time.day <= day and (pooled or u.account == "a")]
    total = sum((u.quantity for u in counted), D(0))
    assert found.used == total == sum((d.used or 0 for d in found.daily if d.date.month == 3), D(0))
    assert found.amount is not None
    if allotment is None:
        assert found.amount == max(D(0), total) / 2
    else:
        assert found.remaining is not None
        assert found.overage == max(D(0), total - D(allotment))
        assert found.amount == found.overage_amount == found.overage / 2
        assert found.remaining - found.overage == D(allotment) - total
    if pooled:
        assert sum((c.used or 0 for c in found.contributions), D(0)) == total


@pytest.mark.parametrize("end", ["0001-01-03T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Chicago"])
@pytest.mark.parametrize("kind", ["flow", "stock"])
def test_the_ends_of_time_have_positions(world: World, end: str, zone: str, kind: str) -> None:
    world.meter(kind=kind, aggregation="latest")
    world.contract(start_date="0001-01-03", timezone=zone)
    world.contract("Last", start_date="9999-12-28", timezone=zone)
    for number in ("C", "Last"):
        for at, now in ((end, end), (end, "2026-03-10"), ("2026-03-10", end)):
            found = terms(world.directory, number, instant(at), instant(now))
            if found:
                assert world.position([], at, now, number=number).status == "no_allotment"
