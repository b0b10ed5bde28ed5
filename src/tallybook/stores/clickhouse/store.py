"""The Events port on ClickHouse: one server or a cluster, which many may load and read."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from threading import Lock
from typing import Any, Final

from tallybook.model.errors import Invalid
from tallybook.model.limits import QUERY_SECONDS_MAX
from tallybook.model.packed import Batch
from tallybook.model.ports import FactQuery, Listed, Loaded
from tallybook.model.scope import Scope
from tallybook.model.time import from_micros
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.stores.clickhouse import compact, dialect, load, schema
from tallybook.stores.clickhouse.address import Address
from tallybook.stores.clickhouse.nodes import Nodes
from tallybook.stores.clickhouse.schema import Reached
from tallybook.stores.events import facts, plan

_RELATIONS: Final = (schema.EVENTS,)
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
        self._newest = Reached(0, epoch, 0)
        self._seeing = Lock()
        self._nodes = Nodes(address, query_seconds)
        try:
            schema.prepare(address, self._nodes, anew=anew)
            if anew:
                schema.empty(address, self._nodes, epoch)
            elif schema.reached(self._nodes) is None:
                schema.reach(self._nodes, Reached(1, epoch, 0))
            self._reached()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up all connections; the store cannot be used afterwards."""
        self._nodes.close()

    def position(self, scope: Scope) -> int:
        return self._reached().seq

    def load(self, scope: Scope, batches: Sequence[Batch]) -> Loaded:
        return Loaded(*load.load(self._nodes, self._reached(), batches))

    def usage(self, scope: Scope, question: UsageQuery) -> list[UsageCell]:
        members = plan.seen(scope, question.members)
        if members is not None and not members:
            return []
        statement = plan.usage(dialect, question, members, _RELATIONS, corrected=True)
        rows = self._nodes.ask(*statement)
        _require_quantities(rows)
        return plan.cells(question, rows)

    def facts(self, scope: Scope, question: FactQuery) -> list[Listed]:
        members = plan.seen(scope, question.members)
        if members is not None and not members:
            return []
        statement = facts.facts(dialect, question, members, _RELATIONS, corrected=True)
        rows = self._nodes.ask(*statement)
        return [Listed(from_micros(time), seq, hidden_by or None) for time, seq, hidden_by in rows]

    def types(self, scope: Scope) -> dict[str, int]:
        members, seq = plan.seen(scope, None), self.position(scope)
        rows = self._nodes.ask(*facts.types(dialect, seq, members, _RELATIONS))
        return {row[0]: row[1] for row in rows}

    def compact(self, scope: Scope, before: date) -> int:
        return compact.compact(self._address, self._nodes, before)

    def clear(self, scope: Scope) -> None:
        schema.empty(self._address, self._nodes, self._epoch)

    def _reached(self) -> Reached:
        found = schema.reached(self._nodes)
        if found is None or found.epoch != self._epoch:
            raise schema.of_another()
        with self._seeing:
            # A replica that was away tells of an older position, until the next load mends it.
            self._newest = max(self._newest, found)
            return self._newest


def _require_quantities(rows: Sequence[Sequence[Any]]) -> None:
    numbers = (x for row in rows for x in row if isinstance(x, Decimal))
    if not all(-_BEYOND < x < _BEYOND for x in numbers):
        raise Invalid(
            "quantity_overflow",
            "The sum is beyond what a quantity may be; ask for a shorter range.",
        )
