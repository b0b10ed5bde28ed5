from tests.alerts._seen import Desk

SILENT = "usage.feed_stale"


def sends(desk: Desk, source: str, *days: str) -> None:
    for day in days:
        desk.use(day, 1, source=source)


def test_a_source_that_fell_silent_is_found(desk: Desk) -> None:
    desk.line()
    sends(desk, "/eu", "2026-04-10", "2026-04-11", "2026-04-12")
    sends(desk, "/us", "2026-04-10", "2026-04-11", "2026-04-19")
    (one,) = desk.findings(SILENT)
    assert (one["entity"], one["state"]) == (f"{desk.account} /eu", "silent")
    assert one["inputs"] == {"source": "/eu", "last": "2026-04-12"}
    assert one["outputs"] == {"days": 8, "events": 3}


def test_exactly_the_bound_is_in_order(desk: Desk) -> None:
    sends(desk, "/eu", "2026-04-15", "2026-04-16", "2026-04-17")  # three days, to the minute
    assert desk.states(SILENT) == {}
    assert desk.states(SILENT, silent=2) == {"ME /eu": "silent"}


def test_what_was_no_habit_is_not_missed(desk: Desk) -> None:
    sends(desk, "/eu", "2026-04-01", "2026-04-01", "2026-04-02")
    assert desk.states(SILENT) == {}
    assert desk.states(SILENT, steady=2) == {"ME /eu": "silent"}


def test_what_ended_long_ago_is_not_missed(desk: Desk) -> None:
    sends(desk, "/eu", "2026-01-02", "2026-01-03", "2026-01-04")
    assert desk.states(SILENT) == {}
    assert desk.states(SILENT, looked_back=365) == {"ME /eu": "silent"}


def test_while_something_waits_to_be_counted_no_source_is_silent(desk: Desk) -> None:
    sends(desk, "/eu", "2026-04-10", "2026-04-11", "2026-04-12")
    assert desk.stale(SILENT) == {"ME /eu": "data_stale"}
