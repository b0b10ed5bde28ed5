"""A ledger in a folder: SQLite beside the embedded index of ids, both this process's alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from tallybook.model.columns import columns
from tallybook.stores.ledger import database
from tallybook.stores.ledger.index import IdIndex
from tallybook.stores.ledger.keys import digests as digests_of
from tallybook.stores.ledger.keys import id_hashes
from tallybook.stores.ledger.reader import Reader
from tallybook.stores.ledger.run import Stand
from tallybook.stores.ledger.schema import HISTORY

_REPLAY_EVENTS: Final = 50_000


class Embedded:
    """See `stores.ledger.home.Home`. What is stored counts once the index knows it."""

    index: IdIndex
    advice = "run the doctor"

    def __init__(self, folder: Path) -> None:
        """Use `ledger.db` and the runs in `runs`."""
        self._folder = folder
        self._head = 0
        self._seed = 0
        self.writer = database.writer(folder / "ledger.db")
        self.readers = database.readers(folder / "ledger.db")

    def enter(self) -> None:
        """Nothing is to be done: the folder has one owner, which a move is, too."""

    def leave(self) -> None:
        """Nothing is to be done, as above."""

    def prepare(self, connection: Connection) -> None:
        """Make or migrate the tables."""
        HISTORY.upgrade(connection)

    def start(self, epoch: bytes, reader: Reader) -> None:
        """Open the runs and replay what they lack."""
        self._seed = int.from_bytes(epoch[:8], "little")
        stored = reader.head()
        self.index = IdIndex(self._folder / "runs", epoch, stored)
        self._replay(stored, reader)

    def resume(self, reader: Reader) -> None:
        """Replay what failed and yet has reached the disk, unacknowledged: then it counts."""
        self._replay(reader.head(), reader)

    def check(self, connection: Connection) -> None:
        """Nothing can be told: what a full disk takes is known once it is tried."""

    def head(self, reader: Reader) -> int:
        """Return what the index knows: all that was acknowledged."""
        return self._head

    def begin(self, connection: Connection) -> int:
        """Return the newest entry's number; nobody else writes the file."""
        return self._head

    def find(self, keys: Sequence[bytes]) -> dict[int, Stand]:
        """Ask the index."""
        return self.index.find(keys)

    def known(self, keys: Sequence[bytes], reader: Reader) -> dict[int, Stand]:
        """Ask the index, which may know of entries a moment before they count."""
        head = self._head
        found = self.index.find(keys)
        return {place: stand for place, stand in found.items() if stand.seq <= head}

    def store(self, first: int, keys: Sequence[bytes], digests: Sequence[int]) -> None:
        """Store nothing: the ids are in the wires, and the index is a copy."""

    def stored(self, keys: Sequence[bytes], digests: Sequence[int]) -> None:
        """Tell the index."""
        self.index.add(keys, digests)
        self._head = self.index.position

    def close(self) -> None:
        """Close the runs."""
        self.index.close()

    def _replay(self, stored: int, reader: Reader) -> None:
        """Tell the index every entry up to `stored` that it does not know."""
        self._head = self.index.position
        while self._head < stored:
            for entries in reader.entries(self._head, _REPLAY_EVENTS, stored):
                new = columns(entries.wires[self._head + 1 - entries.first_seq :])
                self.index.add(id_hashes(new.source, new.id, self._seed), digests_of(new.wire))
                self._head = self.index.position
