"""The layout of a ledger row: wires in one compressed block, and a checksum over all of it.

payload   zstd level 1 of: `events` little-endian 32-bit lengths, then the wires end to end
checksum  16 bytes of BLAKE2b over first_seq, events, received_at (little-endian, 64-bit
          each) and the payload, verified whenever a row is read
"""

import struct
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

import numpy as np
import zstandard

from tallybook.model.errors import Unavailable
from tallybook.model.fact import Wire
from tallybook.model.time import from_micros, micros

LEVEL: Final = 1
_HEAD = struct.Struct("<qqq")
_LENGTH: Final = np.dtype("<u4")


class Entries(NamedTuple):
    """The wires of a row, the first of which is entry `first_seq`."""

    first_seq: int
    received_at: datetime
    wires: list[bytes]

    @property
    def last_seq(self) -> int:
        """Return the number of the newest entry."""
        return self.first_seq + len(self.wires) - 1


class Row(NamedTuple):
    """A row of the ledger; `received_at` counts microseconds since 1970."""

    first_seq: int
    events: int
    received_at: int
    checksum: bytes
    payload: bytes


def compressor() -> zstandard.ZstdCompressor:
    """Make what `pack` compresses with: for one thread at a time, and worth keeping."""
    return zstandard.ZstdCompressor(level=LEVEL)


def pack(
    first_seq: int,
    received_at: datetime,
    wires: Sequence[Wire],
    press: zstandard.ZstdCompressor,
) -> Row:
    """Frame accepted wires as one row."""
    lengths = np.fromiter(map(len, wires), _LENGTH, len(wires))
    plain = b"".join((lengths.tobytes(), *wires))
    payload = press.compress(plain)
    at = micros(received_at)
    return Row(first_seq, len(wires), at, _checksum(first_seq, len(wires), at, payload), payload)


def unpack(row: Row) -> Entries:
    """Read a row back.

    Raises:
        Unavailable: `ledger_damaged`, when the row is not what was written.
    """
    if _checksum(row.first_seq, row.events, row.received_at, row.payload) != row.checksum:
        raise Unavailable(
            "ledger_damaged",
            f"Entry {row.first_seq} of the ledger is damaged; restore the ledger from a backup.",
            seq=row.first_seq,
        )
    plain = zstandard.ZstdDecompressor().decompress(row.payload)
    start = row.events * _LENGTH.itemsize
    lengths = np.frombuffer(plain, _LENGTH, row.events).tolist()
    edges = accumulate(lengths, initial=start)
    wires = [plain[low:high] for low, high in pairwise(edges)]
    return Entries(row.first_seq, from_micros(row.received_at), wires)


def _checksum(first_seq: int, count: int, received_at: int, payload: bytes) -> bytes:
    seal = blake2b(_HEAD.pack(first_seq, count, received_at), digest_size=16)
    seal.update(payload)
    return seal.digest()
