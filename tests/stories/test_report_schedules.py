"""Subscriptions: whose they are, when they are due, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.settings import Settings
from tests.documented import Documented
from tests.serving import Answer, Client

PAGE = {"page": "/volume", "query": "status=over&page=2&q=ac"}
USER = "nadia@example.com"


class Desk(Documented):
    """A house with one contract, and keys to subscribe with."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.port, client.key)
        self.call("PUT", "/test-clock", {"now": "2026-03-06T12:00:00Z"})  # a Friday
        self.put("/meters/total", event_type="use", aggregation="count")
        for account in ("acme", "other"):
            self.put(f"/accounts/{account}")
            lines = [{"code": "total", "meter": "total"}]
            start = {"account": account, "start_date": "2026-01-01"}
            self.put(f"/contracts/C-{account}", lines=lines, **start)
        self.put(f"/users/{USER}", role="csm")
        self.bound = self.key_of("customer_admin", "acme")
        self.analyst = self.key_of("analyst")
        self.ingest = self.key_of("ingest")

    def key_of(self, role: str, account: str | None = None) -> str:
        body = {"name": role, "role": role, "account": account}
        return str(self.call("POST", "/keys", body).json["secret"])

    def by(self, key: str, method: str, target: str, document: object = None) -> Answer:
        headers = {"Authorization": f"Bearer {key}"}
        return self.call(method, f"/report-schedules{target}", document, headers=headers)

    def made(self, **asked: Any) -> Any:
        body = {**PAGE, "recipients": [USER], **asked}
        answer = self.by(self.analyst, "POST", "", body)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    settings = Settings(data=folder, test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    with app.running(settings) as address:
        yield Desk(Client(urlsplit(address.url).port or 0, key))


def test_a_page_is_kept_once_and_says_when_it_is_due(desk: Desk) -> None:
    found = desk.made()
    assert found["schedule"] == {
        "preset": "weekday_mornings",
        "cron": "0 7 * * 1-5",
        "timezone": "UTC",
    }
    assert (found["page"], found["query"]) == ("/volume", "q=ac&status=over")
    assert found["next_run"] == "2026-03-09T07:00:00Z"
    assert found["name"] == "Volume, q ac, status over"
    again = desk.made(query="q=ac&status=over&view=table")
    assert again["id"] == found["id"]
    other = desk.made(format="csv")
    assert other["id"] != found["id"]
    listed = desk.by(desk.analyst, "GET", "").json
    assert [one["id"] for one in listed["items"]] == [found["id"], other["id"]]
    some = desk.by(desk.analyst, "GET", "?limit=1").json
    rest = desk.by(desk.analyst, "GET", f"?limit=1&cursor={some['next_cursor']}").json
    assert [one["id"] for one in (*some["items"], *rest["items"])] == [found["id"], other["id"]]


@pytest.mark.parametrize(
    ("now", "schedule", "due"),
    [
        # In Chicago clocks go forward on 8 March 2026, and back on 1 November.
        ("2026-03-06T12:00:00Z", {"preset": "weekday_mornings"}, "2026-03-06T13:00:00Z"),
        ("2026-03-06T13:00:00Z", {"preset": "weekday_mornings"}, "2026-03-09T12:00:00Z"),
        ("2026-10-30T12:00:00Z", {"preset": "weekday_mornings"}, "2026-11-02T13:00:00Z"),
        ("2026-03-08T00:00:00Z", {"cron": "30 2 * * *"}, "2026-03-08T08:00:00Z"),
        ("2026-11-01T06:31:00Z", {"cron": "30 1 * * *"}, "2026-11-02T07:30:00Z"),
        ("2026-03-06T12:00:00Z", {"preset": "monthly"}, "2026-04-01T12:00:00Z"),
        ("2026-03-06T12:00:00Z", {"cron": "0  7 29 2 *"}, "2028-02-29T13:00:00Z"),
    ],
)
def test_times_are_those_of_the_clock_on_the_wall(
    desk: Desk, now: str, schedule: dict[str, str], due: str
) -> None:
    found = desk.made(page="/volume/C-acme/total", query="")
    asked = {"schedule": {**schedule, "timezone": "America/Chicago"}}
    desk.by(desk.analyst, "PATCH", f"/{found['id']}", asked)
    desk.call("PUT", "/test-clock", {"now": now})
    items = desk.by(desk.analyst, "GET", "").json["items"]
    assert [one["next_run"] for one in items if one["id"] == found["id"]] == [due]
    desk.call("PUT", "/test-clock", {"now": "2026-03-06T12:00:00Z"})


def test_a_change_leaves_the_rest_and_removing_ends_it(desk: Desk) -> None:
    found = desk.made(query="q=gone")
    target = f"/{found['id']}"
    renamed = desk.by(desk.analyst, "PATCH", target, {"name": "Mine", "enabled": False}).json
    assert renamed == {**found, "name": "Mine", "enabled": False, "next_run": None}
    assert desk.by(desk.analyst, "PATCH", target, {}).json == renamed
    often = desk.by(desk.analyst, "PATCH", target, {"schedule": {"cron": "* * * * *"}})
    assert (often.status, often.json["code"]) == (422, "schedule_too_often")
    assert desk.by(desk.analyst, "PATCH", target, {"enabled": True}).json["next_run"]
    assert desk.by(desk.analyst, "DELETE", target).status == 204
    for method, body in (("DELETE", None), ("PATCH", {})):
        gone = desk.by(desk.analyst, method, target, body)
        assert (gone.status, gone.json["code"]) == (404, "schedule_not_found")


def test_what_is_anothers_is_not_there(desk: Desk) -> None:
    found = desk.made()
    target = f"/{found['id']}"
    for key in (desk.key, desk.bound):
        assert desk.by(key, "PATCH", target, {"name": "Mine now"}).status == 404
        assert desk.by(key, "DELETE", target).status == 404
        assert desk.by(key, "GET", "").json["items"] == []
    assert desk.made()["name"] == found["name"]
    assert desk.by(desk.ingest, "GET", "").status == 403
    assert desk.by(desk.ingest, "POST", "", PAGE).status == 403


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"page": "/contracts"}, 422, "page_unknown"),
        ({"page": "//evil.example/volume"}, 422, "page_unknown"),
        ({"page": "https://evil.example/volume"}, 422, "page_unknown"),
        ({"page": "/volume/C-none/total", "query": ""}, 404, "contract_not_found"),
        ({"page": "/volume/C-acme/none", "query": ""}, 404, "line_not_found"),
        ({"query": "status=late"}, 422, "filter_unknown"),
        ({"query": "statuss=over"}, 422, "filter_unknown"),
        ({"query": "account=nobody"}, 404, "account_not_found"),
        ({"page": "/volume/C-acme/total", "query": "rollup=half"}, 422, "filter_unknown"),
        ({"page": "/volume/C-acme/total", "query": "on=someday"}, 422, "date_invalid"),
        ({"recipients": []}, 422, "recipients_missing"),
        ({"recipients": ["not an address"]}, 422, "document_invalid"),
        ({"schedule": {"cron": "0 7 * *"}}, 422, "cron_invalid"),
        ({"schedule": {"cron": "0 7 * * 1-5 *"}}, 422, "cron_invalid"),
        ({"schedule": {"cron": "0 0 30 2 *"}}, 422, "cron_invalid"),
        ({"schedule": {"cron": "*/5 7 * * *"}}, 422, "schedule_too_often"),
        ({"schedule": {"cron": "0,30 7 * * *"}}, 422, "schedule_too_often"),
        ({"schedule": {}}, 422, "document_invalid"),
        ({"schedule": {"preset": "daily", "cron": "0 7 * * *"}}, 422, "document_invalid"),
        ({"schedule": {"preset": "daily", "timezone": "Mars"}}, 422, "document_invalid"),
        ({"format": "pdf"}, 422, "document_invalid"),
        ({"recipients": [USER, "chief@board.example"]}, 422, "recipient_not_allowed"),
        ({"query": "q" * 3000}, 422, "document_invalid"),
    ],
)
def test_what_cannot_be_is_refused(
    desk: Desk, asked: dict[str, Any], status: int, code: str
) -> None:
    body = {**PAGE, "recipients": [USER], **asked}
    answer = desk.by(desk.analyst, "POST", "", body)
    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_customer_subscribes_to_what_is_theirs_and_sends_it_to_nobody_else(desk: Desk) -> None:
    for page in ("/volume/C-other/total", "/volume/C-none/total"):
        refused = desk.by(desk.bound, "POST", "", {"page": page})
        assert (refused.status, refused.json["code"]) == (404, "contract_not_found")
    mailed = desk.by(desk.bound, "POST", "", {**PAGE, "recipients": [USER]})
    assert (mailed.status, mailed.json["code"]) == (422, "recipient_unknown")


def test_nobody_has_too_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    found = desk.made()
    count = len(desk.by(desk.analyst, "GET", "").json["items"])
    monkeypatch.setattr("tallybook.model.limits.SCHEDULES_MAX", count)
    refused = desk.by(desk.analyst, "POST", "", {**PAGE, "query": "q=x", "recipients": [USER]})
    assert (refused.status, refused.json["code"]) == (422, "too_many_schedules")
    assert desk.made()["id"] == found["id"]
