"""The tables, and whose copy they hold. A cluster has each table on every server, under its name
with `_local`, and beside it one of all servers together.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tallybook.model.errors import Unavailable
from tallybook.stores.clickhouse.address import Address, Host
from tallybook.stores.clickhouse.dialect import Parameters
from tallybook.stores.clickhouse.nodes import Nodes

VERSION: Final = 1

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
#: The newest generation is the one that counts; `epoch` is the ledger it is a copy of, up to the
#: greatest `seq`. To empty the tables begins a generation, so that the position of a load that
#: was under way is not believed.
_POSITION: Final = "(generation Int64, epoch String, seq Int64)"


class Tables(NamedTuple):
    """The names of the tables that are read and written."""

    events: str
    position: str
    schema: str


class Stand(NamedTuple):
    """Which copy the tables hold: its generation, of which ledger, and up to which entry."""

    generation: int
    epoch: str
    seq: int


def tables(address: Address) -> Tables:
    """Name the tables, of the whole cluster where there is one."""
    return Tables(*(f"{address.database}.{name}" for name in Tables._fields))


def here(address: Address, table: str) -> str:
    """Name the part of a table that a server itself holds."""
    return f"{table}_local" if address.cluster else table


def prepare(address: Address, nodes: Nodes) -> None:
    """Make what is missing, on every server; one that cannot be reached may be so where another
    has the tables.

    Raises:
        Unavailable: `schema_newer`, `events_unavailable`.
    """
    made, missing = 0, None
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
            _make(address, nodes, host)
    if missing and not made:
        raise missing


def stand(nodes: Nodes, names: Tables) -> Stand | None:
    """Say which copy the tables hold; None before there is any.

    Raises:
        Unavailable: `events_of_another_ledger`, where two ledgers began to fill them at once.
    """
    found = nodes.ask(
        f"SELECT generation, epoch, max(seq) FROM {names.position} "
        "GROUP BY generation, epoch ORDER BY generation DESC, epoch LIMIT 2",
        Parameters(),
    )
    stands = [Stand(*row) for row in found]
    if len(stands) > 1 and stands[0].generation == stands[1].generation:
        raise of_another()
    return stands[0] if stands else None


def reach(nodes: Nodes, names: Tables, stand: Stand) -> None:
    """Note how far a copy is; nobody who reads sees the position go back."""
    bound = Parameters()
    values = ", ".join(bound.bind(value) for value in stand)
    nodes.run(f"INSERT INTO {names.position} SELECT {values}", bound)


def empty(address: Address, nodes: Nodes, epoch: str) -> None:
    """Forget all rows, and begin a copy of the ledger with this epoch."""
    names = tables(address)
    before = stand(nodes, names)
    generation = before.generation + 1 if before else 1
    # Of no ledger while rows of another may be left somewhere.
    reach(nodes, names, Stand(generation, "", 0))
    for host in nodes.hosts:
        nodes.run_on(host, f"TRUNCATE TABLE {here(address, names.events)}")
    reach(nodes, names, Stand(generation + 1, epoch, 0))


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
    versions = nodes.ask_on(host, f"SELECT version FROM {tables(address).schema}")
    return max((int(row[0]) for row in versions), default=0)


def _make(address: Address, nodes: Nodes, host: Host | None) -> None:
    """Make the tables of one server; its version comes last, so that half of them are none."""
    known = nodes.ask_on(
        host, f"SELECT name FROM system.databases WHERE name = '{address.database}'"
    )
    if not known:  # who may not make one may still use it
        nodes.run_on(host, f"CREATE DATABASE IF NOT EXISTS {address.database} ENGINE = Atomic")
    names = tables(address)
    order = f"ORDER BY (subject, time, seq) PARTITION BY {MONTH}"
    for statement in (
        *_table(address, names.events, _EVENTS, "()", order, "subject"),
        *_table(
            address, names.position, _POSITION, "(seq)", "ORDER BY (generation, epoch)", "epoch"
        ),
    ):
        nodes.run_on(host, statement)
    nodes.run_on(
        host,
        f"CREATE TABLE IF NOT EXISTS {names.schema} (version Int64) "
        "ENGINE = MergeTree ORDER BY version",
    )
    nodes.run_on(host, f"INSERT INTO {names.schema} SELECT {VERSION}")


def _table(
    address: Address, name: str, columns: str, newest: str, order: str, spread: str
) -> Iterator[str]:
    local = here(address, name)
    engine = f"ReplacingMergeTree{newest}"
    if address.replicated:
        path = f"'/clickhouse/tables/{{shard}}/{local}', '{{replica}}'"
        engine = f"ReplicatedReplacingMergeTree({', '.join(filter(None, [path, newest[1:-1]]))})"
    yield f"CREATE TABLE IF NOT EXISTS {local} {columns} ENGINE = {engine} {order}"
    if address.cluster:
        where = f"'{address.cluster}', '{address.database}', '{local.partition('.')[2]}'"
        yield (
            f"CREATE TABLE IF NOT EXISTS {name} AS {local} "
            f"ENGINE = Distributed({where}, cityHash64({spread}))"
        )
