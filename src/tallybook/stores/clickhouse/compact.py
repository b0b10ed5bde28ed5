"""Merging the parts of closed months, so that reading them as if merged costs next to nothing."""

from datetime import date
from typing import Final

from tallybook.model.errors import Unavailable
from tallybook.stores.clickhouse.address import Address, Host
from tallybook.stores.clickhouse.nodes import Nodes
from tallybook.stores.clickhouse.schema import EVENTS, here

#: A month is merged whole when at least this part of its rows waits outside of its largest part.
_WORTH: Final = 100


def compact(address: Address, nodes: Nodes, before: date) -> int:
    """Merge each month that ended before a day into one part, on every server that answers; return
    how many rows were moved.

    Raises:
        Unavailable: none of them answers.
    """
    moved, missing = 0, []
    for host in nodes.hosts:
        try:
            moved += _on(address, nodes, host, before)
        except Unavailable as e:
            missing.append(e)
    if len(missing) == len(nodes.hosts):
        raise missing[0]
    return moved


def _on(address: Address, nodes: Nodes, host: Host | None, before: date) -> int:
    table = here(address, EVENTS)
    months = nodes.ask_on(
        host,
        "SELECT partition_id, sum(rows), max(rows) FROM system.parts "
        f"WHERE active AND database || '.' || table = '{table}' "
        f"AND splitByChar('-', partition_id)[2] < '{before:%Y%m}' "
        "GROUP BY partition_id HAVING count() > 1 ORDER BY partition_id",
    )
    moved = 0
    for month, rows, largest in months:
        if (rows - largest) * _WORTH >= largest:
            nodes.run_on(host, f"OPTIMIZE TABLE {table} PARTITION ID '{month}' FINAL")
            moved += rows
    return moved
