"""Mail by SMTP: one connection a batch, one Message-ID a delivery, and what the server said of each
address. When to try again is decided elsewhere.
"""

import smtplib
import ssl
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from typing import Final

from tallybook.model.delivery import Delivery, Outcome
from tallybook.model.limits import DELIVERY_SECONDS_MAX
from tallybook.outlets._conversation import hand_over, why
from tallybook.outlets._message import message, sender_of
from tallybook.outlets._peer import trusted, within
from tallybook.outlets._smtp_url import server_of

_READY: Final = 220
#: The library's own time-out comes after ours, which says what it was.
_LATER_SECONDS: Final = 5


class _Broken(Exception):
    """The connection is of no more use; the text says why."""


class SmtpOutlet:
    """A mail server. Its address is `smtp://` without TLS, `smtp+starttls://` or `smtps://`."""

    def __init__(
        self,
        url: str,
        sender: str,
        site: str,
        *,
        context: ssl.SSLContext | None = None,
        seconds: float = DELIVERY_SECONDS_MAX,
    ) -> None:
        """Connect to nobody yet; `site` is where the pages are, as links in mails say it.

        Raises:
            Unavailable: `smtp_url_wrong`, `mail_from_wrong`.
        """
        self._server = server_of(url)
        self._sender = sender_of(sender)
        self._site = site.rstrip("/")
        self._context = context
        self._seconds = seconds

    def send(self, deliveries: Iterable[Delivery]) -> Generator[Outcome]:
        """Attempt one after the other and yield what became of each as soon as it is known.

        Where there is no way to the server, or it stalls, that is said of the one that met it, with
        `is_down`; whoever asks stops there.
        """
        client: smtplib.SMTP | None = None
        try:
            for delivery in deliveries:
                try:
                    client = client or self._open()
                    yield self._one(client, delivery)
                except _Broken as e:
                    is_down = client is None or isinstance(e.__cause__, TimeoutError)
                    _close(client)
                    client = None
                    yield Outcome("failed", str(e), is_down=is_down)
        finally:
            _close(client)

    @property
    def _tls(self) -> ssl.SSLContext:
        return self._context or trusted()

    def _open(self) -> smtplib.SMTP:
        """Connect and say who we are.

        Raises:
            _Broken: there is no way in.
        """
        server, seconds = self._server, self._seconds
        us, timeout = self._sender.domain, seconds + _LATER_SECONDS
        client = (
            smtplib.SMTP_SSL(timeout=timeout, local_hostname=us, context=self._tls)
            if server.scheme == "smtps"
            else smtplib.SMTP(timeout=timeout, local_hostname=us)
        )
        # What its certificate must say. The library would learn it where it connects at once, and
        # nothing could cut that off.
        client._host = server.host  # type: ignore[attr-defined] # noqa: SLF001 - as above
        try:
            with within(seconds, lambda: client.sock):
                code, said = client.connect(server.host, server.port)
                if code != _READY:
                    raise smtplib.SMTPConnectError(code, said)
                if server.scheme == "smtp+starttls":
                    client.starttls(context=self._tls)
                if server.user is not None:
                    client.login(server.user, server.password)
        except (OSError, ValueError) as e:
            _close(client)
            raise _Broken(f"no way to the mail server: {why(e)}") from e
        return client

    def _one(self, client: smtplib.SMTP, delivery: Delivery) -> Outcome:
        """Attempt one.

        Raises:
            _Broken: the connection was lost; the server may have taken the mail all the same.
        """
        text = message(delivery, self._sender, self._site)
        try:
            with within(self._seconds, lambda: client.sock):
                return hand_over(client, self._sender.addr_spec, delivery, text)
        except (OSError, ValueError) as e:
            raise _Broken(f"the mail server broke off: {why(e)}") from e


def _close(client: smtplib.SMTP | None) -> None:
    """Hang up; the server has answered all that matters."""
    if client is not None:
        with closing(client), suppress(OSError):
            if client.sock is not None:
                client.sock.settimeout(1)
                client.docmd("QUIT")
