from tests.alerts._seen import Desk

DIFFERS = "rate.credit_mismatch"


def group(rate: str, credit: str | None, method: str = "allow_with_credit") -> dict[str, object]:
    found: dict[str, object] = {
        "name": "copies",
        "meters": ["calls"],
        "overage_rate": rate,
        "overage_method": method,
    }
    return found if credit is None else {**found, "credit_rate": credit}


def test_other_rates_for_what_is_left_and_what_is_beyond_are_found(desk: Desk) -> None:
    desk.agree(meter_groups=[group("0.02", "0.01")])
    (one,) = desk.findings(DIFFERS)
    assert (one["entity"], one["state"]) == (f"{desk.account}/copies", "differs")
    assert one["inputs"] == {"group": "copies", "credit_rate": "0.01", "overage_rate": "0.02"}


def test_what_is_in_order_is_silent(desk: Desk) -> None:
    desk.agree(meter_groups=[group("0.02", "0.020")])
    assert desk.states(DIFFERS) == {}
    desk.agree(meter_groups=[group("0.02", None)])
    assert desk.states(DIFFERS) == {}


def test_a_rate_that_nothing_is_credited_at_does_not_matter(desk: Desk) -> None:
    desk.agree(meter_groups=[group("0.02", "0.01", "bill")])
    assert desk.states(DIFFERS) == {}


def test_an_overage_rate_that_was_raised_leaves_the_credit_behind(desk: Desk) -> None:
    up = {"name": "up", "applies_to": "overage", "percent": "10"}
    desk.agree(meter_groups=[group("0.02", "0.02")], rate_schedules=[up])
    (one,) = desk.findings(DIFFERS)
    assert one["inputs"]["overage_rate"] == "0.02662"
