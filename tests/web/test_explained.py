"""What the parts of a charge say, one sentence each."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tallybook.model.mark import Mark
from tallybook.model.position import Forecast, Method, Period, Position
from tallybook.model.price import Billable, Piece
from tallybook.positions.charge import price_of
from tallybook.positions.explanation import AllotmentStep, EventsStep, Explanation, MeterStep
from tallybook.web.pages.explained import priced, steps

D = Decimal
START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
THROUGH = datetime(2026, 3, 11, tzinfo=UTC)
POSITION = Position(
    contract="C-1",
    line="use",
    account="acme",
    product=None,
    service="Use",
    unit="units",
    kind="flow",
    period=Period(
        date(2026, 3, 1),
        date(2026, 4, 1),
        START,
        END,
        is_stub=False,
        index=0,
        cycle_start_date=date(2026, 3, 1),
        cycle_days=31,
    ),
    used=D(70),
    allotment=D(50),
    remaining=D(0),
    percent_used=D(120),
    overage=D(10),
    overage_amount=None,
    amount=None,
    currency="USD",
    status="over",
    likely_over=False,
    low_use=False,
    forecast=Forecast("estimate", D(60), D(6), 21, D(126), D(186)),
    contributions=(),
    daily=(),
    branch=None,
    csm=None,
    data_through=THROUGH,
    refreshed_at=None,
    known_at=Mark(1, 1, 0),
)
FEE = {"model": "percentage", "rate": "0.02", "fixed_amount": "0.30", "min": "0.50", "max": "20"}
TIERS = [{"up_to": "10", "unit_amount": "1", "flat_amount": "5"}, {"unit_amount": "0.5"}]


@pytest.mark.parametrize(
    ("price", "quantities", "sentences"),
    [
        ({"model": "flat", "amount": "500"}, ["7"], ["7 for $500.00."]),
        (
            {"model": "graduated", "tiers": TIERS},
            ["12"],
            ["10 × $1.00 + $5.00 = $15.00.", "2 × $0.50 = $1.00."],
        ),
        (
            {"model": "package", "package_size": "100", "package_amount": "8"},
            ["301"],
            ["301 for $32.00 (4 × $8.00)."],
        ),
        (
            FEE,
            ["1", "100", "200", "9999", "2"],
            [
                "300 × 2 % + 2 × $0.30 = $6.60.",
                "9,999 for $20.00 (the most: $20.00).",
                "3 for $1.00 (the least: 2 × $0.50).",
            ],
        ),
    ],
)
def test_each_part_says_what_it_multiplies_and_adds(
    price: dict[str, object], quantities: list[str], sentences: list[str]
) -> None:
    pieces = tuple(Piece(D(quantity)) for quantity in quantities)
    use = Billable(sum((piece.quantity for piece in pieces), D(0)), pieces)
    assert [priced(part, "USD") for part in price_of(price).parts(use)] == sentences


HOW = Explanation(
    EventsStep("use", START, END, 2, 7),
    MeterStep("a", "sum", "n", "units", D(70), ("b",)),
    AllotmentStep(D(50), is_unlimited=False, beyond=D(10)),
    None,
    (date(2026, 3, 10),),
)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({}, "50 units are included; 10 lie beyond."),
        ({"carried": D(5)}, "50 units are included, and 5 left from before; 10 lie beyond."),
        ({"carried": D(-5)}, "50 units are included, less 5 overdrawn before; 10 lie beyond."),
        (
            {"pooled": D(20)},
            "50 units are included, 20 of them by other contracts of the tree; 10 lie beyond.",
        ),
        ({"free": D(3)}, "50 units are included; 10 lie beyond. The first 3 are free."),
        ({"included": None, "free": D(3)}, "None was agreed. The first 3 are free."),
        ({"is_unlimited": True}, "Unlimited: nothing lies beyond it."),
    ],
)
def test_what_is_included_is_said_with_all_that_makes_it(step: dict[str, Any], said: str) -> None:
    how = replace(HOW, allotment=replace(HOW.allotment, **step))
    found = {one.title: one.text for one in steps(POSITION, how, "UTC")}
    assert found["Allotment"] == said
    assert found["Meter"] == "a and b, the sum of n in these events: 70 units."
    assert found["Terms"].startswith("Other terms hold from 10 Mar;")


@pytest.mark.parametrize(
    ("method", "of"),
    [
        ("mean_7", "the mean of the last seven complete days, for"),
        ("weekday", "by how much each weekday has of a week, for"),
        ("linear", "the mean of its own days so far, for"),
    ],
)
def test_both_parts_of_a_forecast_are_said(method: Method, of: str) -> None:
    said = [one.text for one in steps(POSITION, HOW, "UTC", method)][-1]
    assert of in said
    assert said.startswith("60 units up to 10 Mar, 24:00, plus 6 a day")
    assert "for the 21 days that are not complete (126): 186;" in said
