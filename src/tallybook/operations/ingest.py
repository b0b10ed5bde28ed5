"""Take events in: each is checked by itself, all good ones become durable in one commit.

The receipt is the truth about a batch: it is not atomic, and a bad event harms no other.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tallybook.model.errors import Overloaded
from tallybook.model.fact import Arrival, Status, Verdict
from tallybook.model.limits import BACKLOG_EVENTS_MAX, BACKLOG_RETRY_SECONDS
from tallybook.model.ports import Ledger
from tallybook.model.scope import Scope
from tallybook.operations._body import Piece, split
from tallybook.operations._event import Refusal, check_all
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
    ids: tuple[str | None, ...]
    verdicts: tuple[Verdict, ...]

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
    if backlog > BACKLOG_EVENTS_MAX:
        raise Overloaded(
            "backlog_full",
            f"{backlog} events wait to be counted, and at most {BACKLOG_EVENTS_MAX} may; "
            f"send again in {BACKLOG_RETRY_SECONDS} seconds.",
            limit=BACKLOG_EVENTS_MAX,
            asked=backlog,
            retry_after=BACKLOG_RETRY_SECONDS,
        )
    plain = expand(body, headers.get("content-encoding", ""))
    return take(scope, ledger, split(plain, headers), now)


def take(scope: Scope, ledger: Ledger, pieces: list[Piece], now: datetime) -> Receipt:
    """Check events, each as structured JSON, and store the good ones in one commit.

    Raises:
        Unavailable: `ledger_unwritable`; nothing was stored.
    """
    checked = _check(scope, pieces, now)
    arrivals = [item for item in checked if type(item) is Arrival]
    decided = ledger.append(scope, arrivals, now)
    verdicts = decided if len(arrivals) == len(checked) else _merge(checked, decided)
    counts = Counter([verdict.status for verdict in verdicts])
    return Receipt(
        len(verdicts),
        counts["accepted"],
        counts["duplicate"],
        counts["conflict"],
        counts["rejected"],
        ledger.head(scope),
        tuple([item.id for item in checked]),
        tuple(verdicts),
    )


def _merge(checked: list[Arrival | Refusal], decided: list[Verdict]) -> list[Verdict]:
    """Put the refused ones back where they were."""
    left = iter(decided)
    return [
        Verdict("rejected", None, item.code, item.detail)
        if isinstance(item, Refusal)
        else next(left)
        for item in checked
    ]


def _check(scope: Scope, pieces: list[Piece], now: datetime) -> list[Arrival | Refusal]:
    wires = [piece for piece in pieces if type(piece) is bytes]
    read = check_all(wires, now)
    if scope.accounts is not None:
        read = [_within(scope, item) for item in read]
    if len(wires) == len(pieces):
        return read
    checked = iter(read)
    return [piece if isinstance(piece, Refusal) else next(checked) for piece in pieces]


def _within(scope: Scope, item: Arrival | Refusal) -> Arrival | Refusal:
    """Refuse an event for an account that is out of scope."""
    if isinstance(item, Refusal) or scope.sees(item.subject):
        return item
    return Refusal(
        item.id, "subject_unknown", "There is no such account for this key; check the subject."
    )
