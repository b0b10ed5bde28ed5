"""Cases in SQL: each change, its entry in the audit trail and its delivery are one commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tallybook.model.case import Case, CasePage, CaseQuery, CaseStatus, Message
from tallybook.model.delivery import Delivery
from tallybook.model.errors import Conflict
from tallybook.model.scope import Scope
from tallybook.stores.books import deliveries
from tallybook.stores.books.database import Database
from tallybook.stores.books.people import note
from tallybook.stores.books.schema import case as cases
from tallybook.stores.books.schema import case_message as messages
from tallybook.stores.books.schema import delivery as delivery_table
from tallybook.stores.books.schema import fields
from tallybook.stores.books.seen import among, seen

_FIRST: Final = messages.alias("first")
_COUNT: Final = (
    select(func.count())
    .where(messages.c.case_id == cases.c.id)
    .correlate(cases)
    .scalar_subquery()
    .label("messages_count")
)
_CASES: Final[Select[Any]] = select(
    *(column for column in cases.c if column.name != "text"),
    _FIRST.c.text.label("opening"),
    _COUNT,
).join_from(cases, _FIRST, and_(_FIRST.c.case_id == cases.c.id, _FIRST.c.number == 1))
_MESSAGES: Final[Select[Any]] = select(
    messages, delivery_table.c.status.label("delivery_status")
).outerjoin(delivery_table, delivery_table.c.id == messages.c.delivery_id)


class BooksCases:
    """The port `Cases` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def page(self, scope: Scope, query: CaseQuery) -> CasePage:
        """Return cases, newest first."""
        with self._database.reader() as connection:
            wanted = among(connection, cases.c.account, seen(scope, query.accounts, query.at))
            if query.text:
                wanted.append(cases.c.text.contains(query.text.casefold(), autoescape=True))
            counts = _counts(connection, wanted)
            if query.status is not None:
                wanted.append(cases.c.status == query.status)
            if query.after is not None:
                wanted.append(cases.c.id < query.after)
            found = _CASES.where(*wanted).order_by(cases.c.id.desc())
            rows = connection.execute(found.offset(query.offset).limit(query.limit + 1))
            items = [Case(**fields(row)) for row in rows]
        total = sum(counts.values()) if query.status is None else counts.get(query.status, 0)
        return CasePage(tuple(items[: query.limit]), len(items) > query.limit, total, counts)

    def case(self, scope: Scope, case_id: str, at: datetime) -> tuple[Case, list[Message]] | None:
        """Return a case whose account the scope sees at an instant, with all its messages."""
        of_case = _MESSAGES.where(messages.c.case_id == case_id).order_by(messages.c.number)
        with self._database.reader() as connection:
            row = connection.execute(_CASES.where(cases.c.id == case_id)).one_or_none()
            if row is None or not scope.sees(row.account, at):
                return None
            return Case(**fields(row)), [_message(one) for one in connection.execute(of_case)]

    def written(self, scope: Scope, idempotency_key: str) -> tuple[str, Message] | None:
        """Return what who asks has written under their key for a request, and in which case."""
        mine = _MESSAGES.where(
            messages.c.author == scope.who, messages.c.idempotency_key == idempotency_key
        )
        with self._database.reader() as connection:
            row = connection.execute(mine).one_or_none()
            return None if row is None else (row.case_id, _message(row))

    def open(self, scope: Scope, case: Case, message: Message, delivery: Delivery | None) -> None:
        """Add a case with its first message.

        Raises:
            Conflict: `idempotency_key_used`.
        """
        row = {column.name: getattr(case, column.name, None) for column in cases.c}
        row["text"] = _searched(case)
        with self._database.writer() as connection:
            connection.execute(insert(cases).values(row))
            _write(connection, case.id, message, delivery)
            note(connection, scope, case.created_at, "case.opened", case.id)

    def answer(
        self,
        scope: Scope,
        case_id: str,
        message: Message,
        status: CaseStatus,
        delivery: Delivery | None,
    ) -> None:
        """Add a message to a case, as its next number, and set its status.

        Raises:
            Conflict: `case_closed`, `idempotency_key_used`.
        """
        with self._database.writer() as connection:
            _set(connection, case_id, status, message.at, [cases.c.status != "closed"])
            _write(connection, case_id, message, delivery)
            note(connection, scope, message.at, "case.answered", case_id)

    def change(self, scope: Scope, case_id: str, status: CaseStatus, at: datetime) -> None:
        """Set the status of a case."""
        what = "case.closed" if status == "closed" else "case.reopened"
        with self._database.writer() as connection:
            _set(connection, case_id, status, at)
            note(connection, scope, at, what, case_id)


def _counts(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> dict[CaseStatus, int]:
    count = func.count().label("count_")
    grouped = select(cases.c.status, count).where(*wanted).group_by(cases.c.status)
    return {row.status: row.count_ for row in connection.execute(grouped)}


def _set(
    connection: Connection,
    case_id: str,
    status: CaseStatus,
    at: datetime,
    unless: Sequence[ColumnElement[bool]] = (),
) -> None:
    changed = update(cases).where(cases.c.id == case_id, *unless)
    if not connection.execute(changed.values(status=status, changed_at=at)).rowcount:
        raise Conflict("case_closed", "This case is closed; reopen it, then write.")


def _write(
    connection: Connection, case_id: str, message: Message, delivery: Delivery | None
) -> None:
    """Add a message as the next one, and the delivery that tells of it."""
    of_case = messages.c.case_id == case_id
    last = connection.scalar(select(func.max(messages.c.number)).where(of_case)) or 0
    row = {column.name: getattr(message, column.name, None) for column in messages.c}
    row |= {"case_id": case_id, "number": last + 1}
    if delivery is not None:
        deliveries.add(connection, delivery)
        row["delivery_id"] = delivery.id
    try:
        connection.execute(insert(messages).values(row))
    except IntegrityError as e:
        raise Conflict(
            "idempotency_key_used",
            "Another request came with this idempotency_key; look for what it made, or take a new "
            "key.",
            field="idempotency_key",
        ) from e


def _message(row: Row[Any]) -> Message:
    said = fields(row)
    return Message(**{name: said[name] for name in Message.__dataclass_fields__})


def _searched(case: Case) -> str:
    """Return what a search looks through."""
    names = (case.shown.get("account_name"), case.shown.get("service"))
    keys = (case.account, case.contract, case.line)
    return "\n".join(filter(None, (*names, *keys, case.opening))).casefold()
