"""Mail to real servers that behave as servers do."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import MIMEPart
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.delivery import Delivery, Outcome
from tallybook.model.errors import Unavailable
from tallybook.model.ids import new_id
from tallybook.outlets._message import message, sender_of
from tallybook.outlets.smtp import SmtpOutlet
from tests.outlets.peers import (
    PASSWORD,
    USER,
    Mailbox,
    Tls,
    free_port,
    post_office,
    signing_in,
    tls,
)

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
SITE = "https://usage.example.com"
SENDER = "Tallybook <billing@vendor.example>"


def mail(**more: Any) -> Delivery:
    made = Delivery(
        id=new_id(NOW),
        kind="alert.findings",
        account="acme",
        recipients=("ann@example.com",),
        subject="Two contracts are set up wrong",
        body="C-1 is under its base.\n.\nC-2 as well: Größe 5 ≥ 4.",
        link="/findings",
        numbers={},
        created_at=NOW,
        created_by="system",
        due_at=NOW,
    )
    return replace(made, **more)


def outlet(port: int, **options: Any) -> SmtpOutlet:
    url = options.pop("url", f"smtp://127.0.0.1:{port}")
    return SmtpOutlet(url, SENDER, SITE, **options)


def sent(outlet_: SmtpOutlet, *deliveries: Delivery) -> list[Outcome]:
    return list(outlet_.send(deliveries))


def lines(part: MIMEPart) -> str:
    """Return a text as it was before the wire's line ends."""
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def certified() -> Tls:
    return tls()


@pytest.fixture
def office() -> Iterator[Mailbox]:
    with post_office() as mailbox:
        yield mailbox


def test_a_mail_arrives_as_it_was_decided(office: Mailbox) -> None:
    html = '<p>Größe</p><a href="/findings/1">see</a><p>href=&quot;/x</p>'
    one = mail(html=html, cc=("bo@example.com",), bcc=("eve@example.com", "ann@example.com"))
    assert sent(outlet(office.port), one) == [
        Outcome("sent", reached=("ann@example.com", "bo@example.com", "eve@example.com"))
    ]
    (got,) = office.got
    assert got.sender == "billing@vendor.example"
    assert got.to == ("ann@example.com", "bo@example.com", "eve@example.com")
    said = got.message
    assert dict(said.items()) == {
        "From": SENDER,
        "To": "ann@example.com",
        "Cc": "bo@example.com",
        "Subject": one.subject,
        "Date": "Wed, 01 Apr 2026 12:00:00 +0000",
        "Message-ID": f"<{one.id}@vendor.example>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": said["Content-Type"],
    }
    assert b"eve@example.com" not in got.content
    plain, rich = said.get_body(("plain",)), said.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert lines(plain) == f"{one.body}\n\n{SITE}/findings\n"
    assert lines(rich) == (f'<p>Größe</p><a href="{SITE}/findings/1">see</a><p>href=&quot;/x</p>\n')


def test_a_batch_is_one_connection(office: Mailbox) -> None:
    batch = [mail() for _ in range(20)]
    assert {one.status for one in sent(outlet(office.port), *batch)} == {"sent"}
    assert office.connections == 1
    assert office.ids == [f"<{one.id}@vendor.example>" for one in batch]


def test_an_attempt_repeated_is_the_same_mail(office: Mailbox) -> None:
    one = mail(html="<p>x</p>")
    sent(outlet(office.port), one, one)
    first, second = office.got
    assert first.id == second.id
    assert first.content == second.content


def test_it_is_sent_over_tls_to_whom_we_signed_in(certified: Tls) -> None:
    user = f"{USER}:{PASSWORD.replace(' ', '%20')}@"
    with signing_in(tls_context=certified.server, require_starttls=True) as mailbox:
        url = f"smtp+starttls://{user}127.0.0.1:{mailbox.port}"
        assert sent(outlet(0, url=url, context=certified.client), mail())[0].status == "sent"
        assert len(mailbox.got) == 1


def test_it_is_sent_over_tls_from_the_first_byte(certified: Tls) -> None:
    with post_office(ssl_context=certified.server) as mailbox:
        url = f"smtps://localhost:{mailbox.port}"
        assert sent(outlet(0, url=url, context=certified.client), mail())[0].status == "sent"


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(certified: Tls) -> None:
    with post_office(tls_context=certified.server) as mailbox:
        url = f"smtp+starttls://{USER}:{PASSWORD}@127.0.0.1:{mailbox.port}".replace(" ", "%20")
        (outcome,) = sent(outlet(0, url=url), mail())
        assert outcome.status == "failed"
        assert outcome.is_down
        assert "certificate" in (outcome.error or "").lower()
        assert not mailbox.got


def test_a_server_without_starttls_gets_no_mail_in_the_clear(office: Mailbox) -> None:
    (outcome,) = sent(outlet(0, url=f"smtp+starttls://127.0.0.1:{office.port}"), mail())
    assert (outcome.status, outcome.is_down) == ("failed", True)
    assert not office.got


def test_a_wrong_password_is_said_and_tried_again(certified: Tls) -> None:
    with signing_in(tls_context=certified.server, require_starttls=True) as mailbox:
        url = f"smtp+starttls://{USER}:wrong@127.0.0.1:{mailbox.port}"
        (outcome,) = sent(outlet(0, url=url, context=certified.client), mail())
        assert (outcome.status, outcome.is_down) == ("failed", True)
        assert "535" in (outcome.error or "")
        assert "wrong" not in (outcome.error or "")


def test_nobody_there_is_said_once_and_tried_again() -> None:
    with closing(outlet(free_port()).send([mail(), mail()])) as outcomes:
        outcome = next(outcomes)
    assert (outcome.status, outcome.is_down) == ("failed", True)
    assert "refused" in (outcome.error or "").lower()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("451 try later", "failed"),
        ("452 full", "failed"),
        ("554 spam", "dead"),
        ("552 big", "dead"),
    ],
)
def test_what_a_server_says_of_a_mail_counts(office: Mailbox, answer: str, status: str) -> None:
    office.data = answer
    (outcome,) = sent(outlet(office.port), mail())
    assert (outcome.status, outcome.error) == (status, f"ann@example.com: {answer}")
    assert not outcome.reached
    office.data = "250 OK"
    assert sent(outlet(office.port), mail())[0].status == "sent"


def test_a_sender_it_does_not_know_is_our_fault_and_no_mail_s(office: Mailbox) -> None:
    office.mail = "550 who are you"
    outcomes = sent(outlet(office.port), mail(), mail())
    assert {one.status for one in outcomes} == {"failed"}
    assert not any(one.is_down for one in outcomes)


def test_a_server_that_greets_with_a_refusal_is_down() -> None:
    with speaking(b"554 no service\r\n") as port:
        (outcome,) = sent(outlet(port), mail())
    assert (outcome.status, outcome.is_down) == ("failed", True)
    assert outcome.error == "no way to the mail server: 554 no service"


def test_a_server_that_hangs_up_on_an_address_has_said_nothing_of_it(office: Mailbox) -> None:
    office.rcpt = {"ann@example.com": "421 closing down"}
    (outcome,) = sent(outlet(office.port), mail())
    assert (outcome.status, outcome.is_down) == ("failed", False)
    assert "421 closing down" in (outcome.error or "")


def test_a_server_that_wants_no_data_from_the_start_counts_as_it_says() -> None:
    talk = (b"220 hi\r\n", *[b"250 ok\r\n"] * 3, b"554 not from you\r\n", b"250 ok\r\n")
    with speaking(*talk) as port:
        (outcome,) = sent(outlet(port), mail())
    assert (outcome.status, outcome.error) == ("dead", "ann@example.com: 554 not from you")


@contextmanager
def speaking(*lines: bytes) -> Iterator[int]:
    """Run a server that says these lines, each after one of the caller's, whatever that is."""

    def speak() -> None:
        caller, _ = listening.accept()
        with caller, caller.makefile("rb") as heard:
            for line in lines:
                caller.sendall(line)
                heard.readline()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def test_who_was_reached_gets_no_copy_when_others_are_tried_again(office: Mailbox) -> None:
    to = ("ann@example.com", "bo@example.com", "cy@example.com")
    one = mail(recipients=to)
    office.rcpt = {"bo@example.com": "451 greylisted", "cy@example.com": "550 nobody"}
    (outcome,) = sent(outlet(office.port), one)
    assert outcome.status == "failed"
    assert outcome.reached == ("ann@example.com",)
    assert outcome.error == "bo@example.com: 451 greylisted; cy@example.com: 550 nobody"
    office.rcpt = {"cy@example.com": "550 nobody"}
    (outcome,) = sent(outlet(office.port), replace(one, reached=outcome.reached))
    assert outcome == Outcome("dead", "cy@example.com: 550 nobody", reached=("bo@example.com",))
    assert [got.to for got in office.got] == [("ann@example.com",), ("bo@example.com",)]
    assert len(set(office.ids)) == 1


def test_a_server_that_drops_after_data_is_asked_again_with_the_same_id(office: Mailbox) -> None:
    office.drops = 1
    one, other = mail(), mail()
    first, second = sent(outlet(office.port), one, other)
    assert (first.status, first.is_down, second.status) == ("failed", False, "sent")
    assert sent(outlet(office.port), one)[0].status == "sent"
    assert office.ids.count(f"<{one.id}@vendor.example>") == 2
    assert len(set(office.ids)) == 2


def test_a_server_that_stalls_is_left_alone() -> None:
    with post_office(Mailbox(stalls=True)) as mailbox:
        with closing(outlet(mailbox.port, seconds=0.3).send([mail(), mail()])) as outcomes:
            outcome = next(outcomes)
        assert (outcome.status, outcome.is_down) == ("failed", True)
        assert "longer than 0.3 seconds" in (outcome.error or "") or "timed out" in (
            outcome.error or ""
        )


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com\r\nRCPT TO:<eve@example.com>",
        "ann@example.com>,<eve@example.com",
        "a,eve@example.com",
        '"a b"@example.com',
        "ann@[127.0.0.1]",
        "größe@example.com",
        "ann@exämple.com",
        "ann",
        "",
    ],
)
def test_what_is_no_address_is_refused_and_the_others_reached(
    office: Mailbox, address: str
) -> None:
    (outcome,) = sent(outlet(office.port), mail(recipients=(address, "bo@example.com")))
    assert outcome.status == "dead"
    assert outcome.reached == ("bo@example.com",)
    assert "mail cannot be sent to this address" in (outcome.error or "")
    (got,) = office.got
    assert got.to == ("bo@example.com",)
    assert got.message["To"] == "bo@example.com"


@given(
    subject=st.text(st.sampled_from("a\r\n:\0\x0b\x85\u2028 ,=?Bcc\ud800é"), max_size=60),
    body=st.text(st.sampled_from("a\r\n.:\0\ud800é"), max_size=60),
)
def test_nothing_in_a_text_becomes_a_header(subject: str, body: str) -> None:
    made = message(mail(subject=f"S{subject}", body=body), sender_of(SENDER), SITE)
    head, _, _ = made.partition(b"\r\n\r\n")
    names = [
        line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in {b" ", b"\t"}
    ]
    assert sorted(names) == sorted(
        b"From To Subject Date Message-ID Auto-Submitted Content-Type "
        b"Content-Transfer-Encoding MIME-Version".split()
    )
    assert b"\n" not in made.replace(b"\r\n", b"")
    assert head.replace(b"\r\n", b"").decode("ascii").isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:99999",
        "smtp://user:secret@mail.example.com",
        "smtps://mail.example.com/box",
        "smtps://mail.example.com?tls=none",
    ],
)
def test_an_address_of_a_server_that_cannot_be_used_is_refused_without_its_password(
    url: str,
) -> None:
    with pytest.raises(Unavailable) as refused:
        SmtpOutlet(url, SENDER, SITE)
    assert refused.value.code == "smtp_url_wrong"
    assert "secret" not in refused.value.detail


def test_a_sender_that_is_no_address_is_refused() -> None:
    with pytest.raises(Unavailable, match="TALLYBOOK_MAIL_FROM"):
        SmtpOutlet("smtp://localhost", "Tallybook", SITE)
