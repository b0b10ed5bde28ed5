"""Rules of the self-check that no installation comes to by itself."""

from datetime import UTC, date, datetime, timedelta

from tallybook.model.directory import Directory
from tallybook.model.ports import Version
from tallybook.model.usage import Traffic
from tallybook.positions.self_check import of_tree, silent

HOUR = timedelta(hours=1)
DAY = 24 * HOUR
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_tree_whose_top_is_retired_is_compared_with_nothing() -> None:
    def of(*, retired: bool) -> list[str]:
        versions = [
            Version("account", key, 1, 1, None, MONDAY, "x", None, retired and key == "top", body)
            for key, body in {
                "top": {"key": "top"},
                "low": {"key": "low", "parent": "top", "currency": "EUR"},
            }.items()
        ]
        directory = Directory().extend(versions)
        found = of_tree(directory, "top", ["top", "low"], date(2026, 3, 2))
        return [finding.code for finding in found]

    assert of(retired=False) == ["currency_differs"]
    assert of(retired=True) == []


def test_a_source_that_sends_all_day_long_may_pause_for_two_days() -> None:
    last = MONDAY + 2 * HOUR
    sent = [Traffic("acme", "shop", "use", 9, 3, MONDAY, last, 0, 0, ())]
    assert silent(sent, last + 2 * DAY) == []
    assert [one.source for one in silent(sent, last + 2 * DAY + HOUR)] == ["shop"]
