"""The connections of the embedded ledger: one writer that owns checkpoints, readers that only read.

SQLite before 3.51.3 can damage a file when two connections checkpoint at once, so no reader does.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

_CHECKPOINT_PAGES: Final = 1000
_WAL_BYTES_KEPT: Final = 64 * 1024 * 1024
_BUSY_SECONDS: Final = 5
_READERS_MAX: Final = 16

_EVERY: Final = ("PRAGMA mmap_size = 0",)
_WRITER: Final = (
    *_EVERY,
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}",
)
_READER: Final = (*_EVERY, "PRAGMA wal_autocheckpoint = 0", "PRAGMA query_only = ON")


def writer(path: Path) -> Engine:
    """Return the engine of the one connection that writes; NullPool: a broken one never returns."""
    engine = create_engine("sqlite://", creator=_opener(path, _WRITER), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: a migration is all or nothing

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def readers(path: Path) -> Engine:
    """Return the engine of the connections that read."""
    return create_engine(
        "sqlite://",
        creator=_opener(path, _READER),
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=_READERS_MAX - 4,
    )


def _opener(path: Path, pragmas: tuple[str, ...]) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        opened = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            for pragma in pragmas:
                opened.execute(pragma).close()
        except sqlite3.Error:
            opened.close()
            raise
        return opened

    return connect
