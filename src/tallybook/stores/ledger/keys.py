"""What the id index knows of an event: a hash of (source, id) and a digest of its wire bytes."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final
from zlib import crc32

import msgspec

from tallybook.model.wire import read_json

ID_BYTES: Final = 16


class _Name(msgspec.Struct, gc=False):
    source: str
    id: str


_name_of = msgspec.json.Decoder(_Name).decode


def id_hash(source: str, id: str) -> bytes:
    """Hash (source, id); the length in front keeps ("a", "bc") and ("ab", "c") apart."""
    return blake2b(f"{len(source)} {source}{id}".encode(), digest_size=ID_BYTES).digest()


def digests(wires: Iterable[bytes]) -> list[int]:
    """Digest each wire in 64 bits, so that an equal repetition is known without its original.

    Length and CRC-32 differ for any edit of up to four neighbouring bytes. Should they ever agree
    by chance, a conflict is called a duplicate; the first event stands in either case.
    """
    return [len(wire) << 32 | crc32(wire) for wire in wires]


def id_hashes(wires: Sequence[bytes]) -> list[bytes]:
    """Hash the ids of events that were accepted, from their wires."""
    return [id_hash(*_name(wire)) for wire in wires]


def _name(wire: bytes) -> tuple[str, str]:
    try:
        name = _name_of(wire)
    except msgspec.MsgspecError:  # an attribute given twice, first as null: the last one holds
        event = read_json(wire.decode())
        return event["source"], event["id"]
    return name.source, name.id
