"""The Events port on ClickHouse: one server or a cluster, which many may load and read."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from threading import Lock
from typing import Any, Final

from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.limits import QUERY_SECONDS_MAX
from tallybook.model.packed import Batch
from tallybook.model.ports import FactQuery, Listed, Loaded
from tallybook.model.scope import Scope
from tallybook.model.usage import (
    PieceRow,
    PiecesQuery,
    Reading,
    ReadingsQuery,
    Traffic,
    TrafficQuery,
    UsageCell,
    UsageQuery,
)
from tallybook.stores.clickhouse import compact, dialect, load, schema
from tallybook.stores.clickhouse.address import Address
from tallybook.stores.clickhouse.nodes import Nodes
from tallybook.stores.clickhouse.schema import Copy
from tallybook.stores.events import answers
from tallybook.stores.events.answers import Rows, Span, Writing
from tallybook.stores.events.dialect import Places

#: A sum is as wide as it must be; one beyond DECIMAL(38,12) is refused, as elsewhere.
_BEYOND: Final = Decimal(10) ** 26


class ClickEvents:
    """Facts as columns in tables that several processes may use.

    Raises:
        Unavailable: from any call, `events_unavailable` where no server answers, and
            `events_of_another_ledger`.
    """

    def __init__(
        self,
        address: Address,
        epoch: str,
        *,
        anew: bool = False,
        query_seconds: int = QUERY_SECONDS_MAX,
    ) -> None:
        """Open the copy of the ledger with this epoch, or make it; `anew` forgets what is there.

        Raises:
            Unavailable: also `schema_newer`.
        """
        self._address = address
        self._epoch = epoch
        self._seen = Copy(0, 0, epoch, 0)
        self._said = 0  # the highest position that anybody here may rely on
        self._seeing = Lock()
        self._nodes = Nodes(address, query_seconds)
        try:
            schema.prepare(address, self._nodes, anew=anew)
            if anew:
                schema.begin(address, self._nodes, epoch)
            elif schema.newest(self._nodes) is None:
                schema.note(self._nodes, schema.fresh(1, epoch))
            self._look()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up all connections; the store cannot be used afterwards."""
        self._nodes.close()

    def position(self, scope: Scope) -> int:
        return self._look().seq

    def load(self, scope: Scope, batches: Sequence[Batch]) -> Loaded:
        copy = self._look()
        loaded = Loaded(*load.load(self._nodes, copy, batches))
        self._require_still(copy, loaded.seq)
        return loaded

    def usage(self, scope: Scope, question: UsageQuery) -> list[UsageCell]:
        return answers.usage(dialect, scope, question, self._ask)

    def pieces(self, scope: Scope, question: PiecesQuery) -> list[PieceRow]:
        return answers.pieces(dialect, scope, question, self._ask)

    def readings(self, scope: Scope, question: ReadingsQuery) -> list[Reading]:
        return answers.readings(dialect, scope, question, self._ask)

    def facts(self, scope: Scope, question: FactQuery) -> list[Listed]:
        return answers.facts(dialect, scope, question, self._ask)

    def traffic(self, scope: Scope, question: TrafficQuery) -> list[Traffic]:
        return answers.traffic(dialect, scope, question, self._ask)

    def types(self, scope: Scope) -> dict[str, int]:
        return answers.types(dialect, scope, self.position(scope), self._ask)

    def compact(self, scope: Scope, before: date) -> int:
        return compact.compact(self._address, self._nodes, before)

    def clear(self, scope: Scope) -> None:
        schema.begin(self._address, self._nodes, self._epoch)
        self._said = 0
        self._look()

    def _ask(self, span: Span, seq: int, writing: Writing) -> Rows:
        """Run a question on the copy that was seen last. It may be given up at any time, and
        another be loaded instead, so this is looked for once the rows are there.
        """
        copy, relied = self._seen, min(seq, self._said)
        places = Places((schema.EVENTS,), corrected=True, terms=(f"copy = {copy.id}",))
        rows = self._nodes.ask(*writing(places))
        self._require_still(copy, relied)
        _require_quantities(rows)
        return rows

    def _require_still(self, copy: Copy, seq: int) -> None:
        """See that a copy is still the one that counts, up to an entry at least."""
        now = self._look()
        if now.id != copy.id or now.seq < seq:
            raise Unavailable(
                "events_unavailable",
                "The events in ClickHouse are being loaded anew; try again later.",
            )

    def _look(self) -> Copy:
        """Return the copy that counts now."""
        found = schema.newest(self._nodes)
        if found is None:
            raise Unavailable(
                "events_unavailable",
                "The events in ClickHouse are being made anew; try again later, or run "
                "`tallybook rebuild` where nobody does.",
            )
        if found.epoch != self._epoch:
            raise schema.of_another()
        if found.id != self._seen.id and not found.seq:
            # Perhaps only one replica knows of it, from one who was cut off: nobody loads or asks a
            # copy before all of them do, or some would count this one and some the one before.
            schema.note(self._nodes, found)
        return self._see(found)

    def _see(self, found: Copy) -> Copy:
        with self._seeing:
            # A replica that was away tells of an older position, until the next load mends it.
            if found.id == self._seen.id:
                found = max(self._seen, found)
            self._seen, self._said = found, max(self._said, found.seq)
            return found


def _require_quantities(rows: Sequence[Sequence[Any]]) -> None:
    numbers = (x for row in rows for x in row if isinstance(x, Decimal))
    if not all(-_BEYOND < x < _BEYOND for x in numbers):
        raise Invalid(
            "quantity_overflow",
            "The sum is beyond what a quantity may be; ask for a shorter range.",
        )
