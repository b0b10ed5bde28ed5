from datetime import UTC, datetime

from tests.alerts._seen import Desk

UNBILLED = "billing.period_unbilled"


def test_the_oldest_period_that_is_not_closed_is_told_with_how_many_there_are(desk: Desk) -> None:
    desk.line("0", start_date="2026-02-01")
    desk.use("2026-02-10", 25)
    (one,) = desk.findings(UNBILLED)
    assert (one["state"], one["money_at_risk"]) == ("past_due", "25")
    assert one["inputs"] == {"period": "2026-02-01", "due": "2026-03-01", "periods": 2}
    assert one["outputs"] == {"days_past_due": 50, "total": "25"}
    desk.close(2)
    (one,) = desk.findings(UNBILLED)
    assert one["inputs"] == {"period": "2026-03-01", "due": "2026-04-01", "periods": 1}
    desk.close(3)
    assert desk.findings(UNBILLED) == []


def test_a_period_that_was_left_out_is_found_behind_later_ones(desk: Desk) -> None:
    desk.line("0")
    desk.close(1, 3)
    (one,) = desk.findings(UNBILLED)
    assert (one["inputs"]["period"], one["inputs"]["periods"]) == ("2026-02-01", 1)


def test_it_is_due_on_the_day_after_its_last(desk: Desk) -> None:
    desk.line("0", start_date="2026-03-01")
    for day, state, days in ((1, "due", 0), (2, "past_due", -1)):
        with desk.on(datetime(2026, 4, day, 12, tzinfo=UTC)):
            assert desk.states(UNBILLED, days=days) == {"ME": state}
            assert desk.states(UNBILLED, days=days - 1) == {}


def test_what_is_due_soon_is_told_where_it_is_asked_for(desk: Desk) -> None:
    desk.line("0", start_date="2026-04-01")
    assert desk.states(UNBILLED) == {}
    assert desk.states(UNBILLED, days=10) == {}
    (one,) = desk.findings(UNBILLED, days=11)
    assert (one["state"], one["message"]) == (
        "due",
        "The period from 2026-04-01 is not billed: due in 11 days.",
    )


def test_the_last_period_of_a_contract_that_ended_is_billed_too(desk: Desk) -> None:
    desk.line("0", start_date="2026-03-01", end_date="2026-03-20")
    assert desk.findings(UNBILLED)[0]["inputs"]["due"] == "2026-03-21"


def test_what_is_not_billed_at_all_is_left_to_others(desk: Desk) -> None:
    desk.line("0", billing={"enabled": False})
    desk.line("0", part="-draft", status="draft")
    assert desk.states(UNBILLED) == {}
