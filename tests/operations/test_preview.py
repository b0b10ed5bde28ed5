from decimal import Decimal
from typing import Any

import pytest

from tallybook.model.errors import Forbidden, Invalid
from tallybook.model.scope import Scope, operator
from tallybook.operations.preview import preview_forecast

ALL = operator()
APRIL = {
    "period_start": "2026-04-01",
    "period_end": "2026-05-01",
    "data_through": "2026-04-14",
    "allotment": "30000",
}
WEEK = [{"date": f"2026-04-{day:02}", "quantity": "1200"} for day in range(8, 15)]


def test_the_help_centre_example() -> None:
    first = {"date": "2026-04-01", "quantity": 10_000}
    found = preview_forecast(ALL, APRIL | {"days": [first, *WEEK], "method": "mean_7"})
    assert found.to_date == 18_400
    assert found.projected == 37_600
    assert found.projected_overage == 7_600
    assert str(found.exhausted_on) == "2026-04-24"


def test_absent_days_count_nothing_and_a_day_named_twice_counts_with_both() -> None:
    day = {"date": "2026-04-14", "quantity": "3.5"}
    found = preview_forecast(ALL, APRIL | {"days": [day, day]})
    assert found.daily_mean == 1
    assert found.projected == 23


def test_without_days_there_is_still_a_period_of_zeros() -> None:
    found = preview_forecast(ALL, APRIL | {"days": []})
    assert found.status == "estimate"
    assert found.projected == 0
    young = preview_forecast(ALL, APRIL | {"days": [], "data_through": "2026-04-02"})
    assert young.status == "not_enough_data"


def test_days_before_the_period_are_in_the_window() -> None:
    days = [{"date": f"2026-03-{day}", "quantity": 7} for day in (29, 30, 31)]
    found = preview_forecast(ALL, APRIL | {"days": days, "data_through": "2026-04-01"})
    assert found.to_date == 0
    assert found.daily_mean == Decimal("5.25")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"period_end": "2026-04-01"}, ""),
        ({"period_start": "2026-04-31"}, "period_start"),
        ({"data_through": None}, "data_through"),
        ({"method": "guess"}, "method"),
        ({"days": [{"date": "2026-04-01", "quantity": "NaN"}]}, "days.0.quantity"),
        ({"days": [{"date": "2026-04-01", "quantity": 0.5}]}, "days.0.quantity"),
        ({"allotment": "1e19"}, "allotment"),
        ({"allotmnet": "1"}, "allotmnet"),
        ({"days": None}, "days"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        preview_forecast(ALL, APRIL | {"days": WEEK} | change)
    assert refusal.value.facts["field"] == field


def test_who_may_not_read_may_not_ask() -> None:
    with pytest.raises(Forbidden):
        preview_forecast(Scope("x", "ingest"), APRIL | {"days": []})
