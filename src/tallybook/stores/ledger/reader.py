"""Reading the ledger: rows checked and expanded, with the last few kept for who asks next."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from tallybook.model.errors import Unavailable
from tallybook.model.fact import Batch, Fact
from tallybook.stores.ledger.frame import Row, unpack
from tallybook.stores.ledger.schema import batches

_KEPT: Final = 8

_FROM = select(
    batches.c.first_seq,
    batches.c.events,
    batches.c.received_at,
    batches.c.checksum,
    batches.c.payload,
)


class Reader:
    """Reads rows through its own connections; safe for many threads."""

    def __init__(self, engine: Engine) -> None:
        """Read through this engine."""
        self._engine = engine
        self._kept: OrderedDict[int, Batch] = OrderedDict()
        self._lock = threading.Lock()

    def head(self) -> int:
        """Return the number of the newest entry stored, 0 when there is none."""
        return self.newest(batches.c.first_seq > 0)

    def newest(self, condition: object) -> int:
        """Return the number of the newest entry among the rows of a condition, or 0."""
        question = (
            select(batches.c.first_seq + batches.c.events - 1)
            .where(condition)  # type: ignore[arg-type]  # what SQLAlchemy compares
            .order_by(batches.c.first_seq.desc())
            .limit(1)
        )
        with self._connect() as connection:
            return connection.scalar(question) or 0

    def seq_at(self, at: int, head: int) -> int:
        """Return the newest entry up to `head` received at or before `at` (microseconds)."""
        return self.newest((batches.c.received_at <= at) & (batches.c.first_seq <= head))

    def read(self, after: int, limit: int, head: int) -> list[Batch]:
        """Return whole batches with entries in (after, head], about `limit` entries."""
        holder = (
            select(batches.c.first_seq)
            .where(batches.c.first_seq <= after + 1)
            .order_by(batches.c.first_seq.desc())
            .limit(1)
            .scalar_subquery()
        )
        question = _FROM.where(batches.c.first_seq >= holder, batches.c.first_seq <= head).order_by(
            batches.c.first_seq
        )
        found: list[Batch] = []
        total = 0
        with self._connect() as connection:
            rows = connection.execution_options(yield_per=1).execute(question)
            for row in map(Row._make, rows):
                if row.first_seq + row.events - 1 <= after:
                    continue
                found.append(unpack(row))
                total += row.events
                if total >= limit:
                    break
            rows.close()
        return found

    def facts(self, seqs: Iterable[int]) -> dict[int, Fact]:
        """Return entries by number; numbers that are not there are left out."""
        found: dict[int, Fact] = {}
        batch: Batch | None = None
        for seq in sorted(set(seqs)):
            if batch is None or not seq < batch.first_seq + len(batch.wires):
                batch = self._holding(seq)
            if batch is not None:
                found[seq] = Fact(seq, batch.received_at, batch.wires[seq - batch.first_seq])
        return found

    def _holding(self, seq: int) -> Batch | None:
        with self._lock:
            for first, batch in self._kept.items():
                if first <= seq < first + len(batch.wires):
                    self._kept.move_to_end(first)
                    return batch
        question = (
            _FROM.where(batches.c.first_seq <= seq).order_by(batches.c.first_seq.desc()).limit(1)
        )
        with self._connect() as connection:
            found = connection.execute(question).first()
        if found is None or seq >= found.first_seq + found.events:
            return None
        batch = unpack(Row._make(found))
        with self._lock:
            self._kept[batch.first_seq] = batch
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return batch

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with unreadable(), self._engine.connect() as connection:
            yield connection


@contextmanager
def unreadable() -> Iterator[None]:
    """Turn what the database says into what the caller may do."""
    try:
        yield
    except DBAPIError as e:
        raise Unavailable(
            "ledger_unreadable", f"The ledger cannot be read: {e.orig}. Run the doctor."
        ) from e


Fetch = Callable[[int], Fact]
