"""What people have sent to them, in SQL: whoever asks reads and changes their own. What a run comes
to is one commit: the run, what is to be sent, and when it was due.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, true, update

from tallybook.model.delivery import Delivery
from tallybook.model.errors import Conflict
from tallybook.model.mark import parse_mark
from tallybook.model.schedule import ReportRun, ReportSchedule
from tallybook.model.scope import Scope
from tallybook.stores.books import deliveries as outbox
from tallybook.stores.books.database import Database
from tallybook.stores.books.people import note
from tallybook.stores.books.schema import fields
from tallybook.stores.books.schema import report_run as runs
from tallybook.stores.books.schema import report_schedule as schedules


class BooksSchedules:
    """The port `Schedules` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def schedules(self, scope: Scope) -> list[ReportSchedule]:
        """Return those of who asks, oldest first."""
        return self._found(schedules.c.owner == scope.who)

    def every(self, scope: Scope) -> list[ReportSchedule]:
        """Return those of everybody, oldest first."""
        scope.require("administer")
        return self._found(true())

    def _found(self, wanted: ColumnElement[bool]) -> list[ReportSchedule]:
        found = select(schedules).where(wanted).order_by(schedules.c.created_at, schedules.c.id)
        with self._database.reader() as connection:
            return [_schedule(row) for row in connection.execute(found)]

    def schedule(self, scope: Scope, schedule_id: str) -> ReportSchedule | None:
        """Return one of the asker's, or any for who administers."""
        return next(iter(self._found((schedules.c.id == schedule_id) & _theirs(scope))), None)

    def add(self, scope: Scope, schedule: ReportSchedule) -> ReportSchedule:
        """Add one; where its owner has one with the same `asked`, return that one."""
        theirs = select(schedules).where(
            schedules.c.owner == schedule.owner,
            schedules.c.page == schedule.page,
            schedules.c.query == schedule.query,
        )
        with self._database.writer() as connection:
            for known in map(_schedule, connection.execute(theirs)):
                if known.asked == schedule.asked:
                    return known
            connection.execute(insert(schedules).values(asdict(schedule)))
            note(connection, scope, schedule.created_at, "report_schedule.added", schedule.id)
        return schedule

    def change(self, scope: Scope, schedule: ReportSchedule, at: datetime) -> None:
        """Replace the one with this id but for when it was due, if the scope may."""
        values = asdict(schedule)
        del values["due_at"]
        one = update(schedules).where(schedules.c.id == schedule.id, _theirs(scope))
        with self._database.writer() as connection:
            connection.execute(one.values(values))
            note(connection, scope, at, "report_schedule.changed", schedule.id)

    def remove(self, scope: Scope, schedule_id: str, at: datetime) -> bool:
        """Remove one with its runs; False where the asker has none with this id."""
        mine = (schedules.c.id == schedule_id, schedules.c.owner == scope.who)
        own = select(schedules.c.id).where(*mine)
        with self._database.writer() as connection:
            connection.execute(delete(runs).where(runs.c.schedule.in_(own)))
            gone = connection.execute(delete(schedules).where(*mine)).rowcount
            if gone:
                note(connection, scope, at, "report_schedule.removed", schedule_id)
        return bool(gone)

    def decide(
        self, scope: Scope, read: ReportSchedule, run: ReportRun, deliveries: Sequence[Delivery]
    ) -> None:
        """Write a run and what is to be sent, and note when it was due, in one transaction, if its
        subscription is as it was read.

        Raises:
            Conflict: `run_decided`.
        """
        scope.require("administer")
        due_at = schedules.c.due_at
        one = update(schedules).where(
            schedules.c.id == run.schedule,
            schedules.c.enabled.is_(true()),
            or_(due_at.is_(None), due_at < run.due_at),
        )
        now = select(schedules).where(schedules.c.id == run.schedule)
        with self._database.writer() as connection:
            noted = connection.execute(one.values(due_at=run.due_at)).rowcount
            found = map(_schedule, connection.execute(now))
            if not noted or replace(read, due_at=run.due_at) not in found:
                raise Conflict(
                    "run_decided", "Another process has decided this run, or it is not to be."
                )
            row = {**asdict(run), "known_at": str(run.known_at)}
            connection.execute(insert(runs).values(row))
            for delivery in deliveries:
                outbox.add(connection, delivery)

    def runs(self, scope: Scope, schedule_id: str, limit: int) -> list[ReportRun]:
        """Return the newest runs of one of the asker's, newest first."""
        found = (
            select(runs)
            .join(schedules, schedules.c.id == runs.c.schedule)
            .where(runs.c.schedule == schedule_id, schedules.c.owner == scope.who)
            .order_by(runs.c.id.desc())
            .limit(limit)
        )
        with self._database.reader() as connection:
            return [_run(row) for row in connection.execute(found)]


def readdress(
    connection: Connection, scope: Scope, told: Mapping[str, Sequence[str]], at: datetime
) -> None:
    """Replace to whom pages are sent, by the ids of subscriptions; see `Alerts.readdress`."""
    for key, recipients in told.items():
        one = update(schedules).where(schedules.c.id == key, _theirs(scope))
        connection.execute(one.values(recipients=list(recipients)))
        note(connection, scope, at, "report_schedule.changed", key)


def _theirs(scope: Scope) -> ColumnElement[bool]:
    return true() if scope.may("administer") else schedules.c.owner == scope.who


def _schedule(row: Row[Any]) -> ReportSchedule:
    return ReportSchedule(**fields(row, recipients=tuple(row.recipients)))


def _run(row: Row[Any]) -> ReportRun:
    return ReportRun(**fields(row, known_at=parse_mark(row.known_at), sent=tuple(row.sent)))
