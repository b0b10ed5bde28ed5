"""Adding entries of the ledger: what they bring first, and the position when that is stored.

There is no transaction over both. Rows beyond the position may be there, from a load that was cut
off or is under way in another process; no question sees them, and the next load adds the same
again, which is one row. Rows of a copy that has been given up meanwhile are seen by nobody.
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
from tallybook.stores.clickhouse.schema import EVENTS, STANDINGS, Copy
from tallybook.stores.events import gather
from tallybook.stores.events.texts import flat_lines

_EVENT: Final = ("seq", "source", "id", "type", "subject", "time", "received", "text", "copy")
_STANDING: Final = ("seq", "since", "standing", "type", "subject", "time", "copy")
_lines = partial(flat_lines, naming=kept)


def load(nodes: Nodes, copy: Copy, batches: Sequence[Batch]) -> tuple[int, Touched]:
    """Add what is new to a copy; return the position reached and, by event type, the accounts
    touched.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    seq = copy.seq
    touched: list[Touched] = []
    for step in gather.commits(batches, seq):
        seq = step.seq
        touched.append(step.touched)
        if step.seqs.size:
            nodes.insert(EVENTS, _EVENT, _stream(gather.table(step, _lines, "text", copy=copy.id)))
        if step.stands:
            nodes.insert(STANDINGS, _STANDING, _stream(gather.standings(step, copy=copy.id)))
        schema.note(nodes, copy._replace(seq=seq))
    return seq, all_touched(touched)


def _stream(table: CArray) -> bytes:
    written = io.BytesIO()
    with StreamWriter.from_writable(written) as writer:
        writer.write_array(table)
    return written.getvalue()
