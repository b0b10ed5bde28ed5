"""Subscriptions to checks: what they are set to, whose they are, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.alerting import MONDAY, RATIO, Desk, watched

CUSTOMERS = "spend.threshold"


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    with watched(folder, Desk) as opened:
        yield opened


def test_what_is_left_out_is_as_the_check_says(desk: Desk) -> None:
    made = desk.subscribed(schedule=None, recipients={"users": ["fay@example.com"]})
    assert made["values"] == {
        "low": "0.75",
        "high": "1.33",
        "tolerance_factor": None,
        "include_no_coverage": False,
    }
    assert made["schedule"] == {
        "preset": "weekday_mornings",
        "cron": "0 7 * * 1-5",
        "timezone": "UTC",
    }
    assert (made["name"], made["owner"][:4], made["mode"]) == (
        "Base rate against coverage",
        "key:",
        "live",
    )
    assert (made["enabled"], made["split_by"], made["due_at"]) == (True, "none", None)
    assert made["next_run"] == "2026-03-02T07:00:00Z"
    assert desk.get(f"/subscriptions/{made['id']}") == made


def test_a_change_leaves_the_rest(desk: Desk) -> None:
    made = desk.subscribed(values={"low": "2/3"}, digest="Mornings", subject="Rates")
    target = f"/subscriptions/{made['id']}"
    changed = desk.call("PATCH", target, {"values": {"low": "0.5"}, "name": "Rates"}).json
    assert changed == {
        **made,
        "values": {**made["values"], "low": "0.5"},
        "name": "Rates",
    }
    assert desk.call("PATCH", target, {"digest": None}).json["digest"] is None
    assert desk.call("PATCH", target, {}).json["subject"] == "Rates"
    off = desk.call("PATCH", target, {"enabled": False}).json
    assert (off["enabled"], off["next_run"]) == (False, None)
    snoozed = desk.call("PATCH", target, {"enabled": True, "snooze_until": "2026-04-01T00:00:00Z"})
    assert snoozed.json["next_run"] == "2026-04-01T07:00:00Z"
    assert desk.call("DELETE", target).status == 204
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        gone = desk.call(method, target, body)
        assert (gone.status, gone.json["code"]) == (404, "subscription_not_found")


@pytest.mark.parametrize(
    ("asked", "status", "code", "field"),
    [
        ({"check": "no.such"}, 404, "check_not_found", None),
        ({"values": {"lo": 1}}, 422, "variable_unknown", "values.lo"),
        ({"values": {"low": 2}}, 422, "values_crossed", "values.low"),
        ({"accounts": ["nobody"]}, 404, "account_not_found", None),
        ({"schedule": {"cron": "0 7 * *"}}, 422, "cron_invalid", "schedule.cron"),
        ({"schedule": {"cron": "0 0 30 2 *"}}, 422, "cron_invalid", "schedule.cron"),
        ({"schedule": {"preset": "daily", "cron": "0 7 * * *"}}, 422, "document_invalid", None),
        ({"schedule": {"preset": "daily", "timezone": "Mars"}}, 422, "document_invalid", None),
        ({"recipients": {}}, 422, "recipients_missing", "recipients"),
        ({"recipients": {"to": ["nobody"]}}, 422, "document_invalid", "recipients.to.0"),
        ({"recipients": {"to": ["a@b\nBcc: c@d"]}}, 422, "document_invalid", "recipients.to.0"),
        ({"recipients": {"users": ["nobody@b.c"]}}, 422, "recipient_unknown", "recipients.users"),
        ({"recipients": {"webhooks": ["none"]}}, 422, "recipient_unknown", "recipients.webhooks"),
        ({"recipients": {"roles": ["king"]}}, 422, "document_invalid", "recipients.roles.0"),
        ({"subject": "Rates\r\nBcc: c@d"}, 422, "document_invalid", "subject"),
        ({"name": ""}, 422, "document_invalid", "name"),
        ({"name": "   "}, 422, "document_invalid", "name"),
        ({"excluded": {"C-1": "by\nagreement"}}, 422, "document_invalid", "excluded.C-1"),
        ({"split_by": "moon"}, 422, "document_invalid", "split_by"),
        ({"snooze_until": "soon"}, 422, "document_invalid", "snooze_until"),
        ({"snooze_until": "2020-01-01T00:00:00Z"}, 422, "until_passed", "snooze_until"),
        ({"snooze_until": "2026-03-02T06:00:00Z"}, 422, "until_passed", "snooze_until"),
        ({"snooze_until": "9999-12-31T23:59:59Z"}, 422, "until_too_far", "snooze_until"),
        *(
            ({"recipients": {"to": [address]}}, 422, "document_invalid", "recipients.to.0")
            for address in ("a@b..c", ".a@b.c", '"a"@b.c', "a@-b.c", "a@[127.0.0.1]", "a@b.c\u202e")
        ),
    ],
)
def test_what_cannot_be_is_refused(
    desk: Desk, asked: Any, status: int, code: str, field: str | None
) -> None:
    body = {"check": RATIO, "recipients": {"to": ["fay@example.com"]}, **asked}
    answer = desk.call("POST", "/subscriptions", body)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    if field is not None:
        assert answer.json["field"] == field


def test_a_snooze_that_has_passed_is_refused_and_one_that_is_over_keeps_nothing(desk: Desk) -> None:
    made = desk.subscribed(snooze_until="2026-03-02T06:30:00Z")
    target = f"/subscriptions/{made['id']}"
    desk.at("2026-03-02T06:45:00Z")
    refused = desk.call("PATCH", target, {"snooze_until": "2026-03-02T06:45:00Z"})
    assert (refused.status, refused.json["code"]) == (422, "until_passed")
    assert desk.get(target) == made
    kept = {"snooze_until": made["snooze_until"], "name": "As it was sent back"}
    assert desk.call("PATCH", target, kept).status == 200
    desk.at(MONDAY)


def test_each_snooze_has_its_own_note(desk: Desk) -> None:
    until, later = "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"
    target = f"/subscriptions/{desk.subscribed(snooze_until=until, snooze_note=' moving ')['id']}"

    def noted(**change: Any) -> tuple[Any, Any]:
        made = desk.call("PATCH", target, change).json
        assert desk.get(target) == made
        return made["snooze_until"], made["snooze_note"]

    assert noted(name="Ours") == (until, "moving")
    assert noted(snooze_until=until) == (until, "moving")
    assert noted(snooze_note="moved") == (until, "moved")
    assert noted(snooze_until=later) == (later, None)
    assert noted(snooze_until=until, snooze_note="again") == (until, "again")
    assert noted(snooze_until=None)[1] is None
    refused = desk.call("PATCH", target, {"snooze_note": "x" * 1_001})
    assert (refused.status, refused.json["field"]) == (422, "snooze_note")


def test_who_subscribes(desk: Desk) -> None:
    body = {"check": RATIO, "recipients": {"to": ["fay@example.com"]}}
    for role in ("admin", "finance", "csm"):
        assert desk.by(role, "POST", "/subscriptions", body).status == 201
    for role, code in (
        ("analyst", "may_not_subscribe"),
        ("customer_viewer", "may_not_subscribe"),
        ("ingest", "verb_not_allowed"),
    ):
        refused = desk.by(role, "POST", "/subscriptions", body)
        assert (refused.status, refused.json["code"]) == (403, code)


def test_only_its_owner_and_administrators_change_one(desk: Desk) -> None:
    made = desk.subscribed("finance")
    target = f"/subscriptions/{made['id']}"
    assert desk.by("analyst", "GET", target).json == made
    for method, path, body in (
        ("PATCH", target, {"name": "Mine"}),
        ("DELETE", target, None),
        ("POST", f"{target}/runs", None),
    ):
        refused = desk.by("csm", method, path, body)
        assert (refused.status, refused.json["code"]) == (403, "not_yours")
    assert desk.by("finance", "PATCH", target, {"name": "Ours"}).json["name"] == "Ours"
    assert desk.call("PATCH", target, {"name": "Theirs"}).json["name"] == "Theirs"


def test_a_customer_subscribes_for_its_own_people_to_what_is_theirs(desk: Desk) -> None:
    def asked(**more: Any) -> Any:
        body = {"check": CUSTOMERS, "recipients": {"users": ["cora@acme.example"]}, **more}
        return desk.by("customer_admin", "POST", "/subscriptions", body)

    made = asked()
    assert made.status == 201
    for more, code in (
        ({"recipients": {"to": ["fay@example.com"]}}, "recipient_not_allowed"),
        ({"recipients": {"to": ["otto@other.example"]}}, "recipient_not_allowed"),
        ({"recipients": {"cc": ["nobody@acme.example"]}}, "recipient_not_allowed"),
        ({"recipients": {"roles": ["admin"]}}, "recipient_not_allowed"),
        ({"recipients": {"csm": True}}, "recipient_not_allowed"),
        ({"accounts": ["other"]}, "account_not_found"),
        ({"check": RATIO}, "check_not_found"),
    ):
        assert asked(**more).json["code"] == code
    theirs = [one["id"] for one in desk.by("customer_admin", "GET", "/subscriptions").json["items"]]
    assert theirs == [made.json["id"]]
    vendors = desk.subscribed()
    for path in (f"/subscriptions/{vendors['id']}", f"/subscriptions/{vendors['id']}/runs"):
        hidden = desk.by("customer_admin", "GET", path)
        assert (hidden.status, hidden.json["code"]) == (404, "subscription_not_found")


def test_one_address_is_replaced_everywhere_at_once(desk: Desk) -> None:
    old, new = "old@example.com", "new@example.com"
    first = desk.subscribed(recipients={"to": [old, new], "bcc": [old]})
    second = desk.subscribed("finance", recipients={"cc": [old]})
    desk.subscribed(recipients={"to": ["fay@example.com"]})
    body = {"from": "OLD@example.com", "to": new}
    for dry in (True, False):
        answer = desk.call("POST", "/subscriptions/replace-address", {**body, "dry_run": dry})
        found = {one["id"]: one["recipients"] for one in answer.json["items"]}
        assert found.keys() == {first["id"], second["id"]}
        assert found[first["id"]]["to"] == [new]
        kept = desk.get(f"/subscriptions/{first['id']}")["recipients"]
        assert (kept["to"], kept["bcc"]) == (([old, new], [old]) if dry else ([new], [new]))
    assert desk.get(f"/subscriptions/{second['id']}")["recipients"]["cc"] == [new]
    again = desk.call("POST", "/subscriptions/replace-address", body)
    assert again.json["items"] == []
    broken = {"from": old, "to": "a@b\nBcc: c@d"}
    refused = desk.call("POST", "/subscriptions/replace-address", broken)
    assert (refused.status, refused.json["field"]) == (422, "to")


def test_what_is_gone_by_now_keeps_nothing_else_from_being_changed(desk: Desk) -> None:
    hook = desk.call("POST", "/webhooks", {"name": "Ours", "url": "https://example.com/in"}).json
    desk.put("/accounts/gone")
    to = {"to": ["left@example.com"], "webhooks": [hook["id"]]}
    made = desk.subscribed(accounts=["gone"], recipients=to)
    assert desk.call("DELETE", f"/webhooks/{hook['id']}").status == 204
    assert desk.call("DELETE", "/accounts/gone").status in {200, 204}
    target = f"/subscriptions/{made['id']}"
    assert desk.call("PATCH", target, {"enabled": False}).status == 200
    body = {"from": "left@example.com", "to": "new@example.com", "dry_run": False}
    assert desk.call("POST", "/subscriptions/replace-address", body).status == 200
    assert desk.get(target)["recipients"]["to"] == ["new@example.com"]
    again = desk.call("PATCH", target, {"recipients": to})
    assert (again.status, again.json["code"]) == (422, "recipient_unknown")


def test_an_address_is_replaced_in_all_or_in_none(desk: Desk) -> None:
    old, new = "every@example.com", "nobody@example.com"
    first = desk.subscribed(recipients={"to": ["x@example.com", old]})
    desk.put(f"/users/{old}", role="finance")
    desk.subscribed(recipients={"users": [old]})
    body = {"from": old, "to": new, "dry_run": False}
    refused = desk.call("POST", "/subscriptions/replace-address", body)
    assert (refused.status, refused.json["code"]) == (422, "recipient_unknown")
    assert old in desk.get(f"/subscriptions/{first['id']}")["recipients"]["to"]


def test_nobody_has_too_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallybook.model.limits.SUBSCRIPTIONS_MAX", 0)
    body = {"check": RATIO, "recipients": {"to": ["fay@example.com"]}}
    refused = desk.call("POST", "/subscriptions", body)
    assert (refused.status, refused.json["code"]) == (422, "too_many_subscriptions")


def test_lists_come_in_pages(desk: Desk) -> None:
    whole = desk.get("/subscriptions", limit=500)["items"]
    some = desk.get("/subscriptions", limit=2)
    rest = desk.get("/subscriptions", limit=500, cursor=some["next_cursor"])
    assert [*some["items"], *rest["items"]] == whole
