"""The tables, and how the file is opened: no network, no extensions, no other files."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from tallybook.model.errors import Unavailable

_TABLES = """
CREATE TABLE IF NOT EXISTS tail (
    seq BIGINT, source VARCHAR, id VARCHAR, type VARCHAR, subject VARCHAR,
    time BIGINT, received BIGINT, data JSON
);
CREATE TABLE IF NOT EXISTS standings (
    seq BIGINT, since BIGINT, standing VARCHAR, type VARCHAR, subject VARCHAR, time BIGINT
);
CREATE TABLE IF NOT EXISTS months (first BIGINT, relation VARCHAR, events BIGINT);
CREATE TABLE IF NOT EXISTS position (seq BIGINT);
INSERT INTO position SELECT 0 WHERE NOT EXISTS (FROM position);
"""

_LOCKS = """
SET enable_external_access = false;
SET lock_configuration = true;
"""


def connect(path: Path, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Open the file, or make it.

    Raises:
        Unavailable: `events_unavailable`.
    """
    with ExitStack() as undo:
        try:
            db = undo.enter_context(
                duckdb.connect(
                    str(path),
                    config={
                        "threads": threads,
                        "memory_limit": memory_limit,
                        "autoinstall_known_extensions": False,
                        "autoload_known_extensions": False,
                        "python_enable_replacements": False,
                        "preserve_insertion_order": False,
                        "checkpoint_threshold": "256MB",
                    },
                )
            )
            db.execute("SET GLOBAL timezone = 'UTC'")
            db.execute(_TABLES)
            db.execute(_LOCKS)
        except duckdb.Error as e:
            raise Unavailable(
                "events_unavailable",
                "The events file cannot be opened; `tallybook rebuild` makes it again.",
            ) from e
        undo.pop_all()
        return db


@contextmanager
def commit(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run statements in one transaction: all of them, or none."""
    db.execute("BEGIN")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
