"""What the id index knows of an event: a hash of (source, id) and a digest of its wire bytes."""

from collections.abc import Iterable, Sequence

from xxhash import xxh3_64_intdigest, xxh3_128_digest

from tallybook.model.fact import Wire


def id_hashes(sources: Sequence[str], ids: Sequence[str], seed: int) -> list[bytes]:
    """Hash each (source, id); the length in front keeps ("a", "bc") and ("ab", "c") apart.

    `seed` is the ledger's own, so that nobody can think up ids that share a hash.
    """
    return [
        xxh3_128_digest(f"{len(source)} {source}{id_}".encode(), seed)
        for source, id_ in zip(sources, ids, strict=True)
    ]


def digests(wires: Iterable[Wire]) -> list[int]:
    """Digest each wire in 64 bits, so that an equal repetition is known without its original.

    Should two different ones ever agree by chance, a conflict is called a duplicate; the first
    event stands in either case.
    """
    return list(map(xxh3_64_intdigest, wires))
