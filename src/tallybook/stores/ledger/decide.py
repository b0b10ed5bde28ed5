"""Which arrivals of a commit are new, duplicates or conflicts. Decides; stores nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime

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
        self.verdicts: Sequence[Verdict] | None = None
        self.error: TallybookError | None = None

    @property
    def done(self) -> bool:
        """Tell whether it was committed or refused."""
        return self.verdicts is not None or self.error is not None


class Plan:
    """What one commit will store, from `first_seq` on, and the verdicts it will give; `parts` are
    the same events for the loader.
    """

    def __init__(self, first_seq: int, received_at: datetime, fetch: Callable[[int], Fact]) -> None:
        """Begin an empty commit; `fetch` reads an entry stored earlier."""
        self.first_seq = first_seq
        self.received_at = received_at
        self.ids: list[bytes] = []
        self.digests: list[int] = []
        self.wires: list[Wire] = []
        self.verdicts: list[Sequence[Verdict]] = []
        self.parts: list[Packed] = []
        self._fetch = fetch
        self._new: dict[bytes, int] = {}

    def take(self, requests: Sequence[Request], home: Home) -> None:
        """Decide every arrival of some requests, in their order."""
        known = home.find([key for request in requests for key in request.ids])
        place = 0
        for request in requests:
            here = range(place, place + len(request.ids))
            place = here.stop
            fresh = set(request.ids)
            repeats = any(i in known for i in here) if known else False
            if not repeats and len(fresh) == len(here) and fresh.isdisjoint(self._new):
                self.verdicts.append(self._take_all(request))
            else:
                self.verdicts.append(self._take_each(request, [known.get(i) for i in here]))

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
        verdicts = [self._take_one(request, i, stand) for i, stand in enumerate(known)]
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
        if stands.digest == digest or self._repeats(stands.seq, wire):
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

    def _repeats(self, seq: int, wire: Wire) -> bool:
        place = seq - self.first_seq
        if place >= 0:
            return same(bytes(self.wires[place]), micros(self.received_at), bytes(wire))
        kept = self._fetch(seq)
        return same(kept.wire, micros(kept.received_at), bytes(wire))
