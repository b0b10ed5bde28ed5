"""The ledger on SQLite: concurrent appends share a durable commit; an id counts once for ever.

Whoever finds the writer free commits for all who wait, so there is no thread to start or stop.
"""

import threading
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from tallybook.model.columns import columns
from tallybook.model.errors import Forbidden, TallybookError, Unavailable
from tallybook.model.fact import Columns, Fact, Verdict
from tallybook.model.packed import Batch, together
from tallybook.model.scope import Scope
from tallybook.model.time import micros
from tallybook.model.wire import read_json
from tallybook.stores.ledger import database
from tallybook.stores.ledger.decide import Plan, Request
from tallybook.stores.ledger.frame import compressor, pack
from tallybook.stores.ledger.index import IdIndex
from tallybook.stores.ledger.keys import digests, id_hashes
from tallybook.stores.ledger.reader import Reader
from tallybook.stores.ledger.schema import batches, metadata, traits

#: A commit takes requests until it has so many events; one request always fits.
_COMMIT_EVENTS: Final = 16_384
_REPLAY_EVENTS: Final = 50_000


class SqlLedger:
    """See `model.ports.Ledger`. The folder must be owned (`stores.folder`) while it is open."""

    def __init__(self, folder: Path) -> None:
        """Open or make `ledger.db` and the id index in `runs`, replaying what it lacks.

        Raises:
            Unavailable: `ledger_unreadable` or `ledger_damaged`.
        """
        self._folder = folder
        self._head = 0
        self._closed = False
        self._waiting: deque[Request] = deque()
        self._writing = threading.Lock()
        self._press = compressor()
        self._engine = database.writer(folder / "ledger.db")
        self._readers = database.readers(folder / "ledger.db")
        self._reader = Reader(self._readers)
        self._writer: Connection | None = None
        try:
            self._connect()
            epoch = self._epoch()
            self._seed = int.from_bytes(epoch[:8], "little")
            stored = self._reader.head()
            self._index = IdIndex(folder / "runs", epoch, stored)
            self._replay(stored)
        except DBAPIError as e:
            self._disconnect()
            self._readers.dispose()
            raise Unavailable(
                "ledger_unreadable", f"The ledger cannot be opened: {e.orig}. Run the doctor."
            ) from e
        except BaseException:
            self._disconnect()
            self._readers.dispose()
            raise

    def append(self, scope: Scope, arrivals: Columns, received_at: datetime) -> Sequence[Verdict]:
        """Decide and store a batch durably; see `model.ports.Ledger.append`.

        Raises:
            Unavailable: `ledger_unwritable`; nothing of the batch was acknowledged.
        """
        scope.require("ingest")
        if not arrivals.events:
            return []
        request = Request(arrivals, received_at, self._seed)
        while not request.done:
            request.compare(self._reader.each)
            self._waiting.append(request)
            self._have_decided(request)
        if request.error is not None:
            raise request.error
        return request.verdicts or ()

    def _have_decided(self, request: Request) -> None:
        """Wait until a request is done or unsure; whoever finds the writer free does the work."""
        with self._writing:
            while not request.done and not request.unsure:
                self._commit(self._take())

    def head(self, scope: Scope) -> int:
        """Return the number of the newest entry, 0 when there is none."""
        return self._head

    def read(self, scope: Scope, after: int, limit: int) -> list[Batch]:
        """Return batches with entries above `after`, about `limit` entries, whole batches."""
        if scope.accounts is not None:
            raise Forbidden("verb_not_allowed", "Only the installation reads the whole ledger.")
        return self._reader.read(after, limit, self._head)

    def fetch(self, scope: Scope, seqs: Iterable[int]) -> dict[int, Fact]:
        """Return entries by number, without those of accounts that may not be seen."""
        facts = self._reader.facts(seq for seq in seqs if seq <= self._head)
        if scope.accounts is None:
            return facts
        return {s: f for s, f in facts.items() if scope.sees(read_json(f.wire.decode())["subject"])}

    def seq_at(self, scope: Scope, instant: datetime) -> int:
        """Return the newest entry received at or before an instant."""
        return self._reader.seq_at(micros(instant), self._head)

    def close(self) -> None:
        """Finish the commit at work and close; the writer last, as it owns the checkpoint."""
        with self._writing:
            self._closed = True
            self._index.close()
            self._readers.dispose()
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> list[Request]:
        """Take the requests of the next commit, in the order of their arrival."""
        group = [self._waiting.popleft()]
        events = group[0].arrivals.events
        while self._waiting and events + self._waiting[0].arrivals.events <= _COMMIT_EVENTS:
            group.append(self._waiting.popleft())
            events += group[-1].arrivals.events
        return group

    def _commit(self, group: list[Request]) -> None:
        """Decide and store a group; every request is done or unsure afterwards."""
        try:
            plan = self._store(group)
        except Exception as e:  # noqa: BLE001 - nobody may wait for ever; a refusal is sent instead
            for request in group:
                request.error = _refusal(e)
            # After a failed sync nobody knows what the file holds, so it is opened and read anew.
            self._disconnect()
            return
        for request, verdicts in plan.decided:
            request.verdicts = verdicts

    def _store(self, group: list[Request]) -> Plan:
        connection = self._connected()
        received_at = max(request.received_at for request in group)
        plan = Plan(self._head + 1, received_at)
        plan.take(group, self._index)
        if plan.wires:
            row = pack(plan.first_seq, received_at, plan.wires, self._press)
            with connection.begin():
                connection.execute(insert(batches), row._asdict())
            self._reader.remember(Batch(plan.first_seq, received_at, together(plan.parts)))
            self._index.add(plan.ids, plan.digests)
            self._head = self._index.position
        return plan

    def _connected(self) -> Connection:
        if self._closed:  # the folder may have another owner by now
            raise Unavailable("ledger_closed", "The server is stopping; send the batch again.")
        if self._writer is not None:
            return self._writer
        connection = self._connect()
        # What failed may yet have reached the disk, unacknowledged: then it counts.
        self._replay(self._reader.head())
        return connection

    def _connect(self) -> Connection:
        self._writer = self._engine.connect()
        metadata.create_all(self._writer)
        self._writer.commit()
        return self._writer

    def _disconnect(self) -> None:
        if self._writer is not None:
            with suppress(DBAPIError):
                self._writer.close()
            self._writer = None

    def _epoch(self) -> bytes:
        """Return the mark of this ledger, given to it at its birth."""
        assert self._writer is not None  # noqa: S101 - called by the constructor, after connecting
        with self._writer.begin():
            value = self._writer.scalar(select(traits.c.value).where(traits.c.name == "epoch"))
            if value is None:
                value = uuid.uuid4().hex
                self._writer.execute(insert(traits), {"name": "epoch", "value": value})
        return bytes.fromhex(value)

    def _replay(self, stored: int) -> None:
        """Tell the index every entry up to `stored` that it does not know."""
        self._head = self._index.position
        while self._head < stored:
            for entries in self._reader.entries(self._head, _REPLAY_EVENTS, stored):
                new = columns(entries.wires[self._head + 1 - entries.first_seq :])
                self._index.add(id_hashes(new.source, new.id, self._seed), digests(new.wire))
                self._head = self._index.position


def _refusal(error: Exception) -> TallybookError:
    if isinstance(error, TallybookError):
        return type(error)(error.code, error.detail, **error.facts)
    cause = error.orig if isinstance(error, DBAPIError) else error
    return Unavailable(
        "ledger_unwritable",
        f"The ledger cannot be written: {cause}. Nothing was stored; send the batch again.",
        retry_after=2,
    )
