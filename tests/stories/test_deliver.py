"""Deliveries go out: what was decided arrives once, whatever the servers do in between; what cannot
arrive is seen and sent again; webhooks get what they are told in order, and signed.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook as Official

from tests.outlets.peers import Mailbox, free_port, post_office, receiving
from tests.serving import Answer
from tests.stories.alerting import Desk, watched

BEGIN = datetime.fromisoformat("2026-03-02T07:00:00+00:00")
SITE = "https://usage.example.com"


class House(Desk):
    """The desk, with a clock that is moved by hours."""

    now = BEGIN

    def wait(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)
        self.at(self.now.isoformat())

    def told(self, subscription: str) -> None:
        """Have all that a subscription finds told again."""
        answer = self.call("POST", f"/subscriptions/{subscription}/runs", kind="full")
        assert answer.status in {200, 201}, answer.body

    def hooked(self, port: int, **more: Any) -> Any:
        """Add a webhook to a program on this machine."""
        body = {"name": "Ours", "url": f"http://127.0.0.1:{port}/in", **more}
        answer = self.call("POST", "/webhooks", body)
        assert answer.status == 201, answer.body
        return answer.json

    def statuses(self) -> Counter[str]:
        return Counter(one["status"] for one in self.mails())


@contextmanager
def house_of(folder: Path, mail_port: int | None) -> Iterator[House]:
    settings = {
        "smtp_url": SecretStr(f"smtp://127.0.0.1:{mail_port}") if mail_port else None,
        "mail_from": "billing@vendor.example",
        "site_url": SITE,
        "webhook_allow": "127.0.0.0/8",
    }
    with watched(folder / "data", House, **settings) as house:
        house.at(BEGIN.isoformat())
        yield house


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def test_without_a_mail_server_mails_wait_and_webhooks_do_not(tmp_path: Path) -> None:
    with house_of(tmp_path, None) as house, receiving() as receiver:
        hook = house.hooked(receiver.port)
        recipients = {"to": ["fay@example.com"], "webhooks": [hook["id"]]}
        house.told(house.subscribed(recipients=recipients)["id"])
        house.wait(minutes=1)
        by_channel = {one["channel"]: one for one in house.mails()}
        assert (by_channel["mail"]["status"], by_channel["mail"]["attempts"]) == ("queued", 0)
        assert by_channel["webhook"]["status"] == "sent"
        assert len(receiver.got) == 1


def test_a_mail_arrives_with_its_link_and_is_sent_once(tmp_path: Path) -> None:
    with post_office() as office, house_of(tmp_path, office.port) as house:
        house.told(house.subscribed()["id"])
        house.wait(minutes=1)
        house.wait(minutes=1)
        (got,) = office.got
        (one,) = house.mails()
        assert (one["status"], one["attempts"], one["error"]) == ("sent", 1, None)
        assert one["reached"] == list(got.to) == ["fay@example.com"]
        assert got.id == f"<{one['id']}@vendor.example>"
        plain, rich = (got.message.get_body((kind,)) for kind in ("plain", "html"))
        assert f"{SITE}{one['link']}" in str(plain)
        assert f'href="{SITE}/' in rich.get_content().replace("\r\n", "")  # type: ignore[union-attr] # it has one
        assert code(house.call("POST", f"/deliveries/{one['id']}/resend")) == (
            409,
            "delivery_not_failed",
        )


@pytest.mark.thorough
def test_servers_down_and_hostile_for_three_days_lose_nothing(tmp_path: Path) -> None:
    """Down for a day, then putting off, then breaking off after DATA; the webhook is down as well.

    Two mails a day and their posts wait, and go out within ten minutes after the servers are back.
    """
    port, sent = free_port(), 0
    with ExitStack() as stack, receiving() as receiver, house_of(tmp_path, port) as house:
        receiver.status = 503
        hook = house.hooked(receiver.port)
        recipients = {"to": ["fay@example.com"], "webhooks": [hook["id"]]}
        subscription = house.subscribed(recipients=recipients)["id"]
        for hour in range(0, 72, 2):
            if hour == 24:
                office = Mailbox(data="451 come back later")
                stack.enter_context(post_office(office, port))
            if hour == 48:
                office.data, office.drops = "250 OK", 10**6
            if hour % 12 == 0:
                house.told(subscription)
                sent += 1
            house.wait(hours=2)
        assert sent == 6
        assert not house.statuses().keys() & {"sent", "dead"}
        copies = len(office.got)
        assert copies > 0
        office.drops, receiver.status = 0, 204
        seen = len(receiver.got)
        for _ in range(10):
            house.wait(minutes=1)
        assert house.statuses() == {"sent": len(house.mails())}
        mails = [one for one in house.mails() if one["channel"] == "mail"]
        ids = {f"<{one['id']}@vendor.example>" for one in mails}
        assert set(office.ids) == ids
        assert len(office.ids) - copies == len(mails), "after the return each comes once"
        posts = [one for one in house.mails() if one["channel"] == "webhook"]
        came = [headers["webhook-id"] for _, headers, _ in receiver.got[seen:]]
        assert came == sorted(came), "in the order in which they were decided"
        assert came == [one["id"] for one in posts]


def test_what_is_refused_for_good_is_seen_and_sent_again(tmp_path: Path) -> None:
    with post_office() as office, house_of(tmp_path, office.port) as house:
        office.rcpt = {"fay@example.com": "550 nobody here"}
        recipients = {"to": ["fay@example.com", "nadia@example.com"]}
        house.told(house.subscribed(recipients=recipients)["id"])
        house.wait(minutes=1)
        (dead,) = house.get("/deliveries", status="dead")["items"]
        assert dead["error"] == "fay@example.com: 550 nobody here"
        assert dead["reached"] == ["nadia@example.com"]
        house.wait(hours=24)
        assert len(office.got) == 1, "a dead one is not tried again by itself"
        for role in ("customer_admin", "customer_viewer"):
            answer = house.by(role, "POST", f"/deliveries/{dead['id']}/resend")
            assert answer.status in {403, 404}
        office.rcpt = {}
        again = house.by("finance", "POST", f"/deliveries/{dead['id']}/resend").json
        assert (again["status"], again["attempts"], again["error"]) == ("queued", 0, None)
        house.wait(minutes=1)
        assert [got.to for got in office.got] == [("nadia@example.com",), ("fay@example.com",)]
        assert len(set(office.ids)) == 1
        assert house.statuses() == {"sent": 1}


def test_who_reads_what_was_sent(tmp_path: Path) -> None:
    """Who of the vendor sees all prices reads all; others what is for them. Customers hear nothing
    of this check, which is the vendor's own.
    """
    with house_of(tmp_path, None) as house:
        to = {"to": ["fay@example.com", "ann@example.com", "cora@acme.example"]}
        house.told(house.subscribed(recipients=to, split_by="recipient")["id"])
        sent = {one["recipients"][0]: one for one in house.mails()}
        assert sent.keys() == {"fay@example.com", "ann@example.com"}
        keys = {}
        for who, role, account in (
            ("ann@example.com", "analyst", None),
            ("cora@acme.example", "customer_admin", "acme"),
            ("vera@acme.example", "customer_viewer", "acme"),
        ):
            house.put(f"/users/{who}", role=role, account=account, password="correct horse battery")
            keys[who] = signed_in(house, who)
        for who, cookie in keys.items():
            found = house.ask("GET", "/api/v1/deliveries", headers={"Cookie": cookie}).json
            read = [one["recipients"] for one in found["items"]]
            assert read == ([[who]] if who in sent else []), who
            assert found["totals"]["count"] == len(read)
            for address, one in sent.items():
                path = f"/api/v1/deliveries/{one['id']}"
                answer = house.ask("GET", path, headers={"Cookie": cookie})
                assert answer.status == (200 if address == who else 404)
        for role in ("finance", "csm"):
            assert house.by(role, "GET", "/deliveries").json["totals"]["count"] == 2


def signed_in(house: House, who: str) -> str:
    """Sign somebody in and return their cookie."""
    body = f"email={who}&password=correct+horse+battery".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = house.ask("POST", "/sign-in", body, kind)
    assert answer.status == 303, answer.body
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_new_secret_signs_beside_the_old_one_and_only_administrators_make_one(
    tmp_path: Path,
) -> None:
    with receiving() as receiver, house_of(tmp_path, None) as house:
        hook = house.hooked(receiver.port)
        path = f"/webhooks/{hook['id']}"
        rotated = house.call("POST", f"{path}/secret").json
        assert rotated["secret"] != hook["secret"]
        assert rotated["old_secret_until"] is not None
        for said in (house.get(path), house.get("/webhooks")):
            assert "whsec_" not in json.dumps(said)
        webhooks = {"webhooks": [hook["id"]]}
        house.told(house.subscribed(recipients=webhooks)["id"])
        house.wait(minutes=1)
        ((_, headers, body),) = receiver.got
        for secret in (hook["secret"], rotated["secret"]):
            assert Official(secret).verify(body.decode(), headers)["type"] == "alert.findings"
        for role in ("finance", "csm", "analyst", "customer_admin", "ingest"):
            for method, target, asked in (
                ("GET", "/webhooks", None),
                ("GET", path, None),
                ("POST", "/webhooks", {"name": "x", "url": "https://example.com/"}),
                ("PATCH", path, {"enabled": False}),
                ("POST", f"{path}/secret", None),
                ("DELETE", path, None),
            ):
                assert code(house.by(role, method, target, asked)) == (403, "verb_not_allowed")


def test_a_webhook_that_is_off_or_gone_has_its_posts_die_visibly(tmp_path: Path) -> None:
    with receiving() as receiver, house_of(tmp_path, None) as house:
        hook = house.hooked(receiver.port)
        path = f"/webhooks/{hook['id']}"
        subscription = house.subscribed(recipients={"webhooks": [hook["id"]]})["id"]
        assert house.call("PATCH", path, {"enabled": False}).json["enabled"] is False
        house.told(subscription)
        house.wait(minutes=1)
        assert house.call("DELETE", path).status == 204
        house.told(subscription)
        house.wait(minutes=1)
        assert [one["error"] for one in house.mails()] == [
            "the webhook is switched off",
            "the webhook was removed",
        ]
        assert code(house.call("GET", path)) == (404, "webhook_not_found")
        assert code(house.call("DELETE", path)) == (404, "webhook_not_found")
        assert not receiver.got


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"name": "x", "url": "ftp://example.com/"}, "webhook_url_invalid"),
        ({"name": "x", "url": "https://u:p@example.com/"}, "webhook_url_invalid"),
        ({"name": "", "url": "https://example.com/"}, "document_invalid"),
        ({"name": "x"}, "document_invalid"),
        ({"name": "x", "url": "https://example.com/", "format": "fax"}, "document_invalid"),
        ({"name": "x", "url": "https://example.com/", "secret": "mine"}, "document_invalid"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    refusing: House, asked: dict[str, Any], refusal: str
) -> None:
    answer = refusing.call("POST", "/webhooks", asked)
    assert answer.status == 422
    assert answer.json["code"] == refusal


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house_of(tmp_path_factory.mktemp("refusing"), None) as house:
        yield house


def test_a_receiver_that_is_down_keeps_no_other_waiting(tmp_path: Path) -> None:
    """It is asked once a round, not once a post."""
    with ExitStack() as stack, house_of(tmp_path, None) as house:
        down, fine = (stack.enter_context(receiving()) for _ in range(2))
        down.status = 500
        hooks = [house.hooked(one.port)["id"] for one in (down, fine)]
        house.agree("C-lower", "20")
        house.told(house.subscribed(recipients={"webhooks": hooks})["id"])
        house.wait(seconds=1)
        ends = time.monotonic() + 20  # another loop of the server may be at it
        while len(fine.got) < 2 and time.monotonic() < ends:
            time.sleep(0.02)
        assert len(down.got) == 1
        assert len(fine.got) == 2
