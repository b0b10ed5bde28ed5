from tests.alerts._seen import Desk

SILENT = "usage.feed_stale"


def test_a_daily_source_that_stopped(desk: Desk) -> None:
    for day in range(1, 11):
        desk.use(f"2026-04-{day:02}", 1, source="/gate")
        desk.use(f"2026-04-{day:02}", 1, source="/door")
    desk.use("2026-04-19", 1, source="/door")
    (one,) = desk.findings(SILENT)
    assert (desk.mine(one["entity"]), one["state"]) == ("ME /gate", "silent")
    assert one["inputs"] == {"source": "/gate", "last": "2026-04-10"}
    assert one["outputs"] == {"days": 10, "usual": 1}
    assert desk.mine(one["message"]) == "/gate has sent nothing for ME since 2026-04-10: 10 days."
    assert desk.findings(SILENT, silent=10) == []
    assert len(desk.findings(SILENT, silent=9)) == 1
    assert desk.findings(SILENT, looked_back=9) == []


def test_a_weekly_source_is_not_missed_after_a_week(desk: Desk) -> None:
    for day in ("03-16", "03-23", "03-30", "04-06"):
        desk.use(f"2026-{day}", 1)
    assert desk.findings(SILENT) == []  # silent for two weeks, and usually for one


def test_two_days_are_no_habit(desk: Desk) -> None:
    for day in ("03-16", "03-17"):
        desk.use(f"2026-{day}", 1)
    assert desk.findings(SILENT) == []
    desk.use("2026-03-18", 1)
    assert len(desk.findings(SILENT)) == 1


def test_a_closed_account_is_not_waited_for(desk: Desk) -> None:
    for day in ("03-16", "03-17", "03-18"):
        desk.use(f"2026-{day}", 1)
    assert len(desk.findings(SILENT)) == 1
    desk.house.put(f"/accounts/{desk.account}", status="closed")
    assert desk.findings(SILENT) == []


def test_a_branch_is_told_of_its_accounts_and_of_those_of_its_contracts(desk: Desk) -> None:
    for day in ("03-16", "03-17", "03-18"):
        desk.use(f"2026-{day}", 1)
    place = f"branch-of-{desk.account}"
    assert desk.of_branch(SILENT, place) == []
    desk.line(branch=place)
    (one,) = desk.of_branch(SILENT, place)
    assert (one["account"], one["branch"]) == (desk.account, None)
    desk.house.put(f"/accounts/{desk.account}", branch=f"{place}-2")
    (one,) = desk.of_branch(SILENT, f"{place}-2")
    assert (one["account"], one["branch"]) == (desk.account, f"{place}-2")


def test_what_came_in_and_waits_makes_it_unjudged(desk: Desk) -> None:
    for day in ("03-16", "03-17", "03-18"):
        desk.use(f"2026-{day}", 1)
    assert desk.stale(SILENT) == {"ME /test": "data_stale"}
