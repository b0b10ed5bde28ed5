"""Connections to PostgreSQL for Books and the ledger: those that write and those that only read.

Many processes may use one database. Whoever writes waits for its turn on the server, for a limited
time; one that stops half-way is cut off by the server, so that it cannot hold the others up.
"""

from collections.abc import Callable
from typing import Final

from psycopg import Connection as Driver
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tallybook.model.errors import Unavailable

#: What to look at when a database cannot be used; the end of a sentence.
ADVICE: Final = (
    "see that the database of TALLYBOOK_DATABASE_URL runs, may be written to, and has free space"
)
_SCHEMES: Final = {"postgresql", "postgres"}
#: A server out of reach is given up: a writer that waits for it has all others of its process wait.
_CONNECT: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
    "client_encoding": "utf8",
}
#: A standby, which a failover may leave us with, is no place to write: libpq asks for another of
#: the hosts of an address, or refuses.
_CONNECT_TO_WRITE: Final = {**_CONNECT, "target_session_attrs": "read-write"}
#: `off` would acknowledge what a power cut takes away; any stronger setting is left alone.
_SESSION: Final = (
    (
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    ),
    "SET lock_timeout = '20s'",
    "SET jit = off",  # it costs more than any of our questions
)
#: A writer that has stopped half-way, frozen or out of reach, gives up its turn.
_WRITER: Final = (*_SESSION, "SET idle_in_transaction_session_timeout = '30s'")
_READERS: Final = 8
_READERS_MORE: Final = 16


def address(text: str) -> URL:
    """Read the address of a database.

    Raises:
        Unavailable: `database_url_wrong`; its text holds no password.
    """
    try:
        url = make_url(text)
        # A bare "@" in a password would make its end a part of the host, which is told of.
        if url.get_backend_name() in _SCHEMES and "@" not in (url.host or ""):
            return url.set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        pass
    raise Unavailable(
        "database_url_wrong",
        "TALLYBOOK_DATABASE_URL is no address of a PostgreSQL database; write it as "
        "postgresql://user:password@host:5432/name, with %40 for an @ in the password.",
    ) from None


def shown(url: URL) -> str:
    """Return an address as it is written, with stars for its passwords."""
    stars = {name: "***" for name in url.query if "password" in name}
    text = url.set(drivername="postgresql").update_query_dict(stars).render_as_string()
    return text.replace("%2A%2A%2A", "***")


def writer(url: URL, begin: Callable[[Connection], None] | None = None) -> Engine:
    """Return the engine of the one connection that writes.

    `begin` is called at the start of each transaction, to wait for its turn.
    """
    engine = create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,  # the server may have been started again meanwhile
        isolation_level="READ COMMITTED",
        connect_args=_CONNECT_TO_WRITE,
    )
    _prepare(engine, _WRITER)
    if begin is not None:
        event.listen(engine, "begin", begin)
    return engine


def readers(url: URL) -> Engine:
    """Return the engine of the connections that read: each transaction sees one state.

    Of several hosts they read the one that is written to, as another lags behind what was
    acknowledged; the only one is read also while it takes no writes.
    """
    engine = create_engine(
        url,
        pool_size=_READERS,
        max_overflow=_READERS_MORE,
        pool_pre_ping=True,
        connect_args=_CONNECT_TO_WRITE if _hosts(url) > 1 else _CONNECT,
    )
    _prepare(engine, _SESSION)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _hosts(url: URL) -> int:
    """Count the hosts of an address, as the driver will be told them."""
    _, told = url.get_dialect()().create_connect_args(url)
    return str(told.get("host", "")).count(",") + 1


def _prepare(engine: Engine, statements: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: Driver[object], _record: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise Unavailable(
                "database_encoding",
                f"The database of TALLYBOOK_DATABASE_URL is in {encoding}, which cannot hold every "
                "text; make it with ENCODING 'UTF8' TEMPLATE template0.",
            )
        for statement in statements:
            connection.execute(statement)
        connection.commit()
