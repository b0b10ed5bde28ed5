"""The tables, and whose copy they hold. A cluster has each table on every server, under its name
with `_local`, and beside it one of all servers together.
"""

import secrets
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tallybook.model.errors import Unavailable
from tallybook.stores.clickhouse.address import Address, Host
from tallybook.stores.clickhouse.dialect import Parameters
from tallybook.stores.clickhouse.nodes import Nodes
from tallybook.stores.events import standings

VERSION: Final = 1
_ID_BITS: Final = 63

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
    copy Int64 CODEC(ZSTD), seq Int64 CODEC(Delta, ZSTD), source String CODEC(ZSTD),
    id String CODEC(ZSTD), type LowCardinality(String), subject String CODEC(ZSTD),
    time Int64 CODEC(Delta, ZSTD), received Int64 CODEC(Delta, ZSTD), text String EPHEMERAL '{}',
    data JSON DEFAULT CAST(text AS JSON)
)"""
#: How rows of `events` stand, on the shard where those are.
_STANDINGS: Final = """(
    copy Int64, seq Int64, since Int64, standing LowCardinality(String),
    type LowCardinality(String), subject String, time Int64
)"""
#: A copy is named by chance, and so are its rows: whatever else is in the tables is none of it.
#: The copy of the newest generation counts, of two at once that with the greater name; `epoch` is
#: the ledger it is of, up to the greatest `seq`.
_POSITION: Final = "(generation Int64, copy Int64, epoch String, seq Int64)"


#: What is acknowledged is on the disk: a position that outlived its rows would tell of them.
_DURABLE: Final = "fsync_after_insert = 1, fsync_part_directory = 1"


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
    Table(_POSITION_TABLE, _POSITION, "(generation, copy, epoch)", "epoch", newest="seq"),
    Table(EVENTS, _EVENTS, f"(copy, subject, time, seq) PARTITION BY (copy, {MONTH})", "subject"),
    Table(STANDINGS, _STANDINGS, "(copy, subject, seq, since) PARTITION BY copy", "subject"),
)


class Copy(NamedTuple):
    """A copy that the tables hold: of which ledger, and up to which entry."""

    generation: int
    id: int
    epoch: str
    seq: int


def fresh(generation: int, epoch: str) -> Copy:
    """Return an empty copy, which no other is taken for."""
    return Copy(generation, secrets.randbits(_ID_BITS), epoch, 0)


def here(address: Address, table: str) -> str:
    """Name the part of a table that a server itself holds, with its database."""
    return f"{address.database}.{table}{'_local' if address.cluster else ''}"


def prepare(address: Address, nodes: Nodes, *, anew: bool = False) -> None:
    """Make the tables; a server that cannot be reached may be so where another has them.

    One that has none beside others with facts in theirs lost its disk. It gets none here: with
    empty ones it would answer for its shard. What is to be had anew is left to `begin`.

    Raises:
        Unavailable: `schema_newer`, `events_layout_wrong`, `events_unavailable`.
    """
    missing = None
    made: list[Host | None] = []
    without: list[Host | None] = []
    for host in nodes.hosts:
        try:
            _require_cluster(address, nodes, host)
            version = _version(address, nodes, host)
        except Unavailable as e:
            if e.code != "events_unavailable":
                raise
            missing = e
            continue
        (made if version else without).append(host)
    if anew:
        return
    if missing and not made:
        raise missing
    if address.replicated or not any(_holds_facts(address, nodes, host) for host in made):
        for host in without:
            _make(address, nodes, host)


def _holds_facts(address: Address, nodes: Nodes, host: Host | None) -> bool:
    """Ask a server about itself: those together may not answer before all have tables."""
    return bool(nodes.ask_on(host, f"SELECT 1 FROM {here(address, EVENTS)} LIMIT 1"))


def newest(nodes: Nodes) -> Copy | None:
    """Say which copy counts; None before there is any."""
    rows = nodes.ask(
        f"SELECT generation, copy, epoch, max(seq) FROM {_POSITION_TABLE} "
        "GROUP BY generation, copy, epoch ORDER BY generation DESC, copy DESC LIMIT 1",
        Parameters(),
    )
    return Copy(*rows[0]) if rows else None


def note(nodes: Nodes, copy: Copy) -> None:
    """Note how far a copy is; nobody who reads sees its position go back."""
    bound = Parameters()
    values = ", ".join(bound.bind(value) for value in copy)
    nodes.run(f"INSERT INTO {_POSITION_TABLE} SELECT {values}", bound)


def begin(address: Address, nodes: Nodes, epoch: str) -> None:
    """Begin a copy of the ledger with this epoch in place of any that there is.

    It counts from the moment it is noted, everywhere; then the rows of earlier ones, which nobody
    asks for any more, are deleted.
    """
    without = [host for host in nodes.hosts if not _version(address, nodes, host)]
    for host in without:
        _make_tables(address, nodes, host, TABLES[:1])
    known = f"SELECT max(generation) FROM {here(address, _POSITION_TABLE)}"
    generation = 1 + max(nodes.ask_on(host, known)[0][0] or 0 for host in nodes.hosts)
    note(nodes, fresh(generation, epoch))
    # Not before: a server that lost its tables would answer for the copy before this one.
    for host in without:
        _make(address, nodes, host)
    for host in nodes.hosts:
        for table in (EVENTS, STANDINGS):
            _delete_before(address, nodes, host, table, generation)


def _delete_before(
    address: Address, nodes: Nodes, host: Host | None, table: str, generation: int
) -> None:
    """Delete a server's rows of the copies before a generation."""
    parts = nodes.ask_on(
        host,
        "SELECT DISTINCT partition_id FROM system.parts "
        f"WHERE active AND database || '.' || table = '{here(address, table)}'",
    )
    # Asked for after the rows: a copy is noted before it has any.
    kept = nodes.ask_on(
        host,
        f"SELECT copy FROM {address.database}.{_POSITION_TABLE} WHERE generation >= {generation}",
    )
    for (part,) in parts:
        if int(part.partition("-")[0]) not in {copy for (copy,) in kept}:
            nodes.run_on(host, f"ALTER TABLE {here(address, table)} DROP PARTITION ID '{part}'")


def of_another() -> Unavailable:
    """Refuse a copy that is not ours."""
    return Unavailable(
        "events_of_another_ledger",
        "The database of TALLYBOOK_EVENTS_URL holds the events of another ledger; name another "
        "database, or empty this one and load it again with `tallybook rebuild`.",
    )


def _require_cluster(address: Address, nodes: Nodes, host: Host | None) -> None:
    """See that the address is of the whole cluster, as a server knows it, and writes as it does."""
    if address.cluster is None:
        return
    found = nodes.ask_on(
        host,
        "SELECT count(), countIf(internal_replication), count() > uniqExact(shard_num) "
        f"FROM system.clusters WHERE cluster = '{address.cluster}'",
    )
    ((servers, copying, has_replicas),) = found
    if servers != len(nodes.hosts):
        raise _layout_wrong(
            f"names {len(nodes.hosts)} servers, and {host} knows {servers} of the cluster "
            f"{address.cluster}; name every replica of every shard"
        )
    if has_replicas and copying != (servers if address.replicated else 0):
        raise _layout_wrong(
            "has replicated=true exactly where internal_replication is true on the servers, for "
            f"all shards of the cluster {address.cluster}; make them agree"
        )


def _layout_wrong(reason: str) -> Unavailable:
    return Unavailable("events_layout_wrong", f"TALLYBOOK_EVENTS_URL {reason}.")


def _version(address: Address, nodes: Nodes, host: Host | None) -> int:
    """Return the version of a server's tables, 0 where it has none.

    Raises:
        Unavailable: `schema_newer`; `events_layout_wrong`, where they are of another layout.
    """
    known = nodes.ask_on(
        host,
        f"SELECT name FROM system.tables WHERE database = '{address.database}' AND name = 'schema'",
    )
    if not known:
        return 0
    schema = f"{address.database}.schema"
    version: int = nodes.ask_on(host, f"SELECT coalesce(max(version), 0) FROM {schema}")[0][0]
    if version > VERSION:
        raise Unavailable(
            "schema_newer",
            f"The events in ClickHouse were written by a newer Tallybook (schema {version}; "
            f"this one knows {VERSION}); run that version, or name another database.",
        )
    for cluster, replicated in nodes.ask_on(host, f"SELECT cluster, replicated FROM {schema}"):
        if (cluster, replicated) != (address.cluster or "", address.replicated):
            made = f"cluster={cluster}" if cluster else "no cluster"
            made += "&replicated=true" if replicated else ""
            raise _layout_wrong(
                f"names a database whose tables on {host} were made with {made}; write it so, or "
                "name another database"
            )
    return version


def _make(address: Address, nodes: Nodes, host: Host | None) -> None:
    """Make the tables of one server; its version comes last, so that half of them are none."""
    _make_tables(address, nodes, host, TABLES)
    nodes.run_on(
        host,
        f"CREATE TABLE IF NOT EXISTS {address.database}.schema (version Int64, cluster String, "
        f"replicated Bool) ENGINE = MergeTree ORDER BY version SETTINGS {_DURABLE}",
    )
    values = f"{VERSION}, '{address.cluster or ''}', {address.replicated}"
    nodes.run_on(host, f"INSERT INTO {address.database}.schema SELECT {values}")


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
        f"ORDER BY {table.order} SETTINGS {_DURABLE}"
    )
    if address.cluster:
        where = f"'{address.cluster}', '{address.database}', '{table.name}_local'"
        yield (
            f"CREATE TABLE IF NOT EXISTS {address.database}.{table.name} AS {local} "
            f"ENGINE = Distributed({where}, cityHash64({table.spread}))"
        )
