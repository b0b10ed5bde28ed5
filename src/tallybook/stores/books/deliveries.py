"""Deliveries in SQL: written in the transaction of what they tell of, read by account."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from tallybook.model.delivery import Delivery, DeliveryPage, DeliveryQuery
from tallybook.model.scope import Scope
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import delivery as deliveries
from tallybook.stores.books.schema import fields
from tallybook.stores.books.seen import among, seen


class BooksDeliveries:
    """The port `Deliveries` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def page(self, scope: Scope, query: DeliveryQuery) -> DeliveryPage:
        """Return deliveries, newest first."""
        with self._database.reader() as connection:
            accounts = seen(scope, query.accounts, query.at)
            wanted = among(connection, deliveries.c.account, accounts)
            if query.status is not None:
                wanted.append(deliveries.c.status == query.status)
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
            one = select(deliveries).where(deliveries.c.id == delivery_id)
            row = connection.execute(one).one_or_none()
        return _delivery(row) if row is not None and scope.sees(row.account, at) else None


def add(connection: Connection, delivery: Delivery) -> None:
    """Add a delivery, in the transaction of what it tells of."""
    connection.execute(insert(deliveries).values(asdict(delivery)))


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**fields(row, recipients=tuple(row.recipients)))
