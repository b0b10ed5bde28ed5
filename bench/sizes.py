"""The two sizes that are measured: a folder, and servers that wait for the disk; and the engine of
each, as a person asks it by hand.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import clickhouse_connect
import duckdb
import psycopg
import pyarrow as pa

from bench.machine import Servers
from tallybook.stores.books.database import Database, sqlite
from tallybook.stores.clickhouse.address import address as clickhouse
from tallybook.stores.clickhouse.store import ClickEvents
from tallybook.stores.duckdb import schema
from tallybook.stores.duckdb.store import DuckEvents
from tallybook.stores.postgresql import address as postgresql
from tests import postgres
from tests.cluster import rig

FOLDER: Final = "sqlite+duckdb"
SERVERS: Final = "postgresql+clickhouse"
_QUERY_SECONDS: Final = 600


class Engine(Protocol):
    """An engine with the tables of the events in it, as a person would ask it."""

    #: A number of an event's data, by its name, in SQL; and a text.
    number: str
    text: str

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement."""

    def keep(self, name: str, sql: str) -> None:
        """Make a table of the rows of a statement, in place of the one that has the name."""

    def insert(self, rows: pa.Table) -> None:
        """Insert events as they are in memory."""

    def held(self) -> int:
        """Count what was inserted."""

    def month(self, first: int, /) -> str:
        """Name the table that holds a month's events, and maybe others."""

    def whole(self, x: str, by: str) -> str:
        """Divide whole numbers, rounding down."""

    def accounts(self, count: int, meters: Sequence[str]) -> str:
        """Return a statement for the rows (account, meter, q): what each is allotted."""


class Size(Protocol):
    """Where an installation keeps what it knows."""

    #: Of `serve`, by the environment; and whose CPU counts beside its own.
    settings: Mapping[str, str]
    servers: Servers

    def versions(self) -> Mapping[str, str]:
        """Return the versions of its engines."""

    def database(self, folder: Path, /, *, keep: bool = False) -> Database:
        """Open Books with nothing in them, or with what an earlier run has left in the folder."""

    def events(self, path: Path, /) -> DuckEvents | ClickEvents:
        """Open the events; a folder keeps them at this path."""

    def by_hand(self, events: DuckEvents | ClickEvents, /) -> Engine:
        """Return the engine that has these events."""

    def empty(self, folder: Path, /) -> AbstractContextManager[Engine]:
        """Open the engine with the tables of the events, which hold nothing."""


class _Duck:
    number = "CAST(substr(CAST(variant_extract(data, '{}') AS VARCHAR), 2) AS DECIMAL(38,12))"
    text = "CAST(variant_extract(data, '{}') AS VARCHAR)"

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        return self._db.execute(sql).fetchall()

    def keep(self, name: str, sql: str) -> None:
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def insert(self, rows: pa.Table) -> None:
        self._db.register("rows", rows)
        self._db.execute("INSERT INTO tail BY NAME SELECT * FROM rows")
        self._db.unregister("rows")

    def held(self) -> int:
        return int(self.rows("SELECT count(*) FROM tail")[0][0])

    def month(self, first: int) -> str:
        found = self._db.execute("SELECT first, relation FROM months").fetchall()
        return str(dict(found)[first])

    def whole(self, x: str, by: str) -> str:
        return f"({x}) // {by}"

    def accounts(self, count: int, meters: Sequence[str]) -> str:
        return (
            "SELECT format('account-{:05d}', a) AS account, m AS meter, "
            "CAST(1000 AS DECIMAL(38,12)) AS q "
            f"FROM range({count}) AS r(a), unnest({list(meters)}) AS u(m)"
        )


class _Click:
    number = "toDecimal128(substring(data.{}.:String, 2), 12)"
    text = "data.{}.:String"

    def __init__(self, node: rig.Node, database: str) -> None:
        self._client = clickhouse_connect.get_client(
            host="127.0.0.1",
            port=node.ports.http,
            database=database,
            settings={"join_use_nulls": 1},
        )

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        return self._client.query(sql).result_rows

    def keep(self, name: str, sql: str) -> None:
        self._client.command(f"CREATE OR REPLACE TABLE {name} ENGINE = Memory AS {sql}")

    def insert(self, rows: pa.Table) -> None:
        names = ["text" if name == "data" else name for name in rows.column_names]
        self._client.insert_arrow("events", rows.rename_columns(names))

    def held(self) -> int:
        return int(self.rows("SELECT count(*) FROM events")[0][0])

    def month(self, _first: int) -> str:
        return "events"

    def whole(self, x: str, by: str) -> str:
        return f"floor(({x}) / {by})"

    def accounts(self, count: int, meters: Sequence[str]) -> str:
        return (
            "SELECT concat('account-', leftPad(toString(number), 5, '0')) AS account, m AS meter, "
            f"toDecimal128(1000, 12) AS q FROM numbers({count}) ARRAY JOIN {list(meters)} AS m"
        )


class _Folder:
    settings: Mapping[str, str] = {}
    servers = Servers()

    def versions(self) -> Mapping[str, str]:
        return {"duckdb": duckdb.__version__, "sqlite": sqlite3.sqlite_version}

    def database(self, folder: Path, *, keep: bool = False) -> Database:
        for old in () if keep else folder.glob("books.db*"):
            old.unlink()
        return sqlite(folder / "books.db")

    def events(self, path: Path) -> DuckEvents:
        return DuckEvents(path, memory_limit="4GB", query_seconds=_QUERY_SECONDS)

    def by_hand(self, events: DuckEvents | ClickEvents) -> Engine:
        assert isinstance(events, DuckEvents)
        return _Duck(events._db.cursor())  # noqa: SLF001 - the same open file

    @contextmanager
    def empty(self, folder: Path) -> Iterator[Engine]:
        db = schema.connect(folder / "by-hand.duckdb", "1GB", 2)
        yield _Duck(db)
        db.close()


class _Servers:
    def __init__(self, url: str, process: int, node: rig.Node) -> None:
        assert node.process is not None
        self._node = node
        self.servers = Servers(process, node.process.pid)
        self.settings: Mapping[str, str] = {
            "TALLYBOOK_DATABASE_URL": url,
            "TALLYBOOK_EVENTS_URL": node.url("bench"),
        }

    def versions(self) -> Mapping[str, str]:
        with psycopg.connect(self.settings["TALLYBOOK_DATABASE_URL"]) as connection:
            postgresql = connection.execute("SHOW server_version").fetchall()[0][0]
        return {
            "postgresql": str(postgresql).split()[0],
            "clickhouse": self._node.ask("SELECT version()").strip(),
        }

    def database(
        self,
        _folder: Path,
        *,
        keep: bool = False,  # noqa: ARG002 - servers are started for each run
    ) -> Database:
        return Database(postgresql(self.settings["TALLYBOOK_DATABASE_URL"]))

    def events(self, _path: Path) -> ClickEvents:
        where = clickhouse(self.settings["TALLYBOOK_EVENTS_URL"])
        return ClickEvents(where, "bench", query_seconds=_QUERY_SECONDS)

    def by_hand(self, _events: DuckEvents | ClickEvents) -> Engine:
        return _Click(self._node, "bench")

    @contextmanager
    def empty(self, _folder: Path) -> Iterator[Engine]:
        ClickEvents(clickhouse(self._node.url("by_hand")), "by hand").close()
        yield _Click(self._node, "by_hand")


@contextmanager
def opened(name: str) -> Iterator[Size]:
    """Yield a size, its servers started and empty."""
    if name == FOLDER:
        yield _Folder()
        return
    with postgres.durable() as (url, process), rig.node() as node:
        yield _Servers(url, process, node)
