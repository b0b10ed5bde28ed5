"""What people have sent to them, in SQL: whoever asks reads and changes their own."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from tallybook.model.schedule import ReportSchedule
from tallybook.model.scope import Scope
from tallybook.stores.books.database import Database
from tallybook.stores.books.people import note
from tallybook.stores.books.schema import fields
from tallybook.stores.books.schema import report_schedule as schedules


class BooksSchedules:
    """The port `Schedules` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def schedules(self, scope: Scope) -> list[ReportSchedule]:
        """Return those of who asks, oldest first."""
        mine = select(schedules).where(schedules.c.owner == scope.who)
        with self._database.reader() as connection:
            rows = connection.execute(mine.order_by(schedules.c.created_at, schedules.c.id))
            return [_schedule(row) for row in rows]

    def add(self, scope: Scope, schedule: ReportSchedule) -> ReportSchedule:
        """Add one; where its owner has the same page in the same format, return that one."""
        same = select(schedules).where(
            schedules.c.owner == schedule.owner,
            schedules.c.page == schedule.page,
            schedules.c.query == schedule.query,
            schedules.c.format == schedule.format,
        )
        with self._database.writer() as connection:
            known = connection.execute(same).first()
            if known is not None:
                return _schedule(known)
            connection.execute(insert(schedules).values(asdict(schedule)))
            note(connection, scope, schedule.created_at, "report_schedule.added", schedule.id)
        return schedule

    def change(self, scope: Scope, schedule: ReportSchedule, at: datetime) -> None:
        """Replace the one with this id, if it is the asker's."""
        mine = (schedules.c.id == schedule.id, schedules.c.owner == scope.who)
        with self._database.writer() as connection:
            connection.execute(update(schedules).where(*mine).values(asdict(schedule)))
            note(connection, scope, at, "report_schedule.changed", schedule.id)

    def remove(self, scope: Scope, schedule_id: str, at: datetime) -> bool:
        """Remove one; False where the asker has none with this id."""
        mine = (schedules.c.id == schedule_id, schedules.c.owner == scope.who)
        with self._database.writer() as connection:
            gone = connection.execute(delete(schedules).where(*mine)).rowcount
            if gone:
                note(connection, scope, at, "report_schedule.removed", schedule_id)
        return bool(gone)


def _schedule(row: Row[Any]) -> ReportSchedule:
    return ReportSchedule(**fields(row, recipients=tuple(row.recipients)))
