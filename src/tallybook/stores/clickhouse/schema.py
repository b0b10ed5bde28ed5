"""The tables, and whose copy they hold. A cluster has each table on every server, under its name
with `_local`, and beside it one of all servers together.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tallybook.model.errors import Unavailable
from tallybook.stores.clickhouse.address import Address, Host
from tallybook.stores.clickhouse.dialect import Parameters
from tallybook.stores.clickhouse.nodes import Nodes
from tallybook.stores.events import standings

VERSION: Final = 1

EVENTS: Final = "events"
STANDINGS: Final = standings.TABLE
_POSITION_TABLE: Final = "position"

#: The month of an event: all before 2000 is one, and all after 2099, so that an odd clock does
#: not make a part for each month since year 1. Microseconds.
_EARLY: Final = 946_684_800_000_000
_LATE: Final = 4_102_444_800_000_000
MONTH: Final = (
    f"toYYYYMM(fromUnixTimestamp64Micro(greatest({_EARLY - 1}, least({_LATE}, time)), 'UTC'))"
)

#: `text` is what a load sends of `data`: the JSON of an event's typed texts, laid flat. Numbers
#: that count up, and ids, share most of their bytes with their neighbours.
_EVENTS: Final = """(
    seq Int64 CODEC(Delta, ZSTD), source String CODEC(ZSTD), id String CODEC(ZSTD),
    type LowCardinality(String), subject String CODEC(ZSTD), time Int64 CODEC(Delta, ZSTD),
    received Int64 CODEC(Delta, ZSTD), text String EPHEMERAL '{}',
    data JSON DEFAULT CAST(text AS JSON)
)"""
#: How rows of `events` stand, on the shard where those are.
_STANDINGS: Final = """(
    seq Int64, since Int64, standing LowCardinality(String), type LowCardinality(String),
    subject String, time Int64
)"""
#: The newest generation is the one that counts; `epoch` is the ledger it is a copy of, up to the
#: greatest `seq`. To empty the tables begins a generation, so that the position of a load that
#: was under way is not believed.
_POSITION: Final = "(generation Int64, epoch String, seq Int64)"


class Table(NamedTuple):
    """A table: rows that are alike in `order` are one, of which the `newest` is kept; those that
    are alike in `spread` are on one shard.
    """

    name: str
    columns: str
    order: str
    spread: str
    newest: str = ""


TABLES: Final = (
    Table(_POSITION_TABLE, _POSITION, "(generation, epoch)", "epoch", newest="seq"),
    Table(EVENTS, _EVENTS, f"(subject, time, seq) PARTITION BY {MONTH}", "subject"),
    Table(STANDINGS, _STANDINGS, "(subject, seq, since)", "subject"),
)


class Reached(NamedTuple):
    """Which copy the tables hold: its generation, of which ledger, and up to which entry."""

    generation: int
    epoch: str
    seq: int


def here(address: Address, table: str) -> str:
    """Name the part of a table that a server itself holds, with its database."""
    return f"{address.database}.{table}{'_local' if address.cluster else ''}"


def prepare(address: Address, nodes: Nodes, *, anew: bool = False) -> None:
    """Make the tables; a server that cannot be reached may be so where another has them.

    One that has none beside others with facts in theirs lost its disk. It gets none here: with
    empty ones it would answer for its shard. What is to be had anew is left to `empty`.

    Raises:
        Unavailable: `schema_newer`, `events_unavailable`.
    """
    made, missing = 0, None
    without = []
    for host in nodes.hosts:
        try:
            version = _version(address, nodes, host)
        except Unavailable as e:
            missing = e
            continue
        if version > VERSION:
            raise Unavailable(
                "schema_newer",
                f"The events in ClickHouse were written by a newer Tallybook (schema {version}; "
                f"this one knows {VERSION}); run that version, or name another database.",
            )
        made += bool(version)
        if not version:
            without.append(host)
    if anew:
        return
    if missing and not made:
        raise missing
    held = reached(nodes) if without and made and not address.replicated else None
    if held is None or not held.seq:
        for host in without:
            _make(address, nodes, host)


def reached(nodes: Nodes) -> Reached | None:
    """Say which copy the tables hold; None before there is any.

    Raises:
        Unavailable: `events_of_another_ledger`, where two ledgers began to fill them at once.
    """
    rows = nodes.ask(
        f"SELECT generation, epoch, max(seq) FROM {_POSITION_TABLE} "
        "GROUP BY generation, epoch ORDER BY generation DESC, epoch LIMIT 2",
        Parameters(),
    )
    found = [Reached(*row) for row in rows]
    if len(found) > 1 and found[0].generation == found[1].generation:
        raise of_another()
    return found[0] if found else None


def reach(nodes: Nodes, to: Reached) -> None:
    """Note how far a copy is; nobody who reads sees the position go back."""
    bound = Parameters()
    values = ", ".join(bound.bind(value) for value in to)
    nodes.run(f"INSERT INTO {_POSITION_TABLE} SELECT {values}", bound)


def empty(address: Address, nodes: Nodes, epoch: str) -> None:
    """Forget all rows, and begin a copy of the ledger with this epoch."""
    try:
        before = reached(nodes)
    except Unavailable:  # a whole shard lost its tables, or is away, which is told of next
        before = None
    without = [host for host in nodes.hosts if not _version(address, nodes, host)]
    for host in without:
        _make_tables(address, nodes, host, TABLES[:1])
    before = before or reached(nodes)
    generation = before.generation + 1 if before else 1
    # Of no ledger while rows of another may be left somewhere, or none where some should be.
    reach(nodes, Reached(generation, "", 0))
    for host in without:
        _make(address, nodes, host)
    for host in nodes.hosts:
        for table in (EVENTS, STANDINGS):
            nodes.run_on(host, f"TRUNCATE TABLE {here(address, table)}")
    reach(nodes, Reached(generation + 1, epoch, 0))


def of_another() -> Unavailable:
    """Refuse a copy that is not ours."""
    return Unavailable(
        "events_of_another_ledger",
        "The database of TALLYBOOK_EVENTS_URL holds the events of another ledger; name another "
        "database, or empty this one and load it again with `tallybook rebuild`.",
    )


def _version(address: Address, nodes: Nodes, host: Host | None) -> int:
    """Return the version of a server's tables, 0 where it has none."""
    known = nodes.ask_on(
        host,
        f"SELECT name FROM system.tables WHERE database = '{address.database}' AND name = 'schema'",
    )
    if not known:
        return 0
    versions = nodes.ask_on(host, f"SELECT version FROM {address.database}.schema")
    return max((int(row[0]) for row in versions), default=0)


def _make(address: Address, nodes: Nodes, host: Host | None) -> None:
    """Make the tables of one server; its version comes last, so that half of them are none."""
    _make_tables(address, nodes, host, TABLES)
    nodes.run_on(
        host,
        f"CREATE TABLE IF NOT EXISTS {address.database}.schema (version Int64) "
        "ENGINE = MergeTree ORDER BY version",
    )
    nodes.run_on(host, f"INSERT INTO {address.database}.schema SELECT {VERSION}")


def _make_tables(
    address: Address, nodes: Nodes, host: Host | None, tables: Iterable[Table]
) -> None:
    known = nodes.ask_on(
        host, f"SELECT name FROM system.databases WHERE name = '{address.database}'"
    )
    if not known:  # who may not make one may still use it
        nodes.run_on(host, f"CREATE DATABASE IF NOT EXISTS {address.database} ENGINE = Atomic")
    for table in tables:
        for statement in statements(address, table):
            nodes.run_on(host, statement)


def statements(address: Address, table: Table) -> Iterator[str]:
    """Write what makes a table on a server."""
    local = here(address, table.name)
    engine = f"ReplacingMergeTree({table.newest})"
    if address.replicated:
        path = f"'/clickhouse/tables/{{shard}}/{local}', '{{replica}}'"
        columns = ", ".join(filter(None, (path, table.newest)))
        engine = f"ReplicatedReplacingMergeTree({columns})"
    yield (
        f"CREATE TABLE IF NOT EXISTS {local} {table.columns} ENGINE = {engine} "
        f"ORDER BY {table.order}"
    )
    if address.cluster:
        where = f"'{address.cluster}', '{address.database}', '{table.name}_local'"
        yield (
            f"CREATE TABLE IF NOT EXISTS {address.database}.{table.name} AS {local} "
            f"ENGINE = Distributed({where}, cityHash64({table.spread}))"
        )
