"""Which arrivals of a commit are new, duplicates or conflicts. Decides; stores nothing."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import repeat

from tallybook.model.errors import TallybookError
from tallybook.model.fact import Arrival, Fact, Verdict
from tallybook.model.time import micros
from tallybook.model.wire import same
from tallybook.stores.ledger.index import IdIndex
from tallybook.stores.ledger.keys import digests, id_hash
from tallybook.stores.ledger.run import Stand

#: A verdict from a tuple of its fields, without a call into Python: it is made for each event.
_ACCEPTED = partial(tuple.__new__, Verdict)


class Request:
    """One caller's arrivals, with what the index wants to know of them, and their outcome."""

    def __init__(self, arrivals: Sequence[Arrival], received_at: datetime) -> None:
        """Hash in the caller's own thread, before it waits for the writer."""
        self.arrivals = arrivals
        self.received_at = received_at
        self.ids = [id_hash(a.source, a.id) for a in arrivals]
        self.digests = digests(a.wire for a in arrivals)
        self.verdicts: list[Verdict] | None = None
        self.error: TallybookError | None = None

    @property
    def done(self) -> bool:
        """Tell whether it was committed or refused."""
        return self.verdicts is not None or self.error is not None


class Plan:
    """What one commit will store, from `first_seq` on, and the verdicts it will give."""

    def __init__(self, first_seq: int, received_at: datetime, fetch: Callable[[int], Fact]) -> None:
        """Begin an empty commit; `fetch` reads an entry stored earlier."""
        self.first_seq = first_seq
        self.received_at = received_at
        self.ids: list[bytes] = []
        self.digests: list[int] = []
        self.wires: list[bytes] = []
        self.verdicts: list[list[Verdict]] = []
        self._fetch = fetch
        self._new: dict[bytes, int] = {}

    def take(self, request: Request, index: IdIndex) -> None:
        """Decide every arrival of a request."""
        known = index.find(request.ids)
        fresh = set(request.ids)
        if not known and len(fresh) == len(request.ids) and fresh.isdisjoint(self._new):
            self.verdicts.append(self._take_all(request))
        else:
            self.verdicts.append(
                [self._take_one(request, i, known.get(i)) for i in range(len(request.ids))]
            )

    def _take_all(self, request: Request) -> list[Verdict]:
        """Accept a request in which every id is new, which is nearly every request."""
        first = self.first_seq + len(self.wires)
        seqs = range(first, first + len(request.ids))
        self.ids += request.ids
        self.digests += request.digests
        self.wires += [a.wire for a in request.arrivals]
        self._new.update(zip(request.ids, seqs, strict=True))
        return list(map(_ACCEPTED, zip(repeat("accepted"), seqs, repeat(None), repeat(None))))

    def _take_one(self, request: Request, i: int, known: Stand | None) -> Verdict:
        key, digest, wire = request.ids[i], request.digests[i], request.arrivals[i].wire
        stands = known or self._pending(key)
        if stands is None:
            seq = self.first_seq + len(self.wires)
            self._new[key] = seq
            self.ids.append(key)
            self.digests.append(digest)
            self.wires.append(wire)
            return Verdict("accepted", seq)
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

    def _repeats(self, seq: int, wire: bytes) -> bool:
        place = seq - self.first_seq
        if place >= 0:
            return same(self.wires[place], micros(self.received_at), wire)
        kept = self._fetch(seq)
        return same(kept.wire, micros(kept.received_at), wire)
