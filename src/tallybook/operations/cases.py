"""Cases: opened about a line with the numbers as they stand, answered by both sides, closed and
reopened. What is written is recorded as a delivery to the other side; sending it is not done here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from tallybook.model.case import Case, CaseKind, CasePage, CaseQuery, CaseStatus, Message, Side
from tallybook.model.delivery import Delivery
from tallybook.model.errors import Conflict, Invalid, NotFound
from tallybook.model.ids import new_id
from tallybook.model.limits import KEY_CHARS_MAX, MESSAGE_CHARS_MAX, MESSAGES_OF_A_CASE_MAX
from tallybook.model.nouns import Document, Instant, Key, Name, Noun, Person, parse
from tallybook.model.pages import line_page
from tallybook.model.plain import plain
from tallybook.model.ports import Books, Cases, Events, Ledger, People
from tallybook.model.position import Position
from tallybook.model.scope import Scope
from tallybook.operations._page import check_limit
from tallybook.operations._recipients import Recipients, customer, manager, vendor
from tallybook.operations.directory import Directories
from tallybook.operations.known import known
from tallybook.operations.position import Instants, position

_TITLES: Final[Mapping[CaseKind, str]] = {
    "question": "Question about",
    "discrepancy": "Numbers look wrong:",
}

Text = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MESSAGE_CHARS_MAX})]
RequestKey = Annotated[str, StringConstraints(min_length=1, max_length=KEY_CHARS_MAX)]


class LineMeant(Noun):
    """A line and which of its numbers are meant, as `GET /positions` takes them."""

    contract: Key
    line: Name
    at: Instant | None = None
    known_at: Name | None = None
    rollup: bool | None = None


class NewMessage(Noun):
    """What is asked of a message. A request sent again under its key adds nothing."""

    text: Text
    idempotency_key: RequestKey | None = None


class NewCase(LineMeant, NewMessage):
    """What is asked of a case; the numbers of its line are looked up."""

    kind: CaseKind = "question"


class CaseChange(Noun):
    """What may become of a case by itself; it is answered by answering."""

    status: Literal["open", "closed"]


@dataclass(frozen=True, slots=True)
class Desk:
    """What cases are worked out from and kept in."""

    cases: Cases
    people: People
    books: Books
    ledger: Ledger
    events: Events
    directories: Directories


@dataclass(frozen=True, slots=True)
class Preview:
    """What opening a case would record of a line, and the CSM it goes to, if one is known."""

    account: str
    contract: str
    shown: Mapping[str, Any]
    manager: Person | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with all its messages."""

    case: Case
    messages: tuple[Message, ...]


def list_cases(scope: Scope, cases: Cases, query: CaseQuery) -> CasePage:
    """List cases, newest first.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`.
    """
    scope.require("read")
    check_limit(query.limit)
    return cases.page(scope, query)


def read(scope: Scope, cases: Cases, case_id: str, now: datetime) -> Opened:
    """Return a case.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `case_not_found`, also where its account is not the caller's now.
    """
    scope.require("read")
    found = cases.case(scope, case_id, now)
    if found is None:
        raise NotFound("case_not_found", f"There is no case {case_id!r} to be seen.")
    return Opened(found[0], tuple(found[1]))


def preview(scope: Scope, desk: Desk, body: Document, now: datetime) -> Preview:
    """Return what a case about a line would record, and whom it would go to.

    Raises:
        Forbidden, NotFound, Invalid: as `open_case`.
    """
    scope.require("contact")
    asked = parse(LineMeant, body)
    found, when = _looked_up(scope, desk, asked, now)
    directory = desk.directories.current(scope).on(now.date())
    csm = manager(directory, found.account, found.contract)
    return Preview(found.account, found.contract, _shown(found, when, asked), csm)


def open_case(scope: Scope, desk: Desk, body: Document, now: datetime) -> Opened:
    """Open a case about a line, with its numbers as they stand at the mark asked for.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `contract_not_found`, `line_not_found`, `not_in_force`.
        Invalid: `document_invalid`, `text_missing`, `text_too_long`, and what `known` says.
        Conflict: `idempotency_key_used`, where the key came with something else.
    """
    scope.require("contact")
    asked = parse(NewCase, body)
    text = _text(asked.text)
    repeated = _repeated(scope, desk, asked, text, now)
    if repeated is not None:
        return repeated
    found, when = _looked_up(scope, desk, asked, now)
    directory = desk.directories.current(scope).on(now.date())
    case = _case(scope, asked, text, (found, when), now)
    message = _message(scope, asked, text, now)
    csm = manager(directory, case.account, case.contract)
    delivery = _delivery(scope, case, message, vendor(desk.people, csm))
    try:
        desk.cases.open(scope, case, message, delivery)
    except Conflict:  # the same request came twice at once
        repeated = _repeated(scope, desk, asked, text, now)
        if repeated is None:
            raise
        return repeated
    return read(scope, desk.cases, case.id, now)


def answer(scope: Scope, desk: Desk, case_id: str, body: Document, now: datetime) -> Opened:
    """Write in a case: it is answered where the vendor wrote, and open where the customer did.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `case_not_found`.
        Invalid: `document_invalid`, `text_missing`, `text_too_long`, `too_many_messages`.
        Conflict: `case_closed`; `idempotency_key_used`, where the key came with something else.
    """
    scope.require("contact")
    opened = read(scope, desk.cases, case_id, now)
    asked = parse(NewMessage, body)
    text = _text(asked.text)
    if _repeated(scope, desk, asked, text, now, case_id) is not None:
        return opened
    if len(opened.messages) >= MESSAGES_OF_A_CASE_MAX:
        raise Invalid(
            "too_many_messages",
            f"A case has at most {MESSAGES_OF_A_CASE_MAX} messages; open another one.",
            limit=MESSAGES_OF_A_CASE_MAX,
        )
    message = _message(scope, asked, text, now)
    delivery = _delivery(scope, opened.case, message, _others(scope, desk, opened, message))
    status: CaseStatus = "answered" if message.side == "vendor" else "open"
    desk.cases.answer(scope, case_id, message, status, delivery)
    return read(scope, desk.cases, case_id, now)


def change(scope: Scope, cases: Cases, case_id: str, body: Document, now: datetime) -> Opened:
    """Close a case, or open it again; what is so already stays as it is.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `case_not_found`.
        Invalid: `document_invalid`.
    """
    scope.require("contact")
    opened = read(scope, cases, case_id, now)
    status = parse(CaseChange, body).status
    if opened.case.status == status:
        return opened
    cases.change(scope, case_id, status, now)
    return read(scope, cases, case_id, now)


def title(case: Case) -> str:
    """Return what a case is about, in one line."""
    about = f"{_TITLES[case.kind]} {case.shown['service']}, {case.shown['account_name']}"
    return " ".join(about.split())


def _text(written: str) -> str:
    """Return a message with line ends of one kind and nothing around it.

    Raises:
        Invalid: `text_missing`, `text_too_long`.
    """
    text = written.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise Invalid("text_missing", "Write what it is about.", field="text")
    if len(text) > MESSAGE_CHARS_MAX:
        raise Invalid(
            "text_too_long",
            f"A message has at most {MESSAGE_CHARS_MAX:,} characters; this one has {len(text):,}.",
            field="text",
            limit=MESSAGE_CHARS_MAX,
            asked=len(text),
        )
    return text


def _repeated(
    scope: Scope,
    desk: Desk,
    asked: NewMessage,
    text: str,
    now: datetime,
    case_id: str | None = None,
) -> Opened | None:
    """Return the case in which this very request was written before, None where it is new.

    Raises:
        Conflict: `idempotency_key_used`, where the key came with something else.
    """
    found = desk.cases.written(scope, asked.idempotency_key) if asked.idempotency_key else None
    if found is None:
        return None
    place, message = found
    opened = read(scope, desk.cases, place, now)
    case = opened.case
    if isinstance(asked, NewCase):
        about = (asked.contract, asked.line, asked.kind)
        is_same = message.number == 1 and about == (case.contract, case.line, case.kind)
    else:
        is_same = message.number > 1 and place == case_id
    if not is_same or message.text != text:
        raise Conflict(
            "idempotency_key_used",
            "This idempotency key came with another request before; take a new one.",
            field="idempotency_key",
        )
    return opened


def _looked_up(
    scope: Scope, desk: Desk, asked: LineMeant, now: datetime
) -> tuple[Position, Instants]:
    """Return where the line stands as known at the mark asked for, whatever the form showed."""
    mark = known(scope, desk.books, desk.ledger, desk.events, asked.known_at, now)
    when = Instants(asked.at or mark.now, mark)
    directory = desk.directories.at(scope, mark.revision).on(when.now.date())
    key = (asked.contract, asked.line)
    return position(scope, directory, desk.events, key, when, rollup=asked.rollup)[0], when


def _case(
    scope: Scope, asked: NewCase, text: str, looked_up: tuple[Position, Instants], now: datetime
) -> Case:
    found, when = looked_up
    return Case(
        id=new_id(now),
        kind=asked.kind,
        account=found.account,
        contract=found.contract,
        line=found.line,
        shown=_shown(found, when, asked),
        status="open",
        created_at=now,
        created_by=scope.who,
        changed_at=now,
        opening=text,
    )


def _message(scope: Scope, asked: NewMessage, text: str, now: datetime) -> Message:
    side: Side = "customer" if scope.is_customer else "vendor"
    return Message(1, scope.who, side, now, text, idempotency_key=asked.idempotency_key)


def _others(scope: Scope, desk: Desk, opened: Opened, message: Message) -> Recipients:
    """Return who of the other side is told."""
    case = opened.case
    directory = desk.directories.current(scope).on(message.at.date())
    if message.side == "vendor":
        return customer(desk.people, directory, case, opened.messages, message.at)
    return vendor(desk.people, manager(directory, case.account, case.contract))


def _delivery(scope: Scope, case: Case, message: Message, to: Recipients) -> Delivery | None:
    """Return the delivery of a message, None where there is nobody but its author to tell."""
    told = tuple(address for address in to.addresses if address != message.author)
    if not told:
        return None
    return Delivery(
        id=new_id(message.at),
        kind=to.kind,
        account=case.account,
        recipients=told,
        subject=title(case),
        body=message.text,
        link=f"/cases/{case.id}",
        numbers=case.shown,
        created_at=message.at,
        created_by=scope.who,
        due_at=message.at,
    )


def _shown(found: Position, when: Instants, asked: LineMeant) -> dict[str, Any]:
    """Return what the page of a line shows of it, without prices: both sides may read it."""
    period = found.period
    tree = {True: "&rollup=tree", False: "&rollup=own", None: ""}[asked.rollup]
    query = f"on={period.start_date}{tree}"  # the period that holds the day, whenever it is opened
    path = line_page(found.contract, found.line)
    shown: dict[str, Any] = plain(
        {
            "account_name": found.account_name or found.account,
            "service": found.service,
            "unit": found.unit,
            "start_date": period.start_date,
            "end_date": period.end_date,
            "used": found.used,
            "allotment": found.allotment,
            "is_unlimited": found.is_unlimited,
            "remaining": found.remaining,
            "percent_used": found.percent_used,
            "overage": found.overage,
            "status": found.status,
            "projected": found.forecast.projected,
            "data_through": found.data_through,
            "at": when.at,
            "rollup": asked.rollup,
            "known_at": when.mark,
            "link": f"{path}?{query}",
        }
    )
    return shown
