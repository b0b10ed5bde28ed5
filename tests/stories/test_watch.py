"""Runs: when subscriptions are due, and what is said again and what is not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.alerting import Desk, watched


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with watched(tmp_path / "data") as opened:
        yield opened


def test_a_rerun_says_nothing_an_edit_and_a_relapse_speak(desk: Desk) -> None:
    desk.subscribed()
    desk.at("2026-03-02T07:00:00Z")
    (first,) = desk.mails()
    assert (first["recipients"], first["kind"]) == (["fay@example.com"], "alert.findings")
    assert "37.5 % less" in first["body"]
    desk.at("2026-03-03T07:00:00Z")
    assert len(desk.mails()) == 1  # nothing changed
    desk.agree("C-low", "30", "1100", branch="north")
    desk.at("2026-03-04T07:00:00Z")
    assert len(desk.mails()) == 2  # it covers more
    desk.agree("C-low", "30.00", "1100.0", branch="north")
    desk.at("2026-03-05T07:00:00Z")
    assert len(desk.mails()) == 2  # the same numbers
    desk.agree("C-low", "50", branch="north")
    desk.at("2026-03-06T07:00:00Z")
    assert len(desk.mails()) == 2  # it is in order
    desk.agree("C-low", "30", "1100", branch="north")
    desk.at("2026-03-07T07:00:00Z")
    assert len(desk.mails()) == 3  # and as it was before
