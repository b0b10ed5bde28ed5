import pytest

from tests.alerts._seen import Desk

LOW = "balance.low"


def paid(desk: Desk, *credits: dict[str, str]) -> None:
    desk.line("0", start_date="2026-04-01", credits=[*credits])


def credit(name: str = "paid", amount: str = "1000", **valid: str) -> dict[str, str]:
    return {"name": name, "amount": amount, **valid}


@pytest.mark.parametrize(
    ("used", "state"), [("799.99", None), ("800", "low"), ("999", "low"), ("1000", "depleted")]
)
def test_what_is_left_of_what_was_paid(desk: Desk, used: str, state: str | None) -> None:
    paid(desk, credit())
    desk.use("2026-04-10", used)
    assert desk.states(LOW) == ({} if state is None else {"ME": state})


def test_what_is_said_of_it(desk: Desk) -> None:
    paid(desk, credit())
    desk.use("2026-04-10", 850)
    (one,) = desk.findings(LOW)
    assert (one["inputs"], one["severity"]) == ({"paid": "1000"}, "warning")
    assert one["outputs"] == {"left": "150", "left_share": "0.15"}
    assert desk.states(LOW, percent="14.9") == {}
    desk.use("2026-04-10", 850)
    (one,) = desk.findings(LOW)
    assert (one["severity"], one["message"]) == ("critical", "The prepaid credit is used up.")


def test_credits_are_added_up_and_recover_when_more_is_paid(desk: Desk) -> None:
    paid(desk, credit(), credit("more", "1000"))
    desk.use("2026-04-10", 1590)
    assert desk.states(LOW) == {}
    desk.use("2026-04-10", 10)
    assert desk.states(LOW) == {"ME": "low"}
    paid(desk, credit(), credit("more", "1000"), credit("again", "500"))
    assert desk.states(LOW) == {}


def test_credits_that_are_not_valid_today_do_not_count(desk: Desk) -> None:
    paid(
        desk,
        credit(),
        credit("gone", "9000", valid_to="2026-04-19"),
        credit("to-come", "9000", valid_from="2026-04-21"),
    )
    desk.use("2026-04-10", 10_000)
    assert desk.findings(LOW, percent=100)[0]["inputs"] == {"paid": "1000"}


def test_an_amount_is_a_bound_of_its_own(desk: Desk) -> None:
    paid(desk, credit())
    desk.use("2026-04-10", 850)
    assert desk.states(LOW, percent=10, amount="150") == {"ME": "low"}
    assert desk.states(LOW, percent=10, amount="149.99") == {}


def test_what_earlier_periods_took_is_gone(desk: Desk) -> None:
    desk.line("0", start_date="2026-02-01", credits=[credit()])
    desk.use("2026-02-10", 400)
    desk.use("2026-03-10", 600)
    assert desk.states(LOW) == {"ME": "depleted"}
    desk.close(2, 3)
    assert desk.states(LOW) == {"ME": "depleted"}


def test_a_contract_without_credits_has_no_balance(desk: Desk) -> None:
    desk.line("0")
    desk.use("2026-04-10", 10_000)
    assert desk.states(LOW) == {}


def test_stale_data_is_not_judged(desk: Desk) -> None:
    paid(desk, credit())
    desk.use("2026-04-10", 850)
    assert desk.stale(LOW) == {"ME": "data_stale"}
