"""Events and corrections for tests of stores, and what a usage question about them means, in plain
Python: what stands is played through, the wire is read by the standard library, and the
aggregations' own folds count.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from msgspec import Raw

from tallybook.aggregations._shape import Row as Counted
from tallybook.aggregations._shape import aggregation
from tallybook.model.columns import NO_DATA, columns
from tallybook.model.correction import Correction, Op, Row, written
from tallybook.model.errors import Invalid
from tallybook.model.nouns import Meter
from tallybook.model.packed import Batch, pack
from tallybook.model.quantity import exact_text
from tallybook.model.reading import holds, is_scalar, property_at, quantity_of
from tallybook.model.scope import Member
from tallybook.model.time import micros
from tallybook.model.usage import PieceKey, PieceRow, PiecesQuery, UsageCell, UsageQuery

RECEIVED = datetime(2026, 3, 20, 12, tzinfo=UTC)


class Happened(NamedTuple):
    """An event as the tests think of it; `data` is JSON text, so that numbers keep their digits."""

    subject: str
    time: datetime
    data: str = "{}"
    type: str = "use"

    def id(self, seq: int) -> str:
        """Return the id of what is entry `seq`, or replaces it."""
        return f"e{seq}"

    def wire(self, seq: int) -> bytes:
        """Write it as a CloudEvent."""
        envelope = {
            "specversion": "1.0",
            "id": self.id(seq),
            "source": "/t",
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat(),
        }
        return f'{json.dumps(envelope)[:-1]}, "data": {self.data}}}'.encode()


class Change(NamedTuple):
    """A correction of the event that is entry `of`; `event` counts instead."""

    op: Op
    of: int
    event: Happened | None = None


#: What a ledger holds, in its order: the first is entry 1.
Entry = Happened | Change


@dataclass
class Stood:
    """A row as it stands: `hidden_by` is the entry that says it counts no more."""

    event: Happened
    id: str
    state: Literal["counted", "voided", "replaced"] = "counted"
    hidden_by: int | None = None

    def row(self, seq: int) -> Row:
        return Row(seq, self.event.type, self.event.subject, micros(self.event.time))


class Play:
    """Entries played one after the other: every row there is, by number."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.rows: dict[int, Stood] = {}
        self.wires: list[bytes] = []
        self._stands: dict[int, int | None] = {}
        self._before: dict[int, list[int]] = {}
        for entry in entries:
            self.take(entry)

    def may(self, change: Change) -> bool:
        """Tell whether a correction is possible now."""
        if change.op == "revert":
            return bool(self._before.get(change.of))
        return self._stands.get(change.of) is not None

    def take(self, entry: Entry) -> None:
        seq = len(self.wires) + 1
        if isinstance(entry, Happened):
            self.wires.append(entry.wire(seq))
            self.rows[seq] = Stood(entry, entry.id(seq))
            self._stands[seq] = seq
            self._before[seq] = []
        else:
            self._change(seq, entry)

    def _change(self, seq: int, change: Change) -> None:
        stands, before = self._stands[change.of], self._before[change.of]
        shown = before.pop() if change.op == "revert" else None
        self._write(change, stands, shown)
        if stands is not None:
            self.rows[stands].state = "replaced" if change.op == "replace" else "voided"
            self.rows[stands].hidden_by = seq
        if change.op == "revert":
            assert shown is not None
            self.rows[shown].state, self.rows[shown].hidden_by = "counted", None
            self._stands[change.of] = shown
            return
        assert stands is not None
        before.append(stands)
        self._stands[change.of] = None if change.event is None else seq
        if change.event is not None:
            self.rows[seq] = Stood(change.event, change.event.id(change.of))

    def _write(self, change: Change, hidden: int | None, shown: int | None) -> None:
        done = Correction(
            change.op,
            change.of,
            "because",
            "test",
            None if hidden is None else self.rows[hidden].row(hidden),
            None if shown is None else self.rows[shown].row(shown),
            Raw(change.event.wire(change.of)) if change.event else NO_DATA,
        )
        original = self.rows[change.of].row(change.of)
        number = sum(wire.count(b'"of":%d,' % change.of) for wire in self.wires) + 1
        self.wires.append(bytes(written(done, number, original).wire))


def possible(steps: Iterable[Entry]) -> list[Entry]:
    """Leave out what cannot be done; a correction names its event by any number."""
    play, found = Play(), list[Entry]()
    for step in steps:
        entry = step
        if isinstance(step, Change):
            events = [seq for seq, e in enumerate(found, 1) if isinstance(e, Happened)]
            if not events:
                continue
            entry = step._replace(of=events[step.of % len(events)])
            if not play.may(entry):
                continue
        play.take(entry)
        found.append(entry)
    return found


def counted(entries: Sequence[Entry], seq: int) -> list[tuple[int, Happened]]:
    """Return what counts as of an entry, with its numbers."""
    rows = Play(entries[:seq]).rows
    return [(seq, row.event) for seq, row in rows.items() if row.state == "counted"]


def batches(entries: Sequence[Entry], sizes: Iterable[int] = ()) -> list[Batch]:
    """Number entries from 1 and cut them into batches of these sizes; the rest is the last one."""
    found, start = [], 0
    wires = Play(entries).wires
    for size in (*sizes, len(wires)):
        part = wires[start : start + size]
        if part:
            found.append(Batch(start + 1, RECEIVED, pack(columns(part))))
            start += len(part)
    return found


def numbers(text: str) -> Any:
    """Read JSON with its numbers exact."""
    return json.loads(text, parse_float=Decimal)


def answer(query: UsageQuery, entries: Sequence[Entry]) -> set[UsageCell]:
    """Answer a usage question the slow way."""
    return folded(query, counted(entries, query.seq))


def folded(query: UsageQuery, rows: Iterable[tuple[int, Happened]]) -> set[UsageCell]:
    """Fold what counts into the cells of a question."""
    kind = aggregation(query.meter.aggregation)
    values = taken(query.meter, rows)
    cells: dict[tuple[int, int, str | None, tuple[str | None, ...]], list[Counted]] = {}
    for seq, (event, value) in values.items():
        data = numbers(event.data)
        if not all(holds(t, data) for t in query.filter):
            continue
        row = Counted(micros(event.time), seq, value)
        dimensions = tuple(_shown(property_at(data, name)) for name in query.group_by)
        account = event.subject if query.by_account else None
        for group in _groups(query.members, event):
            for bucket in _buckets(query.edges, event.time):
                cells.setdefault((group, bucket, account, dimensions), []).append(row)
    return {
        UsageCell(group, bucket, account, dimensions, kind.fold(found))
        for (group, bucket, account, dimensions), found in cells.items()
    }


def taken(meter: Meter, rows: Iterable[tuple[int, Happened]]) -> dict[int, tuple[Happened, Any]]:
    """Return what a meter takes from events, by number, in order of (time, number)."""
    found: dict[int, tuple[Happened, Any]] = {}
    reads = aggregation(meter.aggregation).READS
    shown: dict[tuple[str | None, ...], Decimal] = {}
    for seq, event in sorted(rows, key=lambda row: (row[1].time, row[0])):
        data = numbers(event.data)
        value = _value(reads, meter, data)
        is_meant = event.type == meter.event_type and all(holds(t, data) for t in meter.filter)
        if value is None or not is_meant:
            continue
        if reads == "rise":
            values = (_shown(property_at(data, path)) for path in meter.dimensions)
            counter = (event.subject, *values)
            reading, before = value, shown.get(counter, value)
            shown[counter], value = reading, max(Decimal(0), reading - before)
        found[seq] = event, value
    return found


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
    if isinstance(value, str):
        return value
    number = Decimal(value)
    # An exponent beyond any double is left as it is: no quantity is so large or so small.
    return exact_text(number) if not number or abs(number.adjusted()) <= 400 else f"{number:E}"


def _groups(members: tuple[Member, ...] | None, event: Happened) -> list[int]:
    if members is None:
        return [0]
    mine = [m for m in members if m.account == event.subject and m.start <= event.time < m.end]
    return [m.group for m in mine]


def _buckets(edges: Sequence[datetime], time: datetime) -> list[int]:
    return [i for i in range(len(edges) - 1) if edges[i] <= time < edges[i + 1]]


def pieced(query: PiecesQuery, entries: Sequence[Entry]) -> list[PieceRow]:
    """Return all of the pieces that a question is about, in order, page or no page."""
    rows = {s: row for s, row in Play(entries[: query.seq]).rows.items() if row.state == "counted"}
    counts = aggregation(query.meter.aggregation).READS == "presence"
    found = []
    for seq, (event, value) in taken(query.meter, [(s, r.event) for s, r in rows.items()]).items():
        if not query.start <= event.time < query.end:
            continue
        data = numbers(event.data)
        values = tuple(_shown(property_at(data, path)) for path in query.dimensions)
        found += [
            PieceRow(
                PieceKey(event.time, rows[seq].id, seq, group),
                Decimal(1) if counts else value,
                values,
            )
            for group in _groups(query.members, event)
        ]
    return sorted(found)
