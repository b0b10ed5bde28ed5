"""The ledger in SQL: concurrent appends share a durable commit; an id counts once for ever.

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

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from tallybook.model.errors import Forbidden, Overloaded, TallybookError, Unavailable
from tallybook.model.fact import Columns, Fact, Verdict
from tallybook.model.packed import Batch, together
from tallybook.model.scope import Scope
from tallybook.model.time import micros
from tallybook.model.wire import read_json
from tallybook.stores.ledger.closed import refuse_closed
from tallybook.stores.ledger.decide import Plan, Request
from tallybook.stores.ledger.embedded import Embedded
from tallybook.stores.ledger.frame import compressor, pack
from tallybook.stores.ledger.home import Home
from tallybook.stores.ledger.keys import id_hashes
from tallybook.stores.ledger.reader import Reader, cause
from tallybook.stores.ledger.schema import MOVED, batches, traits
from tallybook.stores.ledger.shared import Shared

#: A commit takes requests until it has so many events; one request always fits.
_COMMIT_EVENTS: Final = 16_384
_BEHIND: Final = (
    "The server that the ledger is read from lags behind the one that is written to; name all of "
    "them in TALLYBOOK_DATABASE_URL. Nothing was acknowledged; send the batch again."
)


class SqlLedger:
    """See `model.ports.Ledger`. A folder must be owned (`stores.folder`) while it is open."""

    def __init__(self, place: Path | URL, *, moving: bool = False) -> None:
        """Open or make the ledger in a folder, or in a PostgreSQL database (`stores.postgresql`).

        A move, which has its own hold on both, opens one that is closed to servers, too.

        Raises:
            Unavailable: `ledger_unreadable`, `ledger_damaged`, `schema_newer`; `move_unfinished`,
                `folder_moved`.
        """
        self._home: Home = (
            Embedded(place) if isinstance(place, Path) else Shared(place, moving=moving)
        )
        self._closed = self._has_turn = False
        self._waiting: deque[Request] = deque()
        self._writing = threading.Lock()
        self._press = compressor()
        self._reader = Reader(self._home.readers, self._home.advice)
        self._writer: Connection | None = None
        try:
            if not moving:
                self._home.enter()
            connection, epoch = self._connect()
            if not moving:
                with connection.begin():
                    refuse_closed(connection)
            #: The mark of this ledger, given to it at its birth.
            self.epoch = epoch.hex()
            self._seed = int.from_bytes(epoch[:8], "little")
            self._home.start(epoch, self._reader)
        except DBAPIError as e:
            self._give_up()
            raise Unavailable(
                "ledger_unreadable",
                f"The ledger cannot be opened ({cause(e)}); {self._home.advice}.",
            ) from e
        except BaseException:
            self._give_up()
            raise

    def append(self, scope: Scope, arrivals: Columns, received_at: datetime) -> Sequence[Verdict]:
        """Decide and store a batch durably; see `model.ports.Ledger.append`.

        Raises:
            Unavailable: `ledger_unwritable`; nothing of the batch was acknowledged. Where the
                connection broke during the commit, nobody knows whether it is stored.
            Overloaded: `ledger_behind`; nothing of it was stored, as what is stored already cannot
                be read yet.
        """
        scope.require("ingest")
        if not arrivals.events:
            return []
        request = Request(arrivals, received_at, self._seed)
        while not request.done:
            if not request.compare(self._reader.each):
                raise Overloaded("ledger_behind", _BEHIND, retry_after=1)
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

    def check(self, scope: Scope) -> None:
        """Raise what `append` would, where that can be told without storing anything.

        Raises:
            Unavailable: `ledger_unwritable`, `ledger_unreadable`.
        """
        with self._reader.connect() as connection:
            self._home.check(connection)

    def head(self, scope: Scope) -> int:
        """Return the number of the newest entry, 0 when there is none."""
        return self._home.head(self._reader)

    def read(self, scope: Scope, after: int, limit: int) -> list[Batch]:
        """Return batches with entries above `after`, about `limit` entries, whole batches."""
        if scope.accounts is not None:
            raise Forbidden("verb_not_allowed", "Only the installation reads the whole ledger.")
        return self._reader.read(after, limit, self.head(scope))

    def find(self, scope: Scope, ids: Sequence[tuple[str, str]]) -> list[int | None]:
        """Return the entry of each (source, id), None where there is none that may be seen."""
        if not ids:
            return []
        sources, names = zip(*ids, strict=True)
        known = self._home.known(id_hashes(sources, names, self._seed), self._reader)
        seqs = [known[i].seq if i in known else None for i in range(len(ids))]
        if scope.accounts is None:
            return seqs
        seen = self.fetch(scope, (seq for seq in seqs if seq is not None))
        return [seq if seq in seen else None for seq in seqs]

    def fetch(self, scope: Scope, seqs: Iterable[int]) -> dict[int, Fact]:
        """Return entries by number, without those of accounts that may not be seen."""
        head = self.head(scope)
        facts = self._reader.facts(seq for seq in seqs if seq <= head)
        if scope.accounts is None:
            return facts
        return {s: f for s, f in facts.items() if scope.sees(read_json(f.wire.decode())["subject"])}

    def seq_at(self, scope: Scope, instant: datetime) -> int:
        """Return the last entry before the first that was received after an instant."""
        return self._reader.seq_at(micros(instant), self.head(scope))

    def moved_to(self) -> str | None:
        """Return where the ledger was moved to."""
        with self._reader.connect() as connection:
            return _trait(connection, MOVED)

    def note_moved(self, to: str | None) -> None:
        """Note durably where the ledger was moved to, without a password, or forget it."""
        with self._writing:
            connection = self._connected()
            with connection.begin():
                connection.execute(delete(traits).where(traits.c.name == MOVED))
                if to is not None:
                    connection.execute(insert(traits), {"name": MOVED, "value": to})

    def close(self) -> None:
        """Finish the commit at work and close; the writer last, as it owns the checkpoint."""
        with self._writing:
            self._closed = True
            self._home.close()
            self._give_up()

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
        try:
            return self._store_once(group)
        except DBAPIError as e:
            if self._has_turn or not e.connection_invalidated:
                raise
        # The server was started again since the last commit, and nothing was asked of it yet.
        self._disconnect()
        return self._store_once(group)

    def _store_once(self, group: list[Request]) -> Plan:
        self._has_turn = False
        connection = self._connected()
        received_at = max(request.received_at for request in group)
        with connection.begin():
            head = self._home.begin(connection)
            self._has_turn = True
            plan = Plan(head + 1, received_at)
            plan.take(group, self._home)
            if plan.wires:
                row = pack(plan.first_seq, received_at, plan.wires, self._press)
                connection.execute(insert(batches), row._asdict())
                self._home.store(plan.first_seq, plan.ids, plan.digests)
        if plan.wires:
            self._reader.remember(Batch(plan.first_seq, received_at, together(plan.parts)))
            self._home.stored(plan.ids, plan.digests)
        return plan

    def _connected(self) -> Connection:
        if self._closed:  # the folder may have another owner by now
            raise Unavailable("ledger_closed", "The server is stopping; send the batch again.")
        if self._writer is not None:
            return self._writer
        connection, _ = self._connect()
        self._home.resume(self._reader)
        return connection

    def _connect(self) -> tuple[Connection, bytes]:
        """Return the connection that writes, and the mark of this ledger."""
        self._writer = self._home.writer.connect()
        with self._writer.begin():
            self._home.prepare(self._writer)
            return self._writer, _epoch(self._writer)

    def _disconnect(self) -> None:
        if self._writer is not None:
            with suppress(DBAPIError):
                self._writer.close()
            self._writer = None

    def _give_up(self) -> None:
        """Close all connections, the writer last: it makes the final checkpoint."""
        self._home.readers.dispose()
        self._disconnect()
        self._home.writer.dispose()
        self._home.leave()


def _epoch(connection: Connection) -> bytes:
    """Return the mark of a ledger, given to it at its birth."""
    value = _trait(connection, "epoch")
    if value is None:
        value = uuid.uuid4().hex
        connection.execute(insert(traits), {"name": "epoch", "value": value})
    return bytes.fromhex(value)


def _trait(connection: Connection, name: str) -> str | None:
    value: str | None = connection.scalar(select(traits.c.value).where(traits.c.name == name))
    return value


def _refusal(error: Exception) -> TallybookError:
    if isinstance(error, TallybookError):
        return type(error)(error.code, error.detail, **error.facts)
    why = cause(error) if isinstance(error, DBAPIError) else error
    return Unavailable(
        "ledger_unwritable",
        f"The ledger cannot be written ({why}). Nothing was acknowledged; send the batch again: "
        "what is stored already counts once.",
        retry_after=2,
    )
