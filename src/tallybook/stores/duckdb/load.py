"""Adding entries of the ledger: events to the arrival table, corrections to the standings, with the
position reached, in one commit.
"""

from collections.abc import Callable, Sequence

import duckdb
from nanoarrow.c_array import CArray

from tallybook.model.packed import Batch, Touched, all_touched
from tallybook.stores.duckdb.schema import commit
from tallybook.stores.events import gather
from tallybook.stores.events.gather import Commit
from tallybook.stores.events.texts import lines

_INSERT = "INSERT INTO tail BY NAME SELECT * REPLACE (nullif(data, 'null') AS data) FROM arrived"
_CORRECT = "INSERT INTO standings BY NAME FROM arrived"


def position(db: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the newest entry that is loaded, 0 when there is none."""
    rows = db.execute("SELECT seq FROM position").fetchall()
    return int(rows[0][0]) if rows else 0


def load(
    db: duckdb.DuckDBPyConnection,
    batches: Sequence[Batch],
    coming: Callable[[Commit], None],
) -> tuple[int, Touched]:
    """Add what is new; return the position reached and, by event type, the accounts touched.

    `coming` is told what will be there before anyone can see it.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    seq = position(db)
    touched: list[Touched] = []
    for step in gather.commits(batches, seq):
        seq = step.seq
        touched.append(step.touched)
        coming(step)
        with commit(db):
            if step.seqs.size:
                _insert(db, _INSERT, gather.table(step, lines))
            if step.stands:
                _insert(db, _CORRECT, gather.standings(step))
            db.execute("UPDATE position SET seq = $seq", {"seq": seq})
    return seq, all_touched(touched)


def _insert(db: duckdb.DuckDBPyConnection, statement: str, arrived: CArray) -> None:
    """Run a statement that reads an Arrow table, which the engine does where it lies."""
    db.register("arrived", arrived)
    db.execute(statement)
    db.unregister("arrived")
