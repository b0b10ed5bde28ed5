"""What an answer is to rest on: turns the caller's `known_at` into a mark, and back in time."""

from datetime import datetime

from tallybook.model.errors import Invalid, Overloaded
from tallybook.model.mark import Mark, minute_of, parse_mark
from tallybook.model.ports import Books, Events, Ledger
from tallybook.model.scope import Scope, operator
from tallybook.model.time import format_instant, parse_instant


def known(
    scope: Scope,
    books: Books,
    ledger: Ledger,
    events: Events,
    known_at: str | None,
    now: datetime,
) -> Mark:
    """Return the mark that a question names, as a mark or an instant; the newest without one.

    What it is asked with then is `now` for the whole question: the mark's instant, or the one
    named. A mark of an earlier answer may lie ahead of a clock that was set back.

    Raises:
        Invalid: `known_at_invalid`, `known_at_unknown`, `known_at_ahead`, `time_invalid`.
        Overloaded: `not_loaded_yet`, while the facts of a mark are still on their way.
    """
    loaded = events.position(scope)
    if known_at is None:
        return Mark(loaded, books.revision(scope), minute_of(now))
    if "T" in known_at.upper():
        mark = _at(scope, books, ledger, parse_instant(known_at, name="known_at"), now)
    else:
        mark = parse_mark(known_at)
    if mark.seq > ledger.head(scope) or mark.revision > books.revision(scope):
        raise Invalid(
            "known_at_unknown",
            "known_at is newer than this installation; use a mark from one of its answers.",
            field="known_at",
        )
    if mark.seq > loaded:
        raise Overloaded(
            "not_loaded_yet", "These facts are still being loaded; ask again.", retry_after=1
        )
    return mark


def _at(scope: Scope, books: Books, ledger: Ledger, instant: datetime, now: datetime) -> Mark:
    if instant > now:
        raise Invalid(
            "known_at_ahead",
            f"known_at lies ahead of this server's clock, {format_instant(now)}; leave it out to "
            "ask for what is known now.",
            field="known_at",
        )
    seq, revision = ledger.seq_at(scope, instant), books.revision_at(scope, instant)
    return Mark(seq, revision, minute_of(instant))


def received(ledger: Ledger, seq: int) -> datetime | None:
    """Return when an entry came in: as the newest of a mark, the instant of the last load then.

    It does not change with later loads, so that the same question has the same bytes again.
    """
    found = ledger.fetch(operator("known"), [seq])
    return found[seq].received_at if seq in found else None
