"""Posts a delivery to somebody's program: signed, to the address that was looked up and allowed,
without following anything. Only whether it was taken is read of the answer.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import datetime
from typing import Final

from tallybook.model.canonical import encode
from tallybook.model.delivery import Delivery, Outcome
from tallybook.model.errors import Invalid
from tallybook.model.limits import DELIVERY_SECONDS_MAX
from tallybook.model.webhook import Webhook
from tallybook.outlets._peer import trusted, within, words
from tallybook.outlets._reach import Refused, networks_of, parts_of, reach
from tallybook.outlets._signing import signed

_GONE: Final = 410
_SLACK_CHARS_MAX: Final = 3_000
#: Of the addresses of one host.
_ADDRESSES_MAX: Final = 3


class WebhookOutlet:
    """The way to webhooks. `allow` names networks that may be reached although they are private,
    `site` is where the pages are, and `now` the real time, which a signature holds.
    """

    def __init__(
        self,
        allow: str,
        site: str,
        now: Callable[[], datetime],
        *,
        context: ssl.SSLContext | None = None,
        seconds: float = DELIVERY_SECONDS_MAX,
    ) -> None:
        """Connect to nobody yet.

        Raises:
            Unavailable: `webhook_allow_wrong`.
        """
        self._allow = networks_of(allow)
        self._site = site.rstrip("/")
        self._now = now
        self._context = context
        self._seconds = seconds

    def post(self, webhook: Webhook, delivery: Delivery) -> Outcome:
        """Attempt one; 2xx is taken, 410 Gone is for good, anything else is tried again."""
        try:
            status = self._status(webhook, delivery)
        except (Refused, Invalid) as e:
            return Outcome("dead", str(e))
        except (OSError, http.client.HTTPException, ValueError) as e:
            return Outcome("failed", f"no answer: {words(e) or type(e).__name__}")
        if http.client.OK <= status < http.client.MULTIPLE_CHOICES:
            return Outcome("sent")
        return Outcome("dead" if status == _GONE else "failed", f"it answered {status}")

    def _status(self, webhook: Webhook, delivery: Delivery) -> int:
        """Post and return the status.

        Raises:
            Refused, Invalid: the address may not be posted to.
            OSError, HTTPException: there was no answer.
        """
        parts, host, port = parts_of(webhook.url)
        addresses = reach(parts.scheme, host, port, self._allow)
        body = self._body(webhook, delivery)
        headers = {"Content-Type": "application/json", "User-Agent": "Tallybook"}
        if webhook.format == "standard":
            now = self._now()
            headers |= signed(webhook.signing(now), delivery.id, now, body)
        context = (self._context or trusted()) if parts.scheme == "https" else None
        connection = _Pinned(host, port, addresses, context, self._seconds)
        path = parts.path or "/"
        target = f"{path}?{parts.query}" if parts.query else path
        with closing(connection), within(self._seconds, lambda: connection.sock):
            connection.request("POST", target, body, headers)
            with connection.getresponse() as answer:
                return answer.status

    def _body(self, webhook: Webhook, delivery: Delivery) -> bytes:
        """Return what is posted, the same bytes at each attempt."""
        link = f"{self._site}{delivery.link}"
        if webhook.format == "slack":
            text = f"*{_escaped(delivery.subject)}*\n{_escaped(delivery.body)}"
            return encode({"text": f"{text[:_SLACK_CHARS_MAX]}\n<{link}>"}).encode()
        data = {**delivery.numbers, "subject": delivery.subject, "link": link}
        said = {"type": delivery.kind, "timestamp": delivery.created_at, "data": data}
        return encode(said).encode()


class _Pinned(http.client.HTTPConnection):
    """A connection to one of the addresses that were looked up, whatever its host means by now."""

    def __init__(
        self,
        host: str,
        port: int,
        addresses: Sequence[str],
        context: ssl.SSLContext | None,
        seconds: float,
    ) -> None:
        super().__init__(host, port, timeout=seconds)
        self._addresses = addresses
        self._context = context
        self._seconds = seconds
        if context is not None:
            self.default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """Connect to the first address that answers."""
        self.sock = self._connected()
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)

    def _connected(self) -> socket.socket:
        *first, last = self._addresses[:_ADDRESSES_MAX]
        for address in first:
            with suppress(OSError):
                return socket.create_connection((address, self.port), self._seconds / 4)
        return socket.create_connection((last, self.port), self._seconds)


def _escaped(text: str) -> str:
    """Return a text in which Slack sees no command, link or mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
