"""Closes a statement: what it says is frozen, and whatever changes later is adjusted on another."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import StringConstraints, model_validator

from tallybook.model.directory import Directory
from tallybook.model.errors import Conflict, NotFound, Unavailable
from tallybook.model.limits import CLOSE_WAIT_SECONDS, REASON_CHARS_MAX
from tallybook.model.mark import Mark, minute_of
from tallybook.model.nouns import Day, Document, Noun, parse
from tallybook.model.ports import Books, Events, Ledger, Statements
from tallybook.model.scope import Scope
from tallybook.model.statement import ClosedStatement
from tallybook.model.time import clamp, format_instant
from tallybook.operations.directory import Directories
from tallybook.operations.position import spans_seen
from tallybook.operations.rate import Basis, Course, Rated, course_of, find, shown
from tallybook.positions.agreement import agreement
from tallybook.positions.document import seal

_PAUSE_SECONDS: Final = 0.02
_TRIES: Final = 10
_DAY: Final = timedelta(days=1)


class Closing(Noun):
    """Which period to close: any date inside. A held one is let go with `release` and a reason."""

    period: Day
    release: bool = False
    reason: Annotated[str, StringConstraints(min_length=1, max_length=REASON_CHARS_MAX)] | None = (
        None
    )

    @model_validator(mode="after")
    def _has_a_reason(self) -> Self:
        if self.release and self.reason is None:
            raise ValueError("say why it is released: reason")
        return self


@dataclass(frozen=True, slots=True)
class Stores:
    """What closing reads and writes."""

    books: Books
    ledger: Ledger
    events: Events
    statements: Statements
    directories: Directories


def close(scope: Scope, stores: Stores, number: str, body: Document, now: datetime) -> Rated:
    """Close the statement of a period that is over; one that is closed answers as it is.

    All events that were accepted before are counted: it is waited until they are loaded.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `contract_not_found`, `not_in_force`.
        Invalid: `document_invalid`, `period_too_far`.
        Conflict: `contract_draft`, `period_open`, `statement_held`, `statements_changed`.
        Unavailable: `not_loaded_yet`, where events are not loaded in time.
    """
    scope.require("close")
    asked = parse(Closing, body)
    _wait(scope, stores)
    for _ in range(_TRIES):
        found = _closed(scope, stores, number, asked, now)
        if found is not None:
            return shown(found, amounts=scope.sees_prices)
    raise Conflict(
        "statements_changed", f"Other statements of {number} are being closed; try again."
    )


def _closed(
    scope: Scope, stores: Stores, number: str, asked: Closing, now: datetime
) -> Rated | None:
    """Return the closed statement as it is stored; where there is none yet, close it, which fails
    where another of the contract was closed meanwhile: then it has to be worked out anew.
    """
    revision = stores.books.revision(scope)
    mark = Mark(stores.events.position(scope), revision, minute_of(now))
    directory = stores.directories.at(scope, revision)
    basis = Basis(directory, stores.events, stores.statements, mark)
    course = course_of(scope, basis, number)
    _refuse_draft(scope, basis, course, asked.period)
    found = find(scope, basis, course, asked.period)
    if found.closed is not None:
        return found
    _check(found, course, asked, now)
    closed = ClosedStatement(
        contract=number,
        account=found.document["account"],
        start_date=found.start_date,
        end_date=found.end_date,
        document=found.document,
        sha256=seal(found.document),
        known_at=mark,
        closed_at=now,
        closed_by=scope.who,
        reason=asked.reason,
    )
    # What is agreed may have changed since: from here on it is judged with what is closed.
    with stores.directories.changing, suppress(Conflict):
        if _is_still_agreed(stores.directories.current(scope), course):
            stores.statements.close(scope, closed, after=len(course.closed))
    return None


def _is_still_agreed(directory: Directory, course: Course) -> bool:
    found, known = agreement(directory, course.number), course.agreed
    return found.stretches == known.stretches and found.accounts == known.accounts


def _wait(scope: Scope, stores: Stores) -> None:
    """Wait until what the ledger holds is loaded."""
    head = stores.ledger.head(scope)
    until_seconds = time.monotonic() + CLOSE_WAIT_SECONDS
    while stores.events.position(scope) < head:
        if time.monotonic() > until_seconds:
            raise Unavailable(
                "not_loaded_yet",
                "Events that came before are still being loaded; nothing was closed, try again.",
                retry_after=CLOSE_WAIT_SECONDS,
            )
        time.sleep(_PAUSE_SECONDS)


def _refuse_draft(scope: Scope, basis: Basis, course: Course, day: date) -> None:
    contract = basis.directory.at("contract", course.number, clamp(day))
    if contract is None or contract.status != "draft" or course.place(clamp(day)) is not None:
        return
    spans_seen(scope, basis.directory, course.number, basis.mark.now)
    raise Conflict(
        "contract_draft",
        f"The contract {course.number} is a draft then and has no statement; make it active first.",
        field="period",
    )


def _check(found: Rated, course: Course, asked: Closing, now: datetime) -> None:
    """Refuse what is not over yet, or held and not released."""
    if not found.start_date <= asked.period < found.end_date:
        raise NotFound(  # a supplementary one: sent again, the request must not close the next
            "not_in_force",
            f"The contract {found.contract} is not in force then. What is to be adjusted after its "
            f"end stands on the period from {found.start_date} to before {found.end_date}; "
            "close that by a day in it.",
        )
    over_at = course.agreement.start_of(found.end_date)
    if now < over_at:
        raise Conflict(
            "period_open",
            f"The period ends on {found.end_date - _DAY}; close it when that day is over, at "
            f"{format_instant(over_at)}.",
            field="period",
        )
    if found.status == "held" and not asked.release:
        total, currency = found.document["total"], found.document["currency"]
        raise Conflict(
            "statement_held",
            f"The total, {total} {currency}, lies above {found.held_above} {currency}, more than "
            "is usual; look at it, then close it with `release` and a `reason`.",
            limit=found.held_above,
            asked=total,
        )
