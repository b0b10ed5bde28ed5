"""What outlets need of whoever they talk to: trust, an end in time, words that fit in a line."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Final

_WORDS_CHARS_MAX: Final = 300


@cache
def trusted() -> ssl.SSLContext:
    """Return TLS with the authorities of this machine: read once, and only where it is needed."""
    return ssl.create_default_context()


@contextmanager
def within(seconds: float, found: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cut a connection off that takes longer than this in all, however alive it looks.

    A timeout of the socket alone ends nothing: a peer that says a byte a second never runs into it.

    Raises:
        TimeoutError: it was cut off, whatever the block made of that.
    """
    late = threading.Event()

    def cut() -> None:
        late.set()
        if (connection := found()) is not None:
            with suppress(OSError):
                # Not that of TLS, which would say goodbye first to one that does not listen.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    why: Exception | None = None
    try:
        yield
    except (OSError, ValueError) as e:
        if not late.is_set():
            raise
        why = e
    finally:
        timer.cancel()
    if late.is_set():  # an end that was cut may look like an end
        raise TimeoutError(f"it took longer than {seconds:g} seconds") from why


def words(said: object) -> str:
    """Return what a peer said as one short line that can be shown."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:_WORDS_CHARS_MAX]
