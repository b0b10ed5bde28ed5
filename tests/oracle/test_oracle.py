"""The oracle is judged by the worked numbers of the rules before it judges anybody."""

import ast
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.days import Plan, start_of
from tests.oracle.prices import charge, rounded
from tests.oracle.statement import Oracle, Statement, split
from tests.oracle.world import World

F = Fraction
TIERS = [
    {"up_to": "500", "unit_amount": "2.00"},
    {"up_to": "2000", "unit_amount": "1.50"},
    {"up_to": None, "unit_amount": "1.00"},
]
LATER = date(2028, 1, 1)


def test_it_shares_no_code_with_the_program() -> None:
    for name in ("days", "prices", "world", "terms", "charges", "statement"):
        tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text("utf-8"))
        names = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        names += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        assert not [n for n in names if n.startswith("tallybook")], name
        assert not [n for n in names if n.startswith("tests") and "oracle" not in n], name


@pytest.mark.parametrize(
    ("anchor", "unit", "length", "first"),
    [
        ("2026-01-31", "month", 1, "2026-01-31 2026-02-28 2026-03-31 2026-04-30 2026-05-31"),
        ("2026-11-30", "month", 3, "2026-11-30 2027-02-28 2027-05-30 2027-08-30"),
        ("2024-02-29", "year", 1, "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
        ("2026-01-05", "week", 2, "2026-01-05 2026-01-19 2026-02-02"),
    ],
)
def test_boundaries_are_never_chained(anchor: str, unit: str, length: int, first: str) -> None:
    plan = Plan(unit, length, date.fromisoformat(anchor))
    dates = first.split()
    assert [str(plan.boundary(k)) for k in range(len(dates))] == dates
    assert plan.number(plan.boundary(-2)) == -2


def test_days_begin_when_the_clock_gets_there() -> None:
    def hours(zone: str, first: date, last: date) -> float:
        return (
            start_of(last, zone, "00:00") - start_of(first, zone, "00:00")
        ).total_seconds() / 3600

    chicago = "America/Chicago"
    assert hours(chicago, date(2026, 3, 1), date(2026, 4, 1)) == 743
    assert hours(chicago, date(2026, 11, 1), date(2026, 12, 1)) == 721
    missing = start_of(date(2025, 9, 7), "America/Santiago", "00:00")  # 00:00 is 01:00 that day
    assert missing.isoformat() == "2025-09-07T04:00:00+00:00"
    doubled = start_of(date(2026, 11, 1), chicago, "01:30")
    assert doubled.isoformat() == "2026-11-01T06:30:00+00:00"


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        ({"model": "flat", "amount": "500"}, "7", "500"),
        ({"model": "per_unit", "unit_amount": "0.05"}, "10", "0.50"),
        ({"model": "graduated", "tiers": TIERS}, "1500", "2500"),
        ({"model": "volume", "tiers": TIERS}, "1500", "2250"),
        ({"model": "volume", "tiers": TIERS}, "500", "1000"),
        ({"model": "volume", "tiers": TIERS}, "501", "751.50"),
        ({"model": "volume", "tiers": TIERS}, "500.5", "750.75"),
        ({"model": "volume", "tiers": TIERS}, "2000", "3000"),
        ({"model": "volume", "tiers": TIERS}, "2001", "2001"),
        ({"model": "package", "package_size": "100", "package_amount": "8"}, "100", "8"),
        ({"model": "package", "package_size": "100", "package_amount": "8"}, "101", "16"),
        ({"model": "package", "package_size": "100", "package_amount": "8"}, "301", "32"),
        ({"model": "percentage", "rate": "0.02"}, "10000", "200"),
        (
            {"model": "stairstep", "tiers": [{"up_to": "1000", "flat_amount": "100"},
                                             {"up_to": None, "flat_amount": "300"}]},
            "1500", "300",
        ),
        (
            {"model": "graduated", "tiers": [{"up_to": "500", "unit_amount": "0.05"},
                                             {"up_to": None, "unit_amount": "0.02"}]},
            "1000", "35",
        ),
    ],
)  # fmt: skip
def test_prices(price: dict[str, Any], quantity: str, amount: str) -> None:
    assert charge(price, F(quantity), [(F(quantity), {})]) == F(amount)


def test_rounding_and_splitting() -> None:
    assert rounded(F("2.345"), 2) == F("2.35")
    assert rounded(F("-2.345"), 2) == F("-2.35")
    assert split(F(1), {"a": F(1), "b": F(1), "c": F(1)}, 2) == {
        "a": F("0.34"), "b": F("0.33"), "c": F("0.33"),
    }  # fmt: skip


def world(uses: list[tuple[str, str]], *versions: dict[str, Any], **account: Any) -> World:
    """One account with one meter; uses are (instant, quantity)."""
    made = World()
    made.accounts["a"] = [{"timezone": "UTC", "day_start": "00:00", "currency": "USD", **account}]
    made.meters["m"] = {"event_type": "use", "aggregation": "sum", "property": "n", "filter": []}
    made.contracts["C"] = [{"account": "a", "start_date": "2026-01-01", **v} for v in versions]
    made.events = [
        {"id": str(i), "type": "use", "subject": "a", "time": at, "data": {"n": n}}
        for i, (at, n) in enumerate(uses)
    ]
    return made


def statements(made: World, number: str = "C") -> list[Statement]:
    return Oracle(made, number, LATER).statements(date(2026, 12, 31))


def line(**terms: Any) -> dict[str, Any]:
    return {"code": "L", "meter": "m", "price": {"model": "per_unit", "unit_amount": "1"}, **terms}


def test_a_stub_is_prorated_over_the_uncut_cycle() -> None:
    base = {"name": "B", "amount": "1000"}
    stub = {"start_date": "2026-01-20", "billing": {"cycle_start_date": "2026-01-01"}}
    first = statements(world([], {**stub, "base_charges": [base]}))[0]
    assert (first.start, first.end, first.total) == (
        date(2026, 1, 20),
        date(2026, 1, 31),
        F("387.10"),
    )


def test_a_grant_is_free_and_use_is_dated_by_the_day_of_the_zone() -> None:
    uses = [("2026-02-01T04:59:59.999999Z", "1400"), ("2026-02-01T05:00:00Z", "350")]
    terms = {"lines": [line(allotment={"quantity": "1000"})]}
    january, february = statements(world(uses, terms, timezone="America/New_York"))[:2]
    assert january.lines["L"].amount == 400
    assert [february.lines["L"].quantity, february.lines["L"].billable] == [350, 0]


def test_credits_and_commitments() -> None:
    terms = {
        "lines": [line()],
        "commitments": [{"name": "floor", "amount": "200"}],
        "credits": [{"name": "paid", "amount": "250"}],
    }
    january, february = statements(world([("2026-01-05T00:00:00Z", "120")], terms))[:2]
    assert [january.subtotal, january.total] == [200, 0]
    assert [february.subtotal, february.total] == [200, 150]


def test_a_price_changed_in_mid_month_is_charged_from_its_day() -> None:
    later = line(price={"model": "per_unit", "unit_amount": "2"})
    uses = [("2026-01-05T00:00:00Z", "10"), ("2026-01-20T00:00:00Z", "10")]
    made = world(uses, {"lines": [line()]}, {"lines": [later], "valid_from": "2026-01-15"})
    assert statements(made)[0].total == 30


def test_rollover_is_taken_oldest_first_and_expires() -> None:
    own = {"quantity": "100", "rollover": {"cap": "120", "expires_after": 1}}
    uses = [("2026-02-05T00:00:00Z", "130"), ("2026-03-05T00:00:00Z", "180")]
    january, february, march = statements(world(uses, {"lines": [line(allotment=own)]}))[:3]
    assert [january.total, february.total, march.total] == [0, 0, 10]  # 70 of February's are left


def test_a_roll_forward_takes_overage_from_the_next_cycle() -> None:
    group = {"name": "G", "meters": ["m"], "covered_quantity": "20000", "overage_rate": "0.01"}
    uses = [("2026-01-05T00:00:00Z", "23000"), ("2026-02-05T00:00:00Z", "17500")]
    rolled = statements(
        world(uses, {"meter_groups": [{**group, "overage_method": "roll_forward"}]})
    )
    assert [s.total for s in rolled[:2]] == [0, 0]
    assert [s.total for s in statements(world(uses, {"meter_groups": [group]}))[:2]] == [30, 0]
    credit = {**group, "overage_method": "allow_with_credit"}
    assert [s.total for s in statements(world(uses, {"meter_groups": [credit]}))[:2]] == [30, -25]


def test_a_pool_of_a_tree() -> None:
    made = world([])
    contracts = {"A": ("9500", "10000"), "B": ("7250", "7000"), "D": ("4000", "5000")}
    for key, (used, allotment) in contracts.items():
        made.accounts[key] = [{**made.accounts["a"][0], "parent": "a"}]
        made.contracts[key] = [
            {"account": key, "start_date": "2026-01-01",
             "lines": [line(allotment={"quantity": allotment})]}
        ]  # fmt: skip
        made.events.append(
            {"id": key, "type": "use", "subject": key, "time": "2026-01-05T00:00:00Z",
             "data": {"n": used}}
        )  # fmt: skip
    for pooling, allotment, over in (("parent_pool", "20000", 750), ("sum_of_children", "0", 0)):
        terms = {"pooling": pooling, "lines": [line(allotment={"quantity": allotment})]}
        made.contracts["C"] = [{"account": "a", "start_date": "2026-01-01", **terms}]
        parent = statements(made)[0].lines["L"]
        assert [parent.quantity, parent.billable] == [20750, over]
    assert sum(statements(made, key)[0].lines["L"].billable for key in contracts) == 250
