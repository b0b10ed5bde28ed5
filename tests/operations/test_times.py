from datetime import UTC, datetime, timedelta

import pytest

from tallybook.model.errors import Invalid
from tallybook.operations._times import last_due, next_due

CHICAGO = "America/Chicago"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ticked(cron: str, start: str, end: str, minutes: int = 15) -> list[str]:
    """Return what a tick every few minutes runs, in a zone whose clocks go forward on 8 March 2026
    at two, and back on 1 November at two.
    """
    now, decided, found = at(start), at(start), []
    while now < at(end):
        now += timedelta(minutes=minutes)
        due = last_due(cron, CHICAGO, decided, now)
        if due is not None:
            decided = due
            found.append(f"{due:%m-%dT%H:%M}")
    return found


@pytest.mark.parametrize(
    ("cron", "start", "end", "due"),
    [
        ("30 2 * * *", "2026-03-07", "2026-03-10",
         ["03-07T08:30", "03-08T08:00", "03-09T07:30"]),
        ("30 1 * * *", "2026-10-31", "2026-11-03",
         ["10-31T06:30", "11-01T06:30", "11-02T07:30"]),
        ("0 7 * * 1-5", "2026-10-30", "2026-11-03", ["10-30T12:00", "11-02T13:00"]),
    ],
)  # fmt: skip
def test_a_time_that_a_clock_skips_or_repeats_is_due_once(
    cron: str, start: str, end: str, due: list[str]
) -> None:
    assert ticked(cron, start, end) == due
    assert next_due(cron, CHICAGO, at(start)) == at(f"2026-{due[0]}")


def test_every_hour_there_is_is_due_once() -> None:
    assert len(ticked("0 * * * *", "2026-03-08T06:30", "2026-03-09T05:30")) == 23
    assert len(ticked("0 * * * *", "2026-11-01T05:30", "2026-11-02T06:30")) == 25


@pytest.mark.parametrize(
    ("cron", "after", "now", "due"),
    [
        ("* * * * *", "2020-01-01T00:00", "2026-03-01T12:00:30", "2026-03-01T12:00"),
        ("0 7 * * *", "2026-02-01T00:00", "2026-03-01T06:59", "2026-02-28T13:00"),
        ("0 7 1 * *", "2020-01-01T00:00", "2026-03-01T12:00", "2026-02-01T13:00"),
        ("0 7 29 2 *", "2020-01-01T00:00", "2026-03-01T12:00", "2024-02-29T13:00"),
        ("0 7 29 2 *", "2024-02-29T13:00", "2026-03-01T12:00", None),
        ("0 7 * * *", "2026-03-01T13:00", "2026-03-01T13:00", None),
        ("0 7 * * *", "2026-03-05T13:00", "2026-03-01T13:00", None),
        ("0 7 * * *", "9999-12-31T23:59", "2026-03-01T13:00", None),
    ],
)
def test_of_the_times_that_were_missed_the_last_one_counts(
    cron: str, after: str, now: str, due: str | None
) -> None:
    assert last_due(cron, CHICAGO, at(after), at(now)) == (at(due) if due else None)


@pytest.mark.parametrize("cron", ["", "0 7 * *", "0 7 * * 1-5 *", "0 0 30 2 *", "x 7 * * *"])
def test_what_is_no_time_is_refused(cron: str) -> None:
    with pytest.raises(Invalid, match="no time of cron"):
        next_due(cron, "UTC", at("2026-03-01"))
