import pytest

from tests.alerts._seen import Desk

BAND = "rate.out_of_band"


def group(rate: str) -> dict[str, object]:
    return {"name": "copies", "meters": ["calls"], "overage_rate": rate}


@pytest.mark.parametrize(
    ("rate", "state"), [("0.01", "low"), ("0.0101", None), ("0.0999", None), ("0.1", "high")]
)
def test_a_rate_of_exactly_a_bound_is_out_of_the_band(
    desk: Desk, rate: str, state: str | None
) -> None:
    desk.agree(meter_groups=[group(rate)])
    found = desk.states(BAND, low="0.01", high="0.1")
    assert found == ({} if state is None else {"ME/copies": state})
    assert desk.states(BAND) == {}


def test_prices_of_a_unit_are_rates_too(desk: Desk) -> None:
    desk.line()
    (one,) = desk.findings(BAND, high="1")
    assert one["inputs"] == {"part": "calls", "rate": "1"}
    assert one["outputs"] == {"unit": "calls", "on": "2026-04-20"}
    assert desk.states(BAND, high="1", unit=["seats"]) == {}
    assert desk.states(BAND, high="1", unit=["calls"]) == {"ME/calls": "high"}


TIERS = [{"up_to": "100", "unit_amount": "0.05"}, {"unit_amount": "0.02"}]


@pytest.mark.parametrize(
    "price", [{"model": "graduated", "tiers": TIERS}, {"model": "flat", "amount": "50"}]
)
def test_not_every_price_has_a_rate_of_a_unit(desk: Desk, price: dict[str, object]) -> None:
    desk.agree(lines=[{"code": "calls", "meter": "calls", "price": price}])
    assert desk.unjudged(BAND) == {}
    assert desk.unjudged(BAND, high="1") == {"ME/calls": "no_unit_rate"}
    assert desk.unjudged(BAND, high="1", unit=["seats"]) == {}


def test_terms_to_come_are_judged_once_they_are_near(desk: Desk) -> None:
    desk.agree(meter_groups=[group("0.05")])
    desk.agree(meter_groups=[group("5")], valid_from="2026-05-20")
    (one,) = desk.findings(BAND, high="1")
    assert (one["inputs"]["rate"], one["outputs"]["on"]) == ("5", "2026-05-20")
    assert desk.states(BAND, high="1", ahead=29) == {}
    assert desk.states(BAND, high="1", ahead=30) == {"ME/copies": "high"}


def test_planned_increases_count(desk: Desk) -> None:
    up = {"name": "up", "applies_to": "overage", "percent": "100"}
    desk.agree(meter_groups=[group("0.1")], rate_schedules=[up])  # 0.8 in April, 1.6 in May
    assert desk.findings(BAND, high="0.8")[0]["outputs"]["on"] == "2026-04-20"
    (one,) = desk.findings(BAND, high="0.81")
    assert (one["inputs"]["rate"], one["outputs"]["on"]) == ("1.6", "2026-05-01")
    desk.line(part="-line", rate_schedules=[up])
    found = {one["contract"]: one["inputs"]["rate"] for one in desk.findings(BAND, high="8")}
    assert found == {f"{desk.account}-line": "8"}


def test_bounds_that_cross_are_refused(desk: Desk) -> None:
    assert desk.refused(BAND, low="2", high="1") == (422, "values_crossed", "values.low")
