"""Adding entries of the ledger to the arrival table, with the position reached, in one commit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import duckdb
import msgspec

from tallybook.model.errors import Unavailable
from tallybook.model.fact import Batch
from tallybook.model.limits import LOAD_EVENTS_MAX
from tallybook.model.time import micros
from tallybook.stores.duckdb.schema import commit
from tallybook.stores.duckdb.wire import Columns, read

#: Events handed over in one text, at least: measured best, and the engine reads several at once.
_PAGE_EVENTS: Final = 2_000

# A page is a JSON text of columns, and beside it the properties as lines: they are JSON already.
_INSERT = """
INSERT INTO tail
SELECT unnest(p.seq), unnest(p.source), unnest(p.id), unnest(p.type), unnest(p.subject),
    unnest(p.time), unnest(p.received), nullif(unnest(string_split(lines, chr(10))), 'null')
FROM (
    SELECT lines, from_json(page, '{"seq": ["BIGINT"], "source": ["VARCHAR"], "id": ["VARCHAR"],
        "type": ["VARCHAR"], "subject": ["VARCHAR"], "time": ["BIGINT"],
        "received": ["BIGINT"]}') AS p
    FROM (
        SELECT unnest(CAST($pages AS VARCHAR[])) AS page,
            unnest(CAST($lines AS VARCHAR[])) AS lines
    )
)
"""

Entry = tuple[int, int, Columns]


def position(db: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the newest entry that is loaded, 0 when there is none."""
    row = db.execute("SELECT seq FROM position").fetchone()
    return int(row[0]) if row else 0


def load(
    db: duckdb.DuckDBPyConnection,
    batches: Sequence[Batch],
    coming: Callable[[int, int], None],
) -> tuple[int, frozenset[tuple[str, str]]]:
    """Add what is new; return the position reached and the (account, type) pairs touched.

    `coming` is told the first and last time of rows before anyone can see them.

    Raises:
        Unavailable: `events_gap`, where entries between the position and a batch are missing.
    """
    seq = position(db)
    pairs: set[tuple[str, str]] = set()
    for group in _groups(_unseen(batches, seq)):
        seq = group[-1].first_seq + len(group[-1].wires) - 1
        times: list[int] = []
        # A batch is written to its page while the processor still has it at hand.
        pages, lines = zip(*_pages(_entries(group, pairs, times)), strict=True)
        coming(min(times), max(times))
        with commit(db):
            db.execute(_INSERT, {"pages": pages, "lines": lines})
            db.execute("UPDATE position SET seq = $seq", {"seq": seq})
    return seq, frozenset(pairs)


def _unseen(batches: Sequence[Batch], seq: int) -> Iterator[Batch]:
    """Yield what lies beyond the position, in order; a batch half seen is cut."""
    for batch in sorted(batches, key=lambda b: b.first_seq):
        new = batch.wires[max(0, seq + 1 - batch.first_seq) :]
        if not new:
            continue
        first = batch.first_seq + len(batch.wires) - len(new)
        if first != seq + 1:
            raise Unavailable(
                "events_gap",
                f"Entry {seq + 1} of the ledger is missing before {first}; "
                "`tallybook rebuild` loads all of it again.",
            )
        seq = first + len(new) - 1
        yield Batch(first, batch.received_at, new)


def _groups(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Gather batches into commits: small ones cost more, large ones hold others up."""
    group: list[Batch] = []
    size = 0
    for batch in batches:
        if group and size + len(batch.wires) > LOAD_EVENTS_MAX:
            yield group
            group, size = [], 0
        group.append(batch)
        size += len(batch.wires)
    if group:
        yield group


def _entries(
    group: Iterable[Batch], pairs: set[tuple[str, str]], times: list[int]
) -> Iterator[Entry]:
    """Read batches one by one, noting whom they touch and from when to when."""
    for batch in group:
        at = micros(batch.received_at)
        columns = read(batch.wires, at)
        pairs.update(zip(columns.subject, columns.type, strict=True))
        times += (min(columns.time), max(columns.time))
        yield batch.first_seq, at, columns


def _pages(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Write entries as pages of some thousand events, and their properties line by line."""
    page: list[Entry] = []
    size = 0
    for entry in entries:
        page.append(entry)
        size += len(entry[2].id)
        if size >= _PAGE_EVENTS:
            yield _page(page)
            page, size = [], 0
    if page:
        yield _page(page)


def _page(entries: Sequence[Entry]) -> tuple[str, str]:
    columns: dict[str, list[Any]] = {
        name: list(chain.from_iterable(part[i] for _, _, part in entries))
        for i, name in enumerate(Columns._fields[:-1])
    }
    spans = [(first, at, len(part.id)) for first, at, part in entries]
    columns["seq"] = [seq for first, _, count in spans for seq in range(first, first + count)]
    columns["received"] = [at for _, at, count in spans for _ in range(count)]
    return _encoder.encode(columns).decode(), "\n".join(part.data for _, _, part in entries)


_encoder: Final = msgspec.json.Encoder()
