"""Take events in: each is checked by itself, all good ones become durable in one commit.

The receipt is the truth about a batch: it is not atomic, and a bad event harms no other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tallybook.model.errors import Overloaded
from tallybook.model.fact import ACCEPTED, Status, Verdict
from tallybook.model.limits import BACKLOG_EVENTS_MAX, BACKLOG_RETRY_SECONDS
from tallybook.model.ports import Ledger
from tallybook.model.scope import Scope
from tallybook.operations._body import Piece, split
from tallybook.operations._event import Checked, Refusal, check_all
from tallybook.operations._expand import expand


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the event at `index` of the body; `id` where it could be made out."""

    index: int
    id: str | None
    status: Status
    code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a body: received = accepted + duplicate + conflict + rejected.

    `ledger_seq` is the newest entry of the ledger; `ids` and `verdicts` are those of all events,
    in the order of the body.
    """

    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    ledger_seq: int
    ids: Sequence[str | None]
    verdicts: Sequence[Verdict]

    def results(self, *, all: bool = False) -> list[Line]:
        """List the events that were not accepted, or all of them."""
        return [
            Line(i, id_, verdict.status, verdict.code, verdict.detail)
            for i, (id_, verdict) in enumerate(zip(self.ids, self.verdicts, strict=True))
            if all or verdict.status != "accepted"
        ]


def ingest(
    scope: Scope,
    ledger: Ledger,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
    *,
    backlog: int = 0,
) -> Receipt:
    """Take the events of an HTTP body, whose header names are in lower case.

    `backlog` is how many entries wait to be loaded.

    Raises:
        Overloaded: `backlog_full`; `Forbidden`: `verb_not_allowed`.
        Unreadable, TooLarge: the body as a whole; nothing was stored.
        Unavailable: `ledger_unwritable`; nothing was stored.
    """
    scope.require("ingest")
    return take(scope, ledger, pieces_of(body, headers, backlog), now)


def pieces_of(body: bytes, headers: Mapping[str, str], backlog: int) -> list[Piece]:
    """Cut a body into what it holds, unless too much waits already.

    Raises:
        Overloaded, Unreadable, TooLarge: as `ingest`.
    """
    if backlog > BACKLOG_EVENTS_MAX:
        raise Overloaded(
            "backlog_full",
            f"{backlog} events wait to be counted, and at most {BACKLOG_EVENTS_MAX} may; "
            f"send again in {BACKLOG_RETRY_SECONDS} seconds.",
            limit=BACKLOG_EVENTS_MAX,
            asked=backlog,
            retry_after=BACKLOG_RETRY_SECONDS,
        )
    return split(expand(body, headers.get("content-encoding", "")), headers)


def take(scope: Scope, ledger: Ledger, pieces: Sequence[Piece], now: datetime) -> Receipt:
    """Check events, each as structured JSON, and store the good ones in one commit.

    Raises:
        Unavailable: `ledger_unwritable`; nothing was stored.
    """
    arrivals, refusals = _check(scope, pieces, now)
    decided = ledger.append(scope, arrivals, now)
    ids: Sequence[str | None] = arrivals.id
    if refusals:
        ids, decided = _merged(ids, decided, refusals)
    return receipt(ids, decided, ledger.head(scope))


def receipt(ids: Sequence[str | None], decided: Sequence[Verdict], head: int) -> Receipt:
    """Count what was decided."""
    if decided.count(ACCEPTED) == len(decided):
        counts = {"accepted": len(decided)}
    else:
        counts = Counter([verdict.status for verdict in decided])
    return Receipt(
        len(decided),
        counts.get("accepted", 0),
        counts.get("duplicate", 0),
        counts.get("conflict", 0),
        counts.get("rejected", 0),
        head,
        ids,
        decided,
    )


def _merged(
    ids: Sequence[str | None], decided: Sequence[Verdict], refusals: Mapping[int, Refusal]
) -> tuple[list[str | None], list[Verdict]]:
    """Put the refused ones back where they were."""
    taken = iter(zip(ids, decided, strict=True))
    rejected = {
        place: (refusal.id, Verdict("rejected", None, refusal.code, refusal.detail))
        for place, refusal in refusals.items()
    }
    both = [rejected.get(i) or next(taken) for i in range(len(decided) + len(rejected))]
    return [name for name, _ in both], [verdict for _, verdict in both]


def _check(scope: Scope, pieces: Sequence[Piece], now: datetime) -> Checked:
    """Check what could be cut out of the body, and note the rest with its place."""
    wires = [piece for piece in pieces if not isinstance(piece, Refusal)]
    checked = check_all(wires, now)
    if scope.accounts is not None:
        checked = _within(scope, checked)
    if len(wires) == len(pieces):
        return checked
    places = [i for i, piece in enumerate(pieces) if not isinstance(piece, Refusal)]
    unread = {i: piece for i, piece in enumerate(pieces) if isinstance(piece, Refusal)}
    refused = {places[i]: refusal for i, refusal in checked.refusals.items()}
    return Checked(checked.arrivals, unread | refused)


def _within(scope: Scope, checked: Checked) -> Checked:
    """Refuse the events for accounts that are out of scope."""
    arrivals, refusals = checked
    count = arrivals.events + len(refusals)
    taken = [i for i in range(count) if i not in refusals]
    seen = [scope.sees(subject) for subject in arrivals.subject]
    unseen = {
        place: Refusal(
            arrivals.id[i],
            "subject_unknown",
            "There is no such account for this key; check the subject.",
        )
        for i, place in enumerate(taken)
        if not seen[i]
    }
    return Checked(arrivals.pick(i for i, may in enumerate(seen) if may), {**refusals, **unseen})
