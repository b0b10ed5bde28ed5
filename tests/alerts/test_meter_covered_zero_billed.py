from tests.alerts._seen import Desk

ZERO = "meter.covered_zero_billed"


def test_a_line_that_covers_something_of_which_nothing_was_counted(desk: Desk) -> None:
    desk.line("500")
    desk.close(3)
    (one,) = desk.findings(ZERO)
    assert (one["entity"], one["state"]) == (f"{desk.account}/calls", "zero")
    assert one["inputs"] == {
        "statement": "2026-03-01", "line": "calls", "covered": "500", "used": "0"
    }  # fmt: skip
    assert (one["message"], one["step"]) == (
        "500 units are covered, none was counted.",
        "2026-03-01",
    )


def test_less_than_nothing_is_a_counter_that_was_reset(desk: Desk) -> None:
    desk.line("500")
    desk.use("2026-03-10", -5)
    desk.close(3)
    assert desk.states(ZERO) == {"ME/calls": "reset"}


def test_what_is_in_order_is_silent(desk: Desk) -> None:
    desk.line("500")
    desk.line("0", part="-zero")
    desk.line(None, part="-none")
    desk.use("2026-03-10", 1)
    desk.close(3)
    assert desk.states(ZERO) == {}


def test_only_the_newest_statement_is_judged(desk: Desk) -> None:
    desk.line("500")
    desk.use("2026-03-10", 1)
    desk.close(2, 3)
    assert desk.states(ZERO) == {}


def test_small_coverage_can_be_left_out(desk: Desk) -> None:
    desk.line("500")
    desk.close(3)
    assert desk.states(ZERO, min_units=500) == {"ME/calls": "zero"}
    assert desk.states(ZERO, min_units="500.1") == {}


def test_an_unlimited_line_covers_no_number(desk: Desk) -> None:
    desk.agree(lines=[{"code": "calls", "meter": "calls", "allotment": {}}])
    desk.close(3)
    assert desk.states(ZERO) == {}
