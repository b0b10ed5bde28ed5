"""Events for tests of stores, and what a usage question about them means, in plain Python: the
wire is read by the standard library, and the aggregations' own folds count.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tallybook.aggregations._shape import Row, aggregation
from tallybook.model.columns import columns
from tallybook.model.errors import Invalid
from tallybook.model.nouns import Meter
from tallybook.model.packed import Batch, pack
from tallybook.model.quantity import exact_text
from tallybook.model.reading import holds, is_scalar, property_at, quantity_of
from tallybook.model.scope import Member
from tallybook.model.time import micros
from tallybook.model.usage import UsageCell, UsageQuery

RECEIVED = datetime(2026, 3, 20, 12, tzinfo=UTC)


class Happened(NamedTuple):
    """An event as the tests think of it; `data` is JSON text, so that numbers keep their digits."""

    subject: str
    time: datetime
    data: str = "{}"
    type: str = "use"

    def wire(self, seq: int) -> bytes:
        """Write it as a CloudEvent."""
        envelope = {
            "specversion": "1.0",
            "id": f"e{seq}",
            "source": "/t",
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat(),
        }
        return f'{json.dumps(envelope)[:-1]}, "data": {self.data}}}'.encode()


def batches(events: Sequence[Happened], sizes: Iterable[int] = ()) -> list[Batch]:
    """Number events from 1 and cut them into batches of these sizes; the rest is the last one."""
    found, start = [], 0
    for size in (*sizes, len(events)):
        part = events[start : start + size]
        if part:
            wires = [e.wire(start + i + 1) for i, e in enumerate(part)]
            found.append(Batch(start + 1, RECEIVED, pack(columns(wires))))
            start += len(part)
    return found


def numbers(text: str) -> Any:
    """Read JSON with its numbers exact."""
    return json.loads(text, parse_float=Decimal)


def answer(query: UsageQuery, events: Sequence[Happened]) -> set[UsageCell]:
    """Answer a usage question the slow way."""
    kind = aggregation(query.meter.aggregation)
    cells: dict[tuple[int, int, str | None, tuple[str | None, ...]], list[Row]] = {}
    for seq, event in enumerate(events[: query.seq], 1):
        data = numbers(event.data)
        terms = (*query.meter.filter, *query.filter)
        if event.type != query.meter.event_type or not all(holds(t, data) for t in terms):
            continue
        value = _value(kind.READS, query.meter, data)
        if value is None:
            continue
        row = Row(micros(event.time), seq, value)
        dimensions = tuple(_shown(property_at(data, name)) for name in query.group_by)
        account = event.subject if query.by_account else None
        for group in _groups(query.members, event):
            for bucket in _buckets(query.edges, event.time):
                cells.setdefault((group, bucket, account, dimensions), []).append(row)
    return {
        UsageCell(group, bucket, account, dimensions, kind.fold(rows))
        for (group, bucket, account, dimensions), rows in cells.items()
    }


def _value(reads: str, meter: Meter, data: Any) -> Any:
    if meter.property is None:
        return True
    value = property_at(data, meter.property)
    if reads == "presence":
        return value
    if reads == "value":
        return (
            (isinstance(value, (str, bool)), repr(value) if isinstance(value, str) else value)
            if is_scalar(value)
            else None
        )
    try:
        return quantity_of(value)
    except Invalid:
        return None


def _shown(value: Any) -> str | None:
    if not is_scalar(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else exact_text(Decimal(value))


def _groups(members: tuple[Member, ...] | None, event: Happened) -> list[int]:
    if members is None:
        return [0]
    mine = [m for m in members if m.account == event.subject and m.start <= event.time < m.end]
    return [m.group for m in mine]


def _buckets(edges: Sequence[datetime], time: datetime) -> list[int]:
    return [i for i in range(len(edges) - 1) if edges[i] <= time < edges[i + 1]]
