"""Void, replace and revert events: each is a new entry of the ledger, and nothing is changed.

The ledger takes the n-th correction of an event once, so that of two who ask at a time one is
stored, and the other is decided again by what then holds (docs/decisions/0016).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from tallybook.model.correction import SOURCE, Op, name, written
from tallybook.model.errors import Conflict, Invalid, Overloaded
from tallybook.model.fact import Arrival, Verdict, columns_of
from tallybook.model.limits import CORRECTION_BYTES_MAX
from tallybook.model.ports import Ledger
from tallybook.model.scope import Scope, operator
from tallybook.operations._amendment import Asked, Case, case_of, read_item, sees
from tallybook.operations._body import Piece
from tallybook.operations._event import Refusal
from tallybook.operations._object import name_of
from tallybook.operations.ingest import Receipt, pieces_of, receipt

#: So many are decided together: their events are in memory at a time.
_TOGETHER: Final = 1_000
#: So often in a row others may be faster at every event; or they are, and it cannot be read yet.
_TRIES_MAX: Final = 20
_UNKNOWN: Final = Verdict(
    "rejected", None, "event_unknown", "There is no event with this source and id; check both."
)


def correct(
    scope: Scope,
    ledger: Ledger,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
    *,
    op: Op,
    backlog: int = 0,
) -> Receipt:
    """Take corrections of one kind, as JSON objects `{source, id, reason, event}`.

    `backlog` is how many entries wait to be loaded. The batch is not atomic.

    Raises:
        Forbidden, Overloaded, Unreadable, TooLarge, Unavailable: as `operations.ingest`.
    """
    scope.require("correct")
    pieces = pieces_of(body, headers, backlog)
    ids: list[str | None] = []
    verdicts: list[Verdict] = []
    for start in range(0, len(pieces), _TOGETHER):
        items = [_read(piece, op) for piece in pieces[start : start + _TOGETHER]]
        ids += [item.id for item in items]
        verdicts += _decided(scope, ledger, items, now)
    return receipt(ids, verdicts, ledger.head(scope))


def _read(piece: Piece, op: Op) -> Asked | Refusal:
    if isinstance(piece, Refusal):
        return piece
    wire = bytes(piece)
    try:
        return read_item(wire, op)
    except Invalid as e:
        return Refusal(name_of(wire, CORRECTION_BYTES_MAX), e.code, e.detail)


def _decided(
    scope: Scope, ledger: Ledger, items: Sequence[Asked | Refusal], now: datetime
) -> list[Verdict]:
    """Decide items and store what they come to; those for one event one after the other."""
    verdicts = {
        place: Verdict("rejected", None, item.code, item.detail)
        for place, item in enumerate(items)
        if isinstance(item, Refusal)
    }
    waiting = {place: item for place, item in enumerate(items) if isinstance(item, Asked)}
    cases = _cases(scope, ledger, waiting.values())
    tries = 0
    while waiting:
        if tries == _TRIES_MAX:
            raise Overloaded(
                "ledger_busy", "Others correct the same events; send this again.", retry_after=1
            )
        keys = dict.fromkeys(asked.key for asked in waiting.values())
        _follow(ledger, [cases[key] for key in keys if key in cases])
        drafts: dict[int, Arrival] = {}
        begun: set[tuple[str, str]] = set()
        for place, asked in waiting.items():
            if asked.key in begun:
                continue  # what comes before it is stored first: it would only be a conflict
            found = _next(scope, cases.get(asked.key), asked, now)
            if isinstance(found, Verdict):
                verdicts[place] = found
            else:
                drafts[place] = found
                begun.add(asked.key)
        stored = ledger.append(operator(scope.who), columns_of(drafts.values()), now)
        outcome = zip(drafts, stored, strict=True)
        # In a conflict another's correction came first: it is decided again, by what now holds.
        verdicts |= {place: found for place, found in outcome if found.status != "conflict"}
        left = {place: asked for place, asked in waiting.items() if place not in verdicts}
        tries = tries + 1 if len(left) == len(waiting) else 0
        waiting = left
    return [verdicts[place] for place in range(len(items))]


def _next(scope: Scope, case: Case | None, asked: Asked, now: datetime) -> Arrival | Verdict:
    """Return the entry to be stored, or why there is none."""
    if case is None:
        return _UNKNOWN
    try:
        found = case.next(scope, asked, now)
    except Invalid as e:
        return Verdict("rejected", None, e.code, e.detail)
    except Conflict as e:
        return Verdict("conflict", case.entry, e.code, e.detail)
    if found is None:
        return Verdict(
            "duplicate",
            case.entry,
            "already_stored",
            f"This correction is entry {case.entry} already; nothing was done twice. To correct "
            "the event once more in the same way, give another reason.",
        )
    if not all(sees(scope, row) for row in (found.hides, found.shows) if row):
        return _UNKNOWN
    return written(found, case.number + 1, case.original)


def _cases(scope: Scope, ledger: Ledger, items: Iterable[Asked]) -> dict[tuple[str, str], Case]:
    """Find the events that are meant, without those that may not be seen."""
    keys = list(dict.fromkeys(item.key for item in items if item.source != SOURCE))
    seqs = {key: seq for key, seq in zip(keys, ledger.find(scope, keys), strict=True) if seq}
    facts = ledger.fetch(scope, seqs.values())
    cases = {key: case_of(facts[seq]) for key, seq in seqs.items()}
    # The ledger finds an id by its hash alone; nobody's event is corrected in place of another's.
    return {
        key: case
        for key, case in cases.items()
        if (case.source, case.id) == key and sees(scope, case.original)
    }


def _follow(ledger: Ledger, cases: Sequence[Case]) -> None:
    """Bring cases up to what the ledger holds: one look a number for all of them."""
    mine = operator("correct")
    while cases:
        seqs = ledger.find(mine, [(SOURCE, name(c.original.seq, c.number + 1)) for c in cases])
        found = [(case, seq) for case, seq in zip(cases, seqs, strict=True) if seq]
        facts = ledger.fetch(mine, [seq for _, seq in found])
        for case, seq in found:
            case.follow(facts[seq])
        cases = [case for case, _ in found]
