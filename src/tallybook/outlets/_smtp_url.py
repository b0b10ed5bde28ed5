"""The address of a mail server, as settings say it."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

from tallybook.model.errors import Unavailable

#: The port where none is said, by what is done about TLS: none, required by STARTTLS, at once.
_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server; without a `user` nobody signs in."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str


def server_of(url: str) -> Server:
    """Read the address of a mail server.

    Raises:
        Unavailable: `smtp_url_wrong`; its text holds no password.
    """
    why = "it begins with smtp://, smtp+starttls:// or smtps://, then the host"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if parts.scheme in _PORTS and host and parts.path in {"", "/"} and not parts.query:
            user = unquote(parts.username) if parts.username else None
            if user is None or parts.scheme != "smtp" or _is_here(host):
                password = unquote(parts.password or "")
                return Server(parts.scheme, host, port or _PORTS[parts.scheme], user, password)
            why = "smtp:// would show the password to whoever listens: use smtp+starttls:// or smtps://"
    except ValueError:
        pass
    raise Unavailable("smtp_url_wrong", f"TALLYBOOK_SMTP_URL cannot be used: {why}.")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
