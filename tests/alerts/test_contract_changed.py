from datetime import timedelta

from tests.alerts._seen import NOW, Desk

CHANGED = "contract.changed"


def test_each_version_after_the_first_is_found_with_what_it_changed(desk: Desk) -> None:
    desk.line("1000")
    assert desk.states(CHANGED) == {}
    desk.line("2000", branch="north", reason="they grow")
    desk.line("2000", name="A name", branch="north")
    one, other = sorted(desk.findings(CHANGED), key=lambda found: found["step"])
    assert (one["step"], one["inputs"]) == ("2", {"version": 2})
    assert one["message"] == "Version 2 changed branch, lines."
    assert one["outputs"]["fields"] == "branch, lines"
    assert one["outputs"]["reason"] == "they grow"
    assert one["outputs"]["by"]
    assert (other["step"], other["outputs"]["fields"], other["branch"]) == ("3", "name", "north")


def test_only_some_fields_can_be_heard_of(desk: Desk) -> None:
    desk.line("1000")
    desk.line("2000")
    desk.line("2000", name="A name")
    assert desk.steps(CHANGED, fields=["lines"]) == ["2"]
    assert desk.steps(CHANGED, fields=["name", "billing"]) == ["3"]
    assert desk.steps(CHANGED, fields=["billing"]) == []


def test_what_was_changed_before_is_not_found(desk: Desk) -> None:
    with desk.on(NOW - timedelta(days=8)):
        desk.line("1000")
        desk.line("2000")
    with desk.on(NOW - timedelta(days=6)):
        desk.line("3000")
    assert desk.steps(CHANGED) == ["3"]
    assert desk.steps(CHANGED, within=5) == []
    assert desk.steps(CHANGED, within=9) == ["2", "3"]
