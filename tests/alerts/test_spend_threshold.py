from decimal import Decimal

import pytest

from tallybook.alerts.spend_threshold import reached
from tests.alerts._seen import Desk

SPEND = "spend.threshold"


def test_an_amount_that_is_met_is_found_once_a_period(desk: Desk) -> None:
    desk.line("0")
    desk.use("2026-03-10", 5000)
    desk.use("2026-04-10", "999.99")
    assert desk.steps(SPEND) == []
    desk.use("2026-04-10", "0.01")
    (one,) = desk.findings(SPEND)
    assert (one["state"], one["step"], one["period"]) == ("reached", "1000", "2026-04-01")
    assert (one["inputs"], one["outputs"]) == ({"threshold": "1000"}, {"spent": "1000"})


def test_after_the_last_amount_it_goes_on_by_steps(desk: Desk) -> None:
    desk.line("0")
    desk.use("2026-04-10", 1450)
    asked = {"amounts": [500, 1000], "step": 200}
    assert desk.steps(SPEND, **asked) == ["500", "1000", "1200", "1400"]
    assert desk.steps(SPEND, amounts=["500", "1000"]) == ["500", "1000"]
    assert desk.steps(SPEND, amounts="2000", step="1") == []


@pytest.mark.parametrize(
    ("spent", "found"), [("1199.99", []), ("1200", ["1200"]), ("1400", ["1200", "1400"])]
)
def test_a_step_is_met_exactly(spent: str, found: list[str]) -> None:
    last = reached(Decimal(spent), (Decimal(500), Decimal(1000)), Decimal(200))[2:]
    assert [str(amount) for amount in last] == found


def test_of_very_many_steps_the_newest_are_told() -> None:
    found = reached(Decimal(10**9), (Decimal(1),), Decimal(1))
    assert (len(found), found[-1]) == (1001, Decimal(10**9))


def test_base_charges_and_discounts_count_and_what_may_still_be_used_does_not(desk: Desk) -> None:
    desk.line(
        "0",
        base_charges=[{"name": "base", "amount": "500"}],
        discounts=[{"name": "less", "percent": "10"}],
        commitments=[{"name": "least", "amount": "5000"}],
    )
    desk.use("2026-04-10", 500)
    assert desk.steps(SPEND) == []
    assert desk.findings(SPEND, amounts=[900])[0]["outputs"] == {"spent": "900"}


def test_values_that_cannot_be_are_refused(desk: Desk) -> None:
    assert desk.refused(SPEND, amounts=[]) == (422, "value_missing", "values.amounts")
    assert desk.refused(SPEND, amounts=[-1]) == (422, "value_invalid", "values.amounts")
    assert desk.refused(SPEND, step="0") == (422, "value_invalid", "values.step")


def test_stale_data_is_not_judged(desk: Desk) -> None:
    desk.line("0")
    desk.use("2026-04-10", 1450)
    assert desk.stale(SPEND) == {"ME": "data_stale"}
