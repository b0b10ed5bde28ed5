"""What is refused is counted, found and told: from a bad event over HTTP to a mail about it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import event
from tests.stories.alerting import Desk, watched

REFUSED = "ingest.rejected"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with watched(tmp_path / "data", Desk) as opened:
        yield opened


def sent(desk: Desk, *, good: int = 0, bad: int = 0) -> Any:
    """Send events with the key of a program."""
    events = [event(f"good-{i}", time="2026-03-01T12:00:00Z") for i in range(good)]
    events += [event(f"bad-{i}", time="never") for i in range(bad)]
    answer = desk.by("ingest", "POST", "/events", events)
    assert answer.status == 200
    return answer.json


def subscribed(desk: Desk) -> Any:
    return desk.subscribed(check=REFUSED, schedule={"preset": "hourly"})


def test_what_is_refused_is_told_once_and_when_it_is_in_order(desk: Desk) -> None:
    made = subscribed(desk)
    assert (made["schedule"]["preset"], made["schedule"]["cron"]) == ("hourly", "0 * * * *")
    receipt = sent(desk, good=97, bad=3)
    code = receipt["results"][0]["code"]
    desk.at("2026-03-02T07:00:00Z")
    (mail,) = desk.mails()
    assert mail["recipients"] == ["fay@example.com"]
    (one,) = desk.get("/findings")["items"]
    assert f"\n* {one['entity']}: new\n" in mail["body"]
    assert f"<td>{one['entity']}</td><td>all</td>" in re.sub(r" style=.*?>", ">", mail["html"])
    assert "3 of 100 events that key:" in mail["body"]
    assert f"sent since 2026-03-02 06:00 UTC were refused ({code} 3)." in mail["body"]
    assert "correct them, and send them again." in mail["body"]
    assert "every hour" in mail["body"]
    sent(desk, bad=1)
    desk.at("2026-03-02T08:00:00Z")
    assert len(desk.mails()) == 1  # it is still so
    desk.at("2026-03-02T10:00:00Z")
    assert "in order again" in desk.mails()[1]["body"]
    sent(desk, bad=1)
    desk.at("2026-03-02T11:00:00Z")
    assert "1 of 1 events" in desk.mails()[2]["body"]


def test_its_finding_is_about_no_account_and_for_the_vendor_alone(desk: Desk) -> None:
    subscribed(desk)
    sent(desk, bad=2)
    desk.at("2026-03-02T07:00:00Z")
    (one,) = desk.get("/findings")["items"]
    assert (one["account"], one["contract"], one["status"]) == ("", None, "open")
    for role in ("finance", "csm", "analyst"):
        items = desk.by(role, "GET", "/findings").json["items"]
        assert [found["id"] for found in items] == [one["id"]]
        preview = desk.by(role, "POST", f"/checks/{REFUSED}/preview", {}).json
        assert [found["outputs"]["events"] for found in preview["findings"]] == [2]
    for role in ("customer_admin", "customer_viewer"):
        assert desk.by(role, "GET", "/findings").json["items"] == []
        answer = desk.by(role, "POST", f"/checks/{REFUSED}/preview", {})
        assert (answer.status, answer.json["code"]) == (404, "check_not_found")


@pytest.mark.parametrize("path", ["/findings", "/findings/{id}", "/alerts/ingest.rejected"])
def test_pages_show_it_without_an_account(desk: Desk, path: str) -> None:
    subscribed(desk)
    sent(desk, bad=2)
    desk.at("2026-03-02T07:00:00Z")
    (one,) = desk.get("/findings")["items"]
    cookie = desk.signed_in("fay@example.com")
    page = desk.ask("GET", path.format(id=one["id"]), headers=cookie)
    assert page.status == 200
    text = page.body.decode()
    assert 'href="/volume?account="' not in text
    if path != "/alerts/ingest.rejected":
        assert "2 of 2 events that key:" in text


def test_a_server_that_ends_in_order_writes_what_it_counted(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        client = Documented(urlsplit(address.url).port or 0, key)
        for way in ("", "?detail=all"):
            answer = client.call("POST", f"/events{way}", [event("bad", time="never")])
            assert answer.json["rejected"] == 1
    with app.running(settings) as address:
        client = Documented(urlsplit(address.url).port or 0, key)
        found = client.call("POST", f"/checks/{REFUSED}/preview", {"values": {"hours": 2}}).json
    assert [one["outputs"]["events"] for one in found["findings"]] == [2]
