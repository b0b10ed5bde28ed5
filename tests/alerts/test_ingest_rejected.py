from datetime import timedelta
from typing import Any

import pytest

from tests.alerts._seen import NOW, Desk
from tests.serving import event

REFUSED = "ingest.rejected"
SINCE = "2026-04-20 11:00 UTC"


class Sender:
    """Somebody with a key of their own, who sends good events and bad ones."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        body = {"name": desk.account, "role": "ingest"}
        made = desk.house.call("POST", "/keys", body).json
        self.name = f"key:{made['prefix']}"
        self.headers = {"Authorization": f"Bearer {made['secret']}"}

    def send(self, good: int = 0, *, start: int = 0, **bad: int) -> Any:
        """Send a batch: `good` events from a number on, and of each kind so many bad ones."""
        made = {"time": {"time": "never"}, "subject": {"subject": ""}}
        events = [self.event(i) for i in range(start, start + good)]
        for kind, count in bad.items():
            events += [self.event(i, **made[kind]) for i in range(count)]
        return self.post(events).json

    def event(self, number: int, **attributes: object) -> dict[str, Any]:
        sent = {"subject": self.desk.account, **attributes}
        return event(f"{self.desk.account}-{number}", **sent)

    def post(self, body: object) -> Any:
        return self.desk.house.call("POST", "/events", body, headers=self.headers)

    def found(self, **values: Any) -> dict[str, Any]:
        """Return what is found of this sender, by its state."""
        self.desk.tick()
        asked = {"values": values}
        answer = self.desk.house.call("POST", f"/checks/{REFUSED}/preview", asked).json
        assert answer["cannot_evaluate"] == []
        return {
            one["state"]: one for one in answer["findings"] if one["inputs"]["sender"] == self.name
        }


@pytest.fixture
def sender(desk: Desk) -> Sender:
    return Sender(desk)


def test_what_is_refused_is_told_with_counts_codes_and_what_to_do(sender: Sender) -> None:
    receipt = sender.send(95, time=3, subject=2)
    assert (receipt["accepted"], receipt["rejected"]) == (95, 5)
    (one,) = sender.found().values()
    codes = [line["code"] for line in receipt["results"]]
    most = f"{codes[0]} 3, {codes[-1]} 2"
    assert one["entity"] == f"{sender.name} rejected"
    assert (one["account"], one["severity"], one["money_at_risk"]) == ("", "warning", None)
    assert one["inputs"] == {"sender": sender.name, "state": "rejected"}
    assert one["outputs"] == {"codes": most, "events": 5, "sent": 100, "share": "0.05"}
    assert one["message"] == (
        f"5 of 100 events that {sender.name} sent since {SINCE} were refused ({most}). The receipt "
        "of each batch says which and why; correct them, and send them again."
    )


def test_it_speaks_above_the_percentage_and_not_at_it(sender: Sender) -> None:
    sender.send(99, time=1)
    assert sender.found() == {}
    assert [*sender.found(percent="0.9")] == ["rejected"]
    sender.send(0, time=1)
    assert [*sender.found()] == ["rejected"]
    assert sender.found(percent="1.99") == {}
    assert sender.found(least=3) == {}
    assert [*sender.found(least=2)] == ["rejected"]


def test_events_that_were_sent_before_are_told_apart(sender: Sender) -> None:
    sender.send(49)
    assert sender.found() == {}
    sender.send(1)
    (one,) = sender.found().values()
    assert one["entity"] == f"{sender.name} duplicate"
    assert (one["severity"], one["outputs"]["share"]) == ("notice", "0.02")
    assert one["outputs"]["codes"] == "already_stored 1"
    assert sender.found(duplicates=2) == {}
    sender.send(0, time=1)
    assert [*sender.found()] == ["duplicate", "rejected"]


def test_an_event_with_other_content_is_refused_too(sender: Sender) -> None:
    sender.send(1)
    assert sender.post([sender.event(0, data={"n": 2})]).json["conflict"] == 1
    assert sender.found()["rejected"]["outputs"]["codes"] == "content_differs 1"


def test_of_many_codes_the_three_that_came_most_are_named(sender: Sender) -> None:
    for count, code in enumerate(("a", "b", "c", "d"), start=1):
        for _ in range(count):
            sender.desk.house.services.tally.refuse(sender.name, NOW, code)
    assert sender.found()["rejected"]["outputs"]["codes"] == "d 4, c 3, b 2"


def test_a_body_that_cannot_be_read_counts_as_one_event(sender: Sender) -> None:
    headers = {"Content-Type": "application/json", **sender.headers}
    ask = sender.desk.house.ask
    assert ask("POST", "/api/v1/events", b"[{", headers).status == 400
    assert sender.found()["rejected"]["outputs"]["codes"] == "json_invalid 1"
    assert ask("POST", "/api/v1/events", b" " * 9_000_000, headers).status == 413
    assert sender.found()["rejected"]["outputs"]["codes"] == "body_too_large 1, json_invalid 1"


def test_corrections_are_not_counted(sender: Sender) -> None:
    secret = sender.desk.house.call("POST", "/keys", {"name": "c", "role": "finance"}).json
    sender.name, unknown = f"key:{secret['prefix']}", {"source": "/test", "id": "unknown"}
    headers = {"Authorization": f"Bearer {secret['secret']}"}
    body = [{**unknown, "reason": "a test"}]
    answer = sender.desk.house.call("POST", "/events/void", body, headers=headers)
    assert answer.json["rejected"] == 1
    assert sender.found() == {}


@pytest.mark.parametrize(("later", "hours", "found"), [(1, 1, True), (2, 1, False), (2, 2, True)])
def test_full_hours_are_looked_back(sender: Sender, later: int, hours: int, *, found: bool) -> None:
    sender.send(0, time=1)
    with sender.desk.on(NOW + timedelta(hours=later, minutes=59)):
        assert bool(sender.found(hours=hours)) == found


def test_who_looks_at_some_accounts_is_told_of_no_sender(sender: Sender) -> None:
    sender.send(0, time=1)
    assert sender.found()
    assert sender.desk.findings(REFUSED) == []


def test_values_have_bounds(desk: Desk) -> None:
    for key, value in (("percent", 101), ("duplicates", -1), ("hours", 0), ("least", 0)):
        assert desk.refused(REFUSED, **{key: value}) == (422, "value_invalid", f"values.{key}")
