"""Which arrivals of a commit are new, duplicates or conflicts. Decides; stores nothing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import repeat

from tallybook.model.errors import TallybookError
from tallybook.model.fact import ACCEPTED, Columns, Fact, Verdict, Wire
from tallybook.model.packed import Packed, pack
from tallybook.model.time import micros
from tallybook.model.wire import same
from tallybook.stores.ledger.home import Home
from tallybook.stores.ledger.keys import digests, id_hashes
from tallybook.stores.ledger.run import Stand


class Request:
    """One caller's arrivals, with what the index wants to know of them, and their outcome."""

    def __init__(self, arrivals: Columns, received_at: datetime, seed: int) -> None:
        """Hash and pack in the caller's own thread, before it waits for the writer."""
        self.arrivals = arrivals
        self.received_at = received_at
        self.ids = id_hashes(arrivals.source, arrivals.id, seed)
        self.digests = digests(arrivals.wire)
        self.packed = pack(arrivals)
        #: Places whose id is stored with another digest, with the entry to compare them with.
        self.unsure: dict[int, int] = {}
        self.repeats: dict[int, bool] = {}
        self.verdicts: Sequence[Verdict] | None = None
        self.error: TallybookError | None = None

    @property
    def done(self) -> bool:
        """Tell whether it was committed or refused."""
        return self.verdicts is not None or self.error is not None

    def compare(self, stored: Callable[[Iterable[int]], Iterable[Fact]]) -> bool:
        """Settle what is unsure; tell whether all of it could be. Entries never change, so this
        needs no turn at the writer, which others wait for: each may stand in a row of its own that
        must be read and expanded.
        """
        places: dict[int, list[int]] = {}
        for place, seq in self.unsure.items():
            places.setdefault(seq, []).append(place)
        for fact in stored(places):
            at = micros(fact.received_at)
            for place in places[fact.seq]:
                self.repeats[place] = same(fact.wire, at, bytes(self.arrivals.wire[place]))
        is_settled = self.unsure.keys() <= self.repeats.keys()
        self.unsure = {}
        return is_settled


class Plan:
    """What one commit will store, from `first_seq` on, and the verdicts it will give; `parts` are
    the same events for the loader.
    """

    def __init__(self, first_seq: int, received_at: datetime) -> None:
        """Begin an empty commit."""
        self.first_seq = first_seq
        self.received_at = received_at
        self.ids: list[bytes] = []
        self.digests: list[int] = []
        self.wires: list[Wire] = []
        self.decided: list[tuple[Request, Sequence[Verdict]]] = []
        self.parts: list[Packed] = []
        self._new: dict[bytes, int] = {}

    def take(self, requests: Sequence[Request], home: Home) -> None:
        """Decide every arrival of some requests, in their order; one that must first be compared
        with what is stored is left as it is, with what it is unsure of.
        """
        known = home.find([key for request in requests for key in request.ids])
        place = 0
        for request in requests:
            here = range(place, place + len(request.ids))
            place = here.stop
            mine = [known.get(i) for i in here] if known else []
            request.unsure = _unsure(request, mine)
            if request.unsure:
                continue
            fresh = set(request.ids)
            if not any(mine) and len(fresh) == len(here) and fresh.isdisjoint(self._new):
                self.decided.append((request, self._take_all(request)))
            else:
                self.decided.append((request, self._take_each(request, mine)))

    def _take_all(self, request: Request) -> list[Verdict]:
        """Accept a request in which every id is new, which is nearly every request."""
        first = self.first_seq + len(self.wires)
        self.ids += request.ids
        self.digests += request.digests
        self.wires += request.arrivals.wire
        self.parts.append(request.packed)
        self._new.update(zip(request.ids, range(first, first + len(request.ids)), strict=True))
        return [ACCEPTED] * len(request.ids)

    def _take_each(self, request: Request, known: Sequence[Stand | None]) -> list[Verdict]:
        stands = known or repeat(None, len(request.ids))
        verdicts = [self._take_one(request, i, stand) for i, stand in enumerate(stands)]
        new = [i for i, verdict in enumerate(verdicts) if verdict is ACCEPTED]
        if new:
            self.parts.append(pack(request.arrivals.pick(new)))
        return verdicts

    def _take_one(self, request: Request, i: int, known: Stand | None) -> Verdict:
        key, digest, wire = request.ids[i], request.digests[i], request.arrivals.wire[i]
        stands = known or self._pending(key)
        if stands is None:
            self._new[key] = self.first_seq + len(self.wires)
            self.ids.append(key)
            self.digests.append(digest)
            self.wires.append(wire)
            return ACCEPTED
        if stands.digest == digest or self._repeats(request, i, stands.seq):
            return Verdict(
                "duplicate",
                stands.seq,
                "already_stored",
                f"This event is entry {stands.seq} already; nothing was counted twice.",
            )
        return Verdict(
            "conflict",
            stands.seq,
            "content_differs",
            f"Entry {stands.seq} has this source and id with other content, and stands; "
            "send a changed event under a new id.",
        )

    def _pending(self, key: bytes) -> Stand | None:
        seq = self._new.get(key)
        return None if seq is None else Stand(seq, self.digests[seq - self.first_seq])

    def _repeats(self, request: Request, i: int, seq: int) -> bool:
        if seq < self.first_seq:
            return request.repeats[i]
        wire = request.arrivals.wire[i]
        return same(bytes(self.wires[seq - self.first_seq]), micros(self.received_at), bytes(wire))


def _unsure(request: Request, known: Sequence[Stand | None]) -> dict[int, int]:
    """Return the places that nobody has compared yet, with the entry that has their id."""
    return {
        i: stand.seq
        for i, stand in enumerate(known)
        if stand and stand.digest != request.digests[i] and i not in request.repeats
    }
