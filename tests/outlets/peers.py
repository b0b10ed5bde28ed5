"""Servers that deliveries are sent to, as they are met in the wild: real SMTP by aiosmtpd and real
HTTP, on loopback, which take, refuse, put off, stall or break off.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "mailer", "open sesame"


@dataclass(frozen=True)
class Got:
    """A mail as the server took it: its envelope and what it says."""

    sender: str
    to: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        return message_from_bytes(self.content, policy=policy.default)

    @property
    def id(self) -> str:
        """Its Message-ID."""
        return str(self.message["Message-ID"])


@dataclass
class Mailbox:
    """What a server took, and how it behaves: answers to MAIL, to RCPT by address and to DATA; how
    often it breaks off after it has taken a mail, how long it thinks then, and whether it says
    nothing for ever.
    """

    port: int = 0
    mail: str = "250 OK"
    rcpt: Mapping[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    drops: int = 0
    stalls: bool = False
    thinks_seconds: float = 0
    connections: int = 0
    got: list[Got] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of what came, copies too."""
        return [one.id for one in self.got]

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, said: list[str]
    ) -> list[str]:
        """Count a connection."""
        del server, envelope
        self.connections += not session.host_name
        session.host_name = hostname
        return said

    async def handle_MAIL(  # noqa: N802 - as handle_EHLO
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender, or not."""
        del server, session, options
        if self.mail.startswith("2"):
            envelope.mail_from = address
        return self.mail

    async def handle_RCPT(  # noqa: N802 - as handle_EHLO
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take an address, or not."""
        del server, session, options
        answer = self.rcpt.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - as handle_EHLO
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, or not, and perhaps never say so."""
        del session
        if self.stalls:
            await asyncio.sleep(3600)
        if self.data.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.got.append(Got(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        await asyncio.sleep(self.thinks_seconds)
        if self.drops:
            self.drops -= 1
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return self.data


def _knows(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    del server, session, envelope, mechanism
    is_known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)


@contextmanager
def post_office(mailbox: Mailbox | None = None, port: int = 0, **options: Any) -> Iterator[Mailbox]:
    """Run a mail server; `options` are those of aiosmtpd."""
    mailbox = mailbox or Mailbox()
    options.setdefault("server_hostname", "mail.example")  # it would look one up for each caller
    controller = Controller(mailbox, "127.0.0.1", port or free_port(), **options)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop(no_assert=True)


@contextmanager
def signing_in(**options: Any) -> Iterator[Mailbox]:
    """Run a mail server that takes mail from those alone who sign in."""
    with post_office(authenticator=_knows, auth_required=True, **options) as mailbox:
        yield mailbox


@dataclass
class Receiver:
    """A program that deliveries are posted to: what came, and what it answers."""

    port: int = 0
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drips: bool = False
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a program that takes what is posted."""
    receiver = Receiver()
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append((self.path, headers, body))
            if receiver.drips:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not stopping.wait(0.05):
                    self.wfile.write(b"x")
                return
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of callers that hang up."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            stopping.set()
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Tls:
    """A server's side of TLS for `localhost` and 127.0.0.1, and of those who trust it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def tls() -> Tls:
    """Make certificates for a server on this machine."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Tls(server, client)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
