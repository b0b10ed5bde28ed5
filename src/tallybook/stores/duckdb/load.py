"""Adding entries of the ledger to the arrival table, with the position reached, in one commit."""

from collections.abc import Callable, Sequence

import duckdb

from tallybook.model.packed import Batch, Touched, all_touched
from tallybook.stores.duckdb.schema import commit
from tallybook.stores.events import gather
from tallybook.stores.events.texts import lines

_INSERT = "INSERT INTO tail BY NAME SELECT * REPLACE (nullif(data, 'null') AS data) FROM arrived"


def position(db: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the newest entry that is loaded, 0 when there is none."""
    rows = db.execute("SELECT seq FROM position").fetchall()
    return int(rows[0][0]) if rows else 0


def load(
    db: duckdb.DuckDBPyConnection,
    batches: Sequence[Batch],
    coming: Callable[[int, int], None],
) -> tuple[int, Touched]:
    """Add what is new; return the position reached and, by event type, the accounts touched.

    `coming` is told the first and last time of rows before anyone can see them.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    seq = position(db)
    touched: list[Touched] = []
    for group in gather.commits(batches, seq):
        seq = group[-1].last_seq
        touched += [batch.events.touched for batch in group]
        times = gather.times(group)
        # The engine reads the table where it lies.
        db.register("arrived", gather.table(group, times, lines))
        coming(int(times.min()), int(times.max()))
        with commit(db):
            db.execute(_INSERT)
            db.execute("UPDATE position SET seq = $seq", {"seq": seq})
        db.unregister("arrived")
    return seq, all_touched(touched)
