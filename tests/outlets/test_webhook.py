"""Posts to real programs, and the addresses that none may lead to."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Official
from standardwebhooks.webhooks import WebhookVerificationError

from tallybook.model.delivery import Delivery
from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.ids import new_id
from tallybook.model.webhook import Secret, Webhook
from tallybook.outlets._reach import Refused, networks_of, parts_of, reach
from tallybook.outlets.webhook import WebhookOutlet
from tests.outlets.peers import Receiver, free_port, receiving, tls

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
HERE = "10.255.255.1, 127.0.0.0/8"
OLD, NEW, FOREIGN = (f"whsec_{letter * 43}=" for letter in "Aaz")


def hook(port: int, **more: Any) -> Webhook:
    made = Webhook(
        id="w-1",
        name="Ours",
        url=f"http://127.0.0.1:{port}/in?from=tallybook",
        format="standard",
        owner="ann@example.com",
        secrets=(Secret(NEW), Secret(OLD, NOW + timedelta(hours=1))),
        enabled=True,
        created_at=NOW,
    )
    return replace(made, **more)


def post(**more: Any) -> Delivery:
    made = Delivery(
        id=new_id(NOW),
        kind="alert.findings",
        account="",
        recipients=(),
        subject="Base <below> what is covered",
        body="C-1 & C-2: Größe",
        link="/findings/1",
        numbers={"ratio": "0.625", "entity": "C-1"},
        created_at=NOW,
        created_by="system",
        due_at=NOW,
        channel="webhook",
        target="w-1",
    )
    return replace(made, **more)


def outlet(allow: str = HERE, *, now: datetime | None = None, **more: Any) -> WebhookOutlet:
    moment = now or datetime.now(UTC)
    return WebhookOutlet(allow, "https://usage.example.com", lambda: moment, **more)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_the_official_package_believes_both_secrets_while_they_sign(receiver: Receiver) -> None:
    now = datetime.now(UTC)
    ours = hook(receiver.port, secrets=(Secret(NEW), Secret(OLD, now + timedelta(hours=1))))
    assert outlet(now=now).post(ours, one := post()).status == "sent"
    ((path, headers, body),) = receiver.got
    assert path == "/in?from=tallybook"
    assert headers["webhook-id"] == one.id
    assert headers["content-type"] == "application/json"
    for secret in (OLD, NEW):
        assert Official(secret).verify(body.decode(), headers) == {
            "type": "alert.findings",
            "timestamp": "2026-04-01T12:00:00Z",
            "data": {
                "ratio": "0.625",
                "entity": "C-1",
                "subject": one.subject,
                "link": "https://usage.example.com/findings/1",
            },
        }
    with pytest.raises(WebhookVerificationError):
        Official(FOREIGN).verify(body.decode(), headers)
    with pytest.raises(WebhookVerificationError):
        Official(NEW).verify(body.decode() + " ", headers)


def test_a_signature_is_that_of_the_official_package(receiver: Receiver) -> None:
    outlet(now=NOW).post(hook(receiver.port), one := post())
    ((_, headers, body),) = receiver.got
    signed = [Official(secret).sign(one.id, NOW, body.decode()) for secret in (NEW, OLD)]
    assert headers["webhook-signature"] == " ".join(signed)


def test_a_secret_that_was_replaced_signs_until_its_end(receiver: Receiver) -> None:
    ours = hook(receiver.port)
    assert ours.signing(NOW) == (NEW, OLD)
    assert ours.signing(NOW + timedelta(hours=1)) == (NEW,)


def test_another_attempt_is_the_same_post_at_another_time(receiver: Receiver) -> None:
    one = post()
    for now in (NOW, NOW + timedelta(hours=1)):
        outlet(now=now).post(hook(receiver.port), one)
    (_, first, body), (_, second, again) = receiver.got
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]


def test_slack_is_told_in_its_own_words_without_commands_of_ours(receiver: Receiver) -> None:
    assert outlet().post(hook(receiver.port, format="slack"), post()).status == "sent"
    ((_, headers, body),) = receiver.got
    assert json.loads(body) == {
        "text": "*Base &lt;below&gt; what is covered*\nC-1 &amp; C-2: Größe\n"
        "<https://usage.example.com/findings/1>"
    }
    assert "webhook-signature" not in headers


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        *((status, "sent") for status in (200, 202)),
        *((status, "failed") for status in (301, 307, 400, 404, 429, 500, 503)),
        (410, "dead"),
    ],
)
def test_an_answer_counts_by_its_status_and_nothing_of_it_is_shown_or_followed(
    receiver: Receiver, status: int, becomes: str
) -> None:
    with receiving() as elsewhere:
        receiver.status = status
        receiver.body = b"the inner secrets of a network"
        receiver.headers = {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        outcome = outlet().post(hook(receiver.port), post())
        assert not elsewhere.got
    assert outcome.status == becomes
    assert outcome.error == (None if becomes == "sent" else f"it answered {status}")
    assert len(receiver.got) == 1


def test_one_that_drips_is_cut_off(receiver: Receiver) -> None:
    receiver.drips = True
    outcome = outlet(seconds=0.3).post(hook(receiver.port), post())
    assert outcome.status == "failed"
    assert "longer than 0.3 seconds" in (outcome.error or "")


def test_nobody_there_is_tried_again() -> None:
    outcome = outlet().post(hook(free_port()), post())
    assert (outcome.status, "refused" in (outcome.error or "")) == ("failed", True)


def test_it_is_posted_over_tls_to_the_host_that_was_named() -> None:
    certified = tls()
    with receiving(certified.server) as receiver:
        ours = hook(receiver.port, url=f"https://localhost:{receiver.port}/in")
        assert outlet(context=certified.client).post(ours, post()).status == "sent"
        assert receiver.got[0][1]["host"] == f"localhost:{receiver.port}"
        stranger = outlet().post(ours, post())
        assert stranger.status == "failed"
        assert "certificate" in (stranger.error or "").lower()


INWARD = (
    "127.0.0.1 127.1 127.0.0.2 2130706433 0x7f000001 0177.0.0.1 0 0.0.0.0 localhost "
    "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.1 "
    "192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 240.0.0.1 "
    "255.255.255.255 [::1] [::] [::ffff:127.0.0.1] [::ffff:10.0.0.1] [::127.0.0.1] "
    "[::ffff:169.254.169.254] [64:ff9b::7f00:1] [64:ff9b:1::1] [2002:7f00:1::] [2001::1] "
    "[2001:db8::1] [fc00::1] [fd12:3456::1] [fe80::1] [fec0::1] [ff02::1] [100::1] [3fff::1] "
    "[5f00::1]"
).split()


@pytest.mark.parametrize("host", INWARD)
def test_no_address_inside_is_reached_unless_it_is_allowed(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        port = listening.getsockname()[1]
        outcome = outlet("").post(hook(0, url=f"https://{host}:{port}/"), post())
        assert outcome.status == "dead", outcome
        assert "not on the public internet" in (outcome.error or "")
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:1.1.1.1"],
)
def test_an_address_outside_is_reached_by_https_only(address: str) -> None:
    assert reach("https", address, 443, ()) == [address]
    with pytest.raises(Refused, match="only https"):
        reach("http", address, 80, ())
    assert reach("http", address, 80, networks_of("0.0.0.0/0,::/0")) == [address]


class Names:
    """A resolver that answers as it is told, and says how often it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        del host
        self.asked += 1
        found = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]


def test_one_forbidden_answer_of_a_name_forbids_all(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(["1.1.1.1", "10.0.0.1"])
    monkeypatch.setattr("tallybook.outlets._reach.socket.getaddrinfo", names)
    outcome = outlet("").post(hook(0, url="https://rebind.example/"), post())
    assert outcome.status == "dead"
    assert "10.0.0.1" in (outcome.error or "")


def test_what_a_name_means_is_asked_once_and_that_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, real = Names(["127.0.0.1"]), socket.getaddrinfo
    monkeypatch.setattr(
        "tallybook.outlets._reach.socket.getaddrinfo",
        lambda host, *more, **named: (
            names(host, *more) if host == "rebind.example" else real(host, *more, **named)
        ),
    )
    ours = hook(0, url=f"http://rebind.example:{receiver.port}/in")
    assert outlet().post(ours, post()).status == "sent"
    assert names.asked == 1
    assert receiver.got[0][1]["host"] == f"rebind.example:{receiver.port}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "ftp://example.com:21/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https:///path",
        "https://user@example.com/",
        "https://example.com:99999/",
        "https://example.com/#part",
        "https://exämple.com/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://example.com\\@127.0.0.1/",
        "https://[::1/",
    ],
)
def test_what_is_no_address_of_a_program_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        parts_of(url)
    assert (refused.value.code, refused.value.facts["field"]) == ("webhook_url_invalid", "url")
    assert outlet().post(hook(0, url=url), post()).status == "dead"


@pytest.mark.parametrize("text", ["everything", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8 ::1"])
def test_what_names_no_networks_is_refused(text: str) -> None:
    with pytest.raises(Unavailable, match="TALLYBOOK_WEBHOOK_ALLOW"):
        outlet(text)
