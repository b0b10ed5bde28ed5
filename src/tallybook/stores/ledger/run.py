"""A run: the ids of a span of the ledger, sorted, in one memory-mapped file that never changes.

    header     magic, epoch, first and last number, count, top bits, a checksum a section
    directory  for each value of the top bits of a prefix, where its prefixes begin
    prefixes   the first 64 bits of each id hash, ascending
    records    in the same order: the other 64 bits, the digest of the wire, the number

A run is a copy: one that is missing or damaged is made again from the ledger.
"""

import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

PREFIX: Final = np.dtype("<u8")
RECORD: Final = np.dtype([("rest", "<u8"), ("digest", "<u8"), ("seq", "<u8")])
_PLACE: Final = np.dtype("<u4")
_HEAD = struct.Struct("<8s16sqqqqIII")
#: Its last byte counts up when ids or wires are hashed in another way: older runs are made anew.
_MAGIC: Final = b"TBRUN\0\0\2"
_HEAD_BYTES: Final = 128
_PREFIXES_A_PLACE: Final = 8
_SLICE: Final = 1 << 18
_CHUNK: Final = 1 << 22


class Damaged(Exception):
    """The file is not the run that was written."""


class Stand(NamedTuple):
    """The entry that stands for an id, and the digest of its wire."""

    seq: int
    digest: int


class Slice(NamedTuple):
    """Some prefixes in ascending order, with their records."""

    prefixes: Array
    records: Array


class Run:
    """An open run covering the numbers `first` to `last`."""

    def __init__(self, path: Path, epoch: bytes, *, known_good: bool = False) -> None:
        """Map a run, and check every byte of it unless it was just written here.

        Raises:
            Damaged: also when it belongs to another ledger.
            OSError: the file cannot be read.
        """
        self.path = path
        with path.open("rb") as file:
            sums = self._read_head(file.read(_HEAD_BYTES), epoch)
            for asked, size in zip(sums, self._sizes(), strict=True):
                if not known_good and _sum_of(file.fileno(), file.tell(), size) != asked:
                    raise Damaged(path)
                file.seek(size, os.SEEK_CUR)
            if file.tell() != os.fstat(file.fileno()).st_size:
                raise Damaged(path)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapped.madvise(mmap.MADV_RANDOM)
        places, prefixes, _ = self._sizes()
        at = _HEAD_BYTES
        self._places: Array = np.frombuffer(mapped, _PLACE, (1 << self._bits) + 1, at)
        self.prefixes: Array = np.frombuffer(mapped, PREFIX, self.count, at + places)
        self.records: Array = np.frombuffer(mapped, RECORD, self.count, at + places + prefixes)

    def _read_head(self, head: bytes, epoch: bytes) -> tuple[int, int, int]:
        if len(head) != _HEAD_BYTES or zlib.crc32(head[:-4]).to_bytes(4, "little") != head[-4:]:
            raise Damaged(self.path)
        magic, owner, self.first, self.last, self.count, self._bits, *sums = _HEAD.unpack_from(head)
        if magic != _MAGIC or owner != epoch:
            raise Damaged(self.path)
        return sums[0], sums[1], sums[2]

    def _sizes(self) -> tuple[int, int, int]:
        return (
            _directory_bytes(self._bits),
            self.count * PREFIX.itemsize,
            self.count * RECORD.itemsize,
        )

    def find(self, prefixes: Array, rests: Array) -> Iterator[tuple[int, Stand]]:
        """Yield (index in the question, entry) for every id that is in this run.

        The directory narrows each id to a few prefixes, which are then compared all at once: every
        step over arrays lets other threads in, and a bisection takes many.
        """
        top = (prefixes >> np.uint64(64 - self._bits)).astype(np.int64)
        low = self._places[top].astype(np.int64)
        widest = int((self._places[top + 1] - low).max(initial=0))
        places = np.minimum(low[:, None] + np.arange(widest), self.count - 1)
        hits = self.prefixes[places] == prefixes[:, None]
        for index in np.flatnonzero(hits.any(axis=1)).tolist():
            first = int(places[index][hits[index].argmax()])
            found = self._record(first, prefixes[index], rests[index])
            if found is not None:
                yield index, found

    def _record(self, at: int, prefix: Any, rest: Any) -> Stand | None:
        """Look through the records of one prefix, of which there is nearly always one."""
        while at < self.count and self.prefixes[at] == prefix:
            record = self.records[at]
            if record["rest"] == rest:
                return Stand(int(record["seq"]), int(record["digest"]))
            at += 1
        return None


def _directory_bytes(bits: int) -> int:
    """Return the bytes of a directory, padded so that the prefixes lie on their boundary."""
    return -(-((1 << bits) + 1) * _PLACE.itemsize // 8) * 8


def _sum_of(file: int, at: int, size: int) -> int:
    """Sum a section by reading it: through the map it would count as our memory."""
    total = 0
    while size > 0:
        chunk = os.pread(file, min(size, _CHUNK), at)
        if not chunk:
            return -1
        total = zlib.crc32(chunk, total)
        at, size = at + len(chunk), size - len(chunk)
    return total


def write_run(
    folder: Path, epoch: bytes, first: int, last: int, slices: Iterable[Slice], count: int
) -> Path:
    """Write a run of `count` ids, given as ascending slices, and make it durable.

    Raises:
        OSError: nothing but a temporary file is left behind.
    """
    bits = max(1, (count // _PREFIXES_A_PLACE).bit_length())
    sizes = np.zeros((1 << bits) + 1, np.int64)
    at_prefix = _HEAD_BYTES + _directory_bytes(bits)
    at_record = at_prefix + count * PREFIX.itemsize
    path = folder / f"{first:016x}-{last:016x}.run"
    draft = path.with_suffix(".tmp")
    prefix_sum = record_sum = 0
    with draft.open("wb") as file:
        for part in slices:
            prefixes, records = part.prefixes.tobytes(), part.records.tobytes()
            top = (part.prefixes >> np.uint64(64 - bits)).astype(np.int64)
            if len(top):
                sizes[top[0] + 1 : top[-1] + 2] += np.bincount(top - top[0])
            prefix_sum = zlib.crc32(prefixes, prefix_sum)
            record_sum = zlib.crc32(records, record_sum)
            at_prefix = _put(file.fileno(), prefixes, at_prefix)
            at_record = _put(file.fileno(), records, at_record)
        places = np.cumsum(sizes).astype(_PLACE).tobytes().ljust(_directory_bytes(bits), b"\0")
        sums = (zlib.crc32(places), prefix_sum, record_sum)
        head = _HEAD.pack(_MAGIC, epoch, first, last, count, bits, *sums)
        head = head.ljust(_HEAD_BYTES - 4, b"\0")
        _put(file.fileno(), head + zlib.crc32(head).to_bytes(4, "little") + places, 0)
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(folder)
    return path


def _put(file: int, content: bytes, at: int) -> int:
    """Write all of it at an offset and return the offset behind it."""
    left = memoryview(content)
    while left:
        done = os.pwrite(file, left, at)
        left, at = left[done:], at + done
    return at


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sorted_slice(ids: Sequence[bytes], digests: Sequence[int], first_seq: int) -> Slice:
    """Sort ids of 16 bytes with their digests, numbered from `first_seq` on."""
    halves = np.frombuffer(b"".join(ids), PREFIX).reshape(-1, 2)
    records = np.empty(len(ids), RECORD)
    records["rest"] = halves[:, 1]
    records["digest"] = digests
    records["seq"] = np.arange(first_seq, first_seq + len(ids))
    order = np.argsort(halves[:, 0])
    return Slice(halves[:, 0][order], records[order])


def merged(runs: Sequence[Run]) -> Iterator[Slice]:
    """Merge runs slice by slice, each slice an equal part of all prefixes: bounded memory."""
    parts = max(1, sum(run.count for run in runs) // _SLICE)
    cuts = np.array([(k << 64) // parts for k in range(1, parts)], PREFIX)
    edges = [[0, *np.searchsorted(run.prefixes, cuts).tolist(), run.count] for run in runs]
    for k in range(parts):
        spans = [slice(edge[k], edge[k + 1]) for edge in edges]
        prefixes = np.concatenate([r.prefixes[s] for r, s in zip(runs, spans, strict=True)])
        records = np.concatenate([r.records[s] for r, s in zip(runs, spans, strict=True)])
        order = np.argsort(prefixes, kind="stable")
        yield Slice(prefixes[order], records[order])
