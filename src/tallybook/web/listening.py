"""Where an installation is listened to: the socket, the HTTP server on it, and the file of the data
folder that tells other commands where that is.
"""

import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx2
import uvicorn

from tallybook.model.errors import Unavailable
from tallybook.web.application import make
from tallybook.web.services import Services

_GRACE_SECONDS: Final = 8
_FIND_SECONDS: Final = 2
_CONNECTIONS_WAITING: Final = 512


class Address(NamedTuple):
    """Where an installation answers, and the key of its command line."""

    url: str
    token: str


def server_of(services: Services) -> uvicorn.Server:
    """Return the HTTP server of an installation; nothing runs yet."""
    return uvicorn.Server(
        uvicorn.Config(
            make(services),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Listen somewhere; port 0 takes a free one.

    Raises:
        Unavailable: `port_in_use`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as e:
        listening.close()
        raise Unavailable(
            "port_in_use", f"{host}:{port} cannot be listened on: {e.strerror}; choose another."
        ) from e
    listening.listen(_CONNECTIONS_WAITING)
    return listening


def address_of(listening: socket.socket, token: str) -> Address:
    """Return where a socket is reached."""
    host, port = listening.getsockname()[:2]
    return Address(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", token)


def client_of(url: str, seconds: float, headers: Mapping[str, str] | None = None) -> httpx2.Client:
    """Return a client of a server of this machine: no proxy that the environment names leads to it,
    and as its address is `http://`, no authority is read, which would take longer than to ask.
    """
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.Client(
        base_url=url, timeout=seconds, headers=headers, trust_env=False, verify=nobody
    )


@contextmanager
def told(file: Path, address: Address) -> Iterator[None]:
    """Leave the address where the command line of whoever may read the folder finds it."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    private = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(private, "w") as out:
        json.dump(address._asdict(), out)
    draft.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def found(file: Path) -> Address | None:
    """Return the address of the server that runs on a folder; a dead one's file says nothing."""
    try:
        address = Address(**json.loads(file.read_text()))
        with client_of(address.url, _FIND_SECONDS) as http:
            http.get("/healthz").raise_for_status()
    except (OSError, ValueError, TypeError, httpx2.HTTPError):
        return None
    return address
