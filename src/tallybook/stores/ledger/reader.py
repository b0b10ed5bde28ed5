"""Reading the ledger: rows checked and expanded, with the last few kept for who asks next."""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from tallybook.model.columns import columns
from tallybook.model.errors import Unavailable
from tallybook.model.fact import Fact
from tallybook.model.packed import Batch, pack
from tallybook.stores.ledger.frame import Entries, Row, unpack
from tallybook.stores.ledger.schema import batches

_KEPT: Final = 8
#: So much of the newest entries stays in memory for the loader, read already.
_RECENT_EVENTS_MAX: Final = 131_072
_RECENT_BATCHES_MAX: Final = 4_096
_RECENT_BYTES_MAX: Final = 64 * 1024 * 1024
#: A step of the loader holds its events several times over: so many bytes of them end it as well.
_READ_BYTES_MAX: Final = 64 * 1024 * 1024

_FROM = select(
    batches.c.first_seq,
    batches.c.events,
    batches.c.received_at,
    batches.c.checksum,
    batches.c.payload,
)


class Reader:
    """Reads rows through its own connections; safe for many threads."""

    def __init__(self, engine: Engine, advice: str) -> None:
        """Read through this engine; `advice` ends what is said when it cannot."""
        self._engine = engine
        self._advice = advice
        self._kept: OrderedDict[int, Entries] = OrderedDict()
        self._recent: deque[Batch] = deque()
        self._recent_events = self._recent_bytes = 0
        self._lock = threading.Lock()

    def head(self) -> int:
        """Return the number of the newest entry stored, 0 when there is none."""
        last = batches.c.first_seq + batches.c.events - 1
        question = select(last).order_by(batches.c.first_seq.desc()).limit(1)
        with self.connect() as connection:
            return connection.scalar(question) or 0

    def seq_at(self, at: int, head: int) -> int:
        """Return the last entry up to `head` before the first received after `at` (microseconds).

        A clock that lags may put an earlier instant behind a later one; what was said to be known
        at an instant is not changed by that.
        """
        later = (batches.c.received_at > at) & (batches.c.first_seq <= head)
        with self.connect() as connection:
            first: int | None = connection.scalar(
                select(func.min(batches.c.first_seq)).where(later)
            )
        return head if first is None else first - 1

    def remember(self, batch: Batch) -> None:
        """Keep what was just stored: whoever loads it soon need not read it again."""
        with self._lock:
            if self._recent and self._recent[-1].last_seq + 1 != batch.first_seq:
                self._forget(before=batch.first_seq)
            self._recent.append(batch)
            self._recent_events += batch.events.size
            self._recent_bytes += batch.events.byte_count
            while (
                self._recent_events > _RECENT_EVENTS_MAX
                or self._recent_bytes > _RECENT_BYTES_MAX
                or len(self._recent) > _RECENT_BATCHES_MAX
            ):
                self._forget(before=self._recent[0].last_seq + 1)

    def _forget(self, before: int) -> None:
        while self._recent and self._recent[0].last_seq < before:
            gone = self._recent.popleft().events
            self._recent_events -= gone.size
            self._recent_bytes -= gone.byte_count

    def _recall(self, after: int, limit: int, head: int) -> list[Batch]:
        """Return the next batches from memory; none where they do not begin there."""
        found: list[Batch] = []
        with self._lock:
            self._forget(before=after + 1)  # one loader reads on and on, and never back
            if not self._recent or self._recent[0].first_seq > after + 1:
                return found
            for batch in self._recent:
                if batch.first_seq > head or limit <= 0:
                    break
                found.append(batch)
                limit -= batch.events.size
        return found

    def read(self, after: int, limit: int, head: int) -> list[Batch]:
        """Return whole batches with entries in (after, head], about `limit` entries."""
        return self._recall(after, limit, head) or [
            Batch(entries.first_seq, entries.received_at, pack(columns(entries.wires)))
            for entries in self.entries(after, limit, head)
        ]

    def entries(self, after: int, limit: int, head: int) -> list[Entries]:
        """Return the stored wires of whole batches, as `read`."""
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
        found: list[Entries] = []
        total = size = 0
        with self.connect() as connection:
            stream = connection.execution_options(yield_per=1)
            with stream.execute(question) as rows:
                for row in map(Row._make, rows):
                    if row.first_seq + row.events - 1 <= after:
                        continue
                    found.append(unpack(row))
                    total += row.events
                    size += sum(map(len, found[-1].wires))
                    if total >= limit or size >= _READ_BYTES_MAX:
                        break
        return found

    def facts(self, seqs: Iterable[int]) -> dict[int, Fact]:
        """Return entries by number; numbers that are not there are left out."""
        return {fact.seq: fact for fact in self.each(seqs)}

    def each(self, seqs: Iterable[int]) -> Iterator[Fact]:
        """Yield entries in order of their numbers, so that each row is read once."""
        entries: Entries | None = None
        for seq in sorted(set(seqs)):
            if entries is None or seq > entries.last_seq:
                entries = self._holding(seq)
            if entries is not None:
                wire = entries.wires[seq - entries.first_seq]
                yield Fact(seq, entries.received_at, wire)

    def _holding(self, seq: int) -> Entries | None:
        with self._lock:
            for first, entries in self._kept.items():
                if first <= seq <= entries.last_seq:
                    self._kept.move_to_end(first)
                    return entries
        question = (
            _FROM.where(batches.c.first_seq <= seq).order_by(batches.c.first_seq.desc()).limit(1)
        )
        with self.connect() as connection:
            found = connection.execute(question).first()
        if found is None or seq >= found.first_seq + found.events:
            return None
        entries = unpack(Row._make(found))
        with self._lock:
            self._kept[entries.first_seq] = entries
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return entries

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a transaction that reads.

        Raises:
            Unavailable: `ledger_unreadable`.
        """
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as e:
            raise Unavailable(
                "ledger_unreadable", f"The ledger cannot be read ({cause(e)}); {self._advice}."
            ) from e


def cause(error: DBAPIError) -> str:
    """Return what the database says, in one line."""
    return str(error.orig).strip().partition("\n")[0]
