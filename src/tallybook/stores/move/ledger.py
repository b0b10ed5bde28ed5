"""The batches of a ledger from one database into another, byte for byte, and their comparison.

The ids of each entry are worked out anew from its wire, as a start without index does it.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, func, insert, select

from tallybook.model.columns import columns
from tallybook.model.errors import Conflict
from tallybook.stores.ledger.frame import Row, unpack
from tallybook.stores.ledger.keys import digests, id_hashes
from tallybook.stores.ledger.schema import batches, ids
from tallybook.stores.ledger.shared import DIGEST_BYTES, Shared

#: A transaction takes batches until it has so many events, or bytes as they are stored.
_STEP_EVENTS: Final = 16_384
_STEP_BYTES: Final = 8 * 1024 * 1024

_ROWS = select(*(batches.c[name] for name in Row._fields)).order_by(batches.c.first_seq)


class Compared(NamedTuple):
    """Entries up to `seq` are equal on both sides; `sha256` is the hash of all of them."""

    seq: int
    sha256: str


class Keys(NamedTuple):
    """The id hash and the digest of each entry of some rows, the first of which is `first`."""

    first: int
    ids: list[bytes]
    digests: list[int]


class Totals(NamedTuple):
    """What a ledger holds, as its database counts it."""

    batches: int
    events: int
    bytes: int


def totals(connection: Connection) -> Totals:
    """Count what a ledger holds; `bytes` are those of the packed wires."""
    rows, events, size = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(batches.c.events), 0),
            func.coalesce(func.sum(func.length(batches.c.payload)), 0),
        ).select_from(batches)
    ).one()
    return Totals(int(rows), int(events), int(size))


def copy(source: Engine, home: Shared, seed: int) -> Iterator[int]:
    """Copy what the target lacks, saying after each transaction up to which entry it is there.

    Raises:
        Unavailable: `ledger_damaged`, where a row of the source is not what was written.
    """
    with source.connect() as reading, home.writer.connect() as writing:
        while True:
            with writing.begin():
                head = home.begin(writing)
                rows = _next(reading, head)
                if not rows:
                    return
                known = _keys(rows, seed)
                writing.execute(insert(batches), [row._asdict() for row in rows])
                home.store(known.first, known.ids, known.digests)
            yield known.first + len(known.ids) - 1


def compare(source: Engine, target: Engine, seed: int, known: Compared) -> Iterator[Compared]:
    """Compare every batch and every id after `known`, saying after each batch how far it is.

    Each row at the target must be that of the source, with the checksum it was written with, and
    the table of ids must hold what the wires say, and nothing else.

    Raises:
        Conflict: `move_differs`, naming the table.
        Unavailable: `ledger_damaged`.
    """
    with source.connect() as ours, target.connect() as theirs, target.connect() as beside:
        rows = _stream(theirs, _ROWS.where(batches.c.first_seq > known.seq))
        stands = _stream(beside, select(ids).where(ids.c.seq > known.seq).order_by(ids.c.seq))
        for mine in map(Row._make, _stream(ours, _ROWS.where(batches.c.first_seq > known.seq))):
            found = next(rows, None)
            if found is None or Row._make(found) != mine:
                raise differs("batches", f"the batch of entry {mine.first_seq}")
            entries = _keys([mine], seed)
            if list(islice(stands, mine.events)) != list(_stands(entries)):
                raise differs("ids", f"an id among {mine.events} from entry {mine.first_seq} on")
            known = Compared(mine.first_seq + mine.events - 1, _sealed(known.sha256, entries))
            yield known
        if next(rows, None) is not None or next(stands, None) is not None:
            raise differs("batches", f"there is more than entry {known.seq}")
        if beside.scalar(select(func.count()).select_from(ids)) != known.seq:
            raise differs("ids", "there are more ids than entries")


def differs(table: str, what: str) -> Conflict:
    """Return the refusal of a target that is not what was copied to it."""
    return Conflict(
        "move_differs",
        f"The table {table} of the database is not what the folder holds: {what}. Nothing was "
        "switched over; run the same command again, or begin with an empty database.",
        table=table,
    )


def _next(connection: Connection, after: int) -> list[Row]:
    """Read the next batches, each checked and whole, for one transaction."""
    found: list[Row] = []
    events = size = 0
    for row in map(Row._make, _stream(connection, _ROWS.where(batches.c.first_seq > after))):
        found.append(row)
        events += row.events
        size += len(row.payload)
        if events >= _STEP_EVENTS or size >= _STEP_BYTES:
            break
    return found


def _stream(connection: Connection, question: Any) -> Iterator[Any]:
    with connection.execute(question.execution_options(yield_per=100)) as rows:
        yield from map(tuple, rows)


def _keys(rows: list[Row], seed: int) -> Keys:
    new = columns([wire for row in rows for wire in unpack(row).wires])
    return Keys(rows[0].first_seq, id_hashes(new.source, new.id, seed), digests(new.wire))


def _stands(known: Keys) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield the rows of the table of ids that belong to some entries."""
    for place, (key, digest) in enumerate(zip(known.ids, known.digests, strict=True)):
        yield key, known.first + place, digest.to_bytes(DIGEST_BYTES, "big")


def _sealed(before: str, known: Keys) -> str:
    """Hash the number, id and digest of some entries onto the hash of those before them."""
    seal = hashlib.sha256(before.encode())
    for key, seq, digest in _stands(known):
        seal.update(b"%d %s %s\n" % (seq, key.hex().encode(), digest.hex().encode()))
    return seal.hexdigest()
