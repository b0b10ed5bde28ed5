"""Deliveries in SQL: written in the transaction of what they tell of, read by account, and sent by
one process at a time.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    type_coerce,
    update,
)

from tallybook.model.canonical import encode
from tallybook.model.delivery import Attachment, Channel, Delivery, DeliveryPage, DeliveryQuery
from tallybook.model.ids import new_id
from tallybook.model.scope import Scope
from tallybook.stores.books.database import Database
from tallybook.stores.books.leases import now_of
from tallybook.stores.books.people import note
from tallybook.stores.books.schema import attachment as files
from tallybook.stores.books.schema import delivery as deliveries
from tallybook.stores.books.schema import fields
from tallybook.stores.books.seen import among, seen

#: What an attempt changes.
_SETTLED: Final = ("status", "attempts", "due_at", "sent_at", "error", "reached")
_SECOND: Final = 1_000_000
_TO: Final = ("recipients", "cc", "bcc")
_LISTS: Final = (*_TO, "reached")
#: What may be sent: it waits for its first attempt, or for another.
_WAITING: Final = ("queued", "failed")


class BooksDeliveries:
    """The port `Deliveries` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def page(self, scope: Scope, query: DeliveryQuery) -> DeliveryPage:
        """Return deliveries, newest first."""
        with self._database.reader() as connection:
            accounts = seen(scope, query.accounts, query.at)
            names = ("status", "subscription", "run")
            narrows = {name: getattr(query, name) for name in names}
            wanted = [
                *among(connection, deliveries.c.account, accounts),
                *(deliveries.c[name] == v for name, v in narrows.items() if v is not None),
                _known(scope),
            ]
            count = select(func.count()).select_from(deliveries).where(*wanted)
            found = select(deliveries).where(*wanted)
            if query.after is not None:
                found = found.where(deliveries.c.id < query.after)
            found = found.order_by(deliveries.c.id.desc()).limit(query.limit + 1)
            items = [_delivery(row) for row in connection.execute(found)]
            total = connection.scalars(count).one()
        return DeliveryPage(tuple(items[: query.limit]), len(items) > query.limit, total)

    def delivery(self, scope: Scope, delivery_id: str, at: datetime) -> Delivery | None:
        """Return a delivery about an account that the scope sees at an instant."""
        with self._database.reader() as connection:
            one = select(deliveries).where(deliveries.c.id == delivery_id, _known(scope))
            row = connection.execute(one).one_or_none()
        return _delivery(row) if row is not None and scope.sees(row.account, at) else None


class BooksOutbox:
    """The port `Outbox` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def claim(
        self,
        scope: Scope,
        channel: Channel,
        now: datetime,
        holder: str,
        *,
        limit: int,
        lease_seconds: int,
    ) -> list[Delivery]:
        """Take deliveries that are due and nobody holds, the longest due first; see `Outbox`."""
        scope.require("administer")
        earlier = deliveries.alias()
        before = exists().where(
            earlier.c.sequence_of == deliveries.c.sequence_of,
            earlier.c.id < deliveries.c.id,
            earlier.c.status.in_(_WAITING),
        )
        with self._database.writer() as connection:
            real = now_of(connection)
            wanted = (
                select(deliveries.c.id)
                .where(
                    deliveries.c.channel == channel,
                    deliveries.c.status.in_(_WAITING),
                    deliveries.c.due_at <= now,
                    or_(deliveries.c.held_until.is_(None), deliveries.c.held_until <= real),
                    or_(deliveries.c.sequence_of.is_(None), ~before),
                )
                .order_by(deliveries.c.due_at, deliveries.c.id)
                .limit(limit)
            )
            ids = list(connection.scalars(wanted))
            if not ids:
                return []
            mine = deliveries.c.id.in_(ids)
            until = real + lease_seconds * _SECOND
            held = update(deliveries).where(mine).values(holder=holder, held_until=until)
            connection.execute(held)
            taken = select(deliveries).where(mine)
            rows = connection.execute(taken.order_by(deliveries.c.due_at, deliveries.c.id))
            return [_delivery(row) for row in rows]

    def attachment(self, scope: Scope, delivery_id: str) -> Attachment | None:
        """Return the file of a mail that is kept still; see `Outbox`."""
        scope.require("administer")
        found = select(files).where(files.c.delivery_id == delivery_id)
        with self._database.reader() as connection:
            row = connection.execute(found).one_or_none()
        return None if row is None else Attachment(row.name, row.media_type, row.content)

    def forget(self, scope: Scope, before: datetime) -> int:
        """Forget the files of mails that died before an instant, and return how many."""
        scope.require("administer")
        theirs = deliveries.c.id == files.c.delivery_id
        dead = exists().where(theirs, deliveries.c.status == "dead", deliveries.c.due_at < before)
        # Ids grow with time, and what died before then was made before then: of all the files few
        # are looked at.
        old = and_(files.c.delivery_id < new_id(before), dead)
        with self._database.reader() as connection:
            if connection.execute(select(files.c.delivery_id).where(old).limit(1)).first() is None:
                return 0
        with self._database.writer() as connection:
            return connection.execute(delete(files).where(old)).rowcount

    def settle(self, scope: Scope, delivery: Delivery, holder: str) -> bool:
        """Write what became of an attempt and let it go; see `Outbox`."""
        scope.require("administer")
        mine = and_(deliveries.c.id == delivery.id, deliveries.c.holder == holder)
        told = {name: getattr(delivery, name) for name in _SETTLED}
        done = update(deliveries).where(mine).values(**told, holder=None, held_until=None)
        with self._database.writer() as connection:
            if connection.execute(done).rowcount != 1:
                return False
            if delivery.status == "sent":
                connection.execute(delete(files).where(files.c.delivery_id == delivery.id))
            return True

    def resend(self, scope: Scope, delivery_id: str, at: datetime) -> bool:
        """Queue one again that is dead or failed; see `Outbox`."""
        again = and_(deliveries.c.id == delivery_id, deliveries.c.status.in_(("dead", "failed")))
        queued = (
            update(deliveries)
            .where(again)
            .values(status="queued", due_at=at, error=None, attempts=0)
        )
        with self._database.writer() as connection:
            if connection.execute(queued).rowcount != 1:
                return False
            note(connection, scope, at, "delivery.resent", delivery_id)
            return True


def _known(scope: Scope) -> ColumnElement[bool]:
    """Return which messages a scope hears of: those of cases are for both sides; of what else is
    told those know whom it goes to, whoever had it sent, and who of the vendor sees all prices.
    What it says is for the operations to show or to hide.
    """
    if scope.sees_prices and not scope.is_customer:
        return true()
    named = encode(scope.who)
    return or_(
        deliveries.c.kind.startswith("case."),
        deliveries.c.created_by == scope.who,
        *(type_coerce(deliveries.c[name], Text).contains(named, autoescape=True) for name in _TO),
    )


def add(connection: Connection, delivery: Delivery) -> None:
    """Add a delivery, in the transaction of what it tells of; one in a sequence gets its number."""
    values = asdict(delivery)
    attached = values.pop("attachment")
    if delivery.sequence_of is not None:
        earlier = select(func.count()).where(deliveries.c.sequence_of == delivery.sequence_of)
        number = connection.scalars(earlier).one() + 1
        values["numbers"] = {**delivery.numbers, "sequence": number}
    connection.execute(insert(deliveries).values(values))
    if attached is not None:
        connection.execute(insert(files).values(delivery_id=delivery.id, **attached))


def _delivery(row: Row[Any]) -> Delivery:
    known = fields(row, **{name: tuple(getattr(row, name)) for name in _LISTS})
    return Delivery(**{n: known[n] for n in Delivery.__dataclass_fields__ if n in known})
