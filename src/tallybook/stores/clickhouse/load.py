"""Adding entries of the ledger: rows first, and the position when they are stored.

There is no transaction over both. Rows beyond the position may be there, from a load that was cut
off or is under way in another process; no question sees them, and the next load adds the same
again, which is one row.
"""

import io
from collections.abc import Sequence
from functools import partial
from typing import Final

from nanoarrow.c_array import CArray
from nanoarrow.ipc import StreamWriter

from tallybook.model.packed import Batch, Touched, all_touched
from tallybook.stores.clickhouse import schema
from tallybook.stores.clickhouse.dialect import kept
from tallybook.stores.clickhouse.nodes import Nodes
from tallybook.stores.clickhouse.schema import Stand, Tables
from tallybook.stores.events import gather
from tallybook.stores.events.texts import flat_lines

_COLUMNS: Final = ("seq", "source", "id", "type", "subject", "time", "received", "text")
_lines = partial(flat_lines, naming=kept)


def load(
    nodes: Nodes, names: Tables, stand: Stand, batches: Sequence[Batch]
) -> tuple[int, Touched]:
    """Add what is new; return the position reached and, by event type, the accounts touched.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    seq = stand.seq
    touched: list[Touched] = []
    for group in gather.commits(batches, seq):
        seq = group[-1].last_seq
        touched += [batch.events.touched for batch in group]
        block = _stream(gather.table(group, gather.times(group), _lines, "text"))
        nodes.insert(names.events, _COLUMNS, block)
        schema.reach(nodes, names, stand._replace(seq=seq))
    return seq, all_touched(touched)


def _stream(table: CArray) -> bytes:
    written = io.BytesIO()
    with StreamWriter.from_writable(written) as writer:
        writer.write_array(table)
    return written.getvalue()
