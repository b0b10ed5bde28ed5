"""How many events were accepted and refused in each hour, in SQL; processes add to one row."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, text

from tallybook.model.intake import Sent
from tallybook.model.limits import INTAKE_DAYS
from tallybook.model.scope import Scope
from tallybook.model.time import hour_of, micros
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import intake

#: The same words on both databases.
_ADD: Final = text(
    "INSERT INTO intake (hour, sender, status, code, events) "
    "VALUES (:hour, :sender, :status, :code, :events) "
    "ON CONFLICT (hour, sender, status, code) "
    "DO UPDATE SET events = intake.events + excluded.events"
)


class BooksIntake:
    """See `model.intake.Intake`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def add(self, scope: Scope, counts: Iterable[tuple[Sent, int]]) -> None:
        """Add to what is kept, and forget what is too old."""
        scope.require("administer")
        found = sorted(counts)
        if not found:
            return
        rows = [
            {**sent._asdict(), "hour": micros(sent.hour), "events": events}
            for sent, events in found
        ]
        oldest = found[-1][0].hour - timedelta(days=INTAKE_DAYS)
        with self._database.writer() as connection:
            connection.execute(_ADD, rows)
            connection.execute(delete(intake).where(intake.c.hour < oldest))

    def since(self, scope: Scope, instant: datetime) -> list[tuple[Sent, int]]:
        """Return what is kept from the hour of an instant on, in order."""
        scope.require("read")
        if scope.accounts is not None:
            return []
        kept = select(intake).where(intake.c.hour >= hour_of(instant))
        with self._database.reader() as connection:
            rows = connection.execute(kept.order_by(*intake.primary_key.columns))
            return [(Sent(row.hour, row.sender, row.status, row.code), row.events) for row in rows]
