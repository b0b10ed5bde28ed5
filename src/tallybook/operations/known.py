"""What an answer is to rest on: turns the caller's `known_at` into a mark, and back in time."""

from datetime import datetime

from tallybook.model.errors import Invalid, Overloaded
from tallybook.model.mark import Mark, parse_mark
from tallybook.model.ports import Books, Events, Ledger
from tallybook.model.scope import Scope, operator
from tallybook.model.time import parse_instant


def known(scope: Scope, books: Books, ledger: Ledger, events: Events, known_at: str | None) -> Mark:
    """Return the mark that a question names, as a mark or an instant; the newest without one.

    Raises:
        Invalid: `known_at_invalid`, `known_at_unknown`, `time_invalid`.
        Overloaded: `not_loaded_yet`, while the facts of a mark are still on their way.
    """
    loaded = events.position(scope)
    if known_at is None:
        return Mark(loaded, books.revision(scope))
    if "T" in known_at.upper():
        instant = parse_instant(known_at, name="known_at")
        mark = Mark(ledger.seq_at(scope, instant), books.revision_at(scope, instant))
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


def received(ledger: Ledger, mark: Mark) -> datetime | None:
    """Return when the newest fact of a mark came in: for a mark, what the last load is for now.

    It does not change with later loads, so that the same question has the same bytes again.
    """
    found = ledger.fetch(operator("known"), [mark.seq])
    return found[mark.seq].received_at if mark.seq in found else None
