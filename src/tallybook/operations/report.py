"""Makes the pages that people have subscribed to when they are due: for each recipient a mail with
what they may see then, in one transaction with when it was due. Sends nothing.

Of the times that were missed, the last one is made (docs/decisions/0023).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

import structlog

from tallybook.model.delivery import Delivery
from tallybook.model.errors import Conflict, Forbidden, Overloaded, TallybookError, Unavailable
from tallybook.model.ids import new_id
from tallybook.model.mark import Mark
from tallybook.model.ports import (
    Books,
    Events,
    Ledger,
    People,
    Schedules,
    Snapshot,
    SnapshotState,
)
from tallybook.model.schedule import ReportRun, ReportSchedule
from tallybook.model.scope import Scope, operator
from tallybook.operations import identify, pages
from tallybook.operations._page_mail import Here, mail
from tallybook.operations._readers import reader
from tallybook.operations._times import last_due
from tallybook.operations.directory import Directories
from tallybook.operations.known import known, received
from tallybook.operations.portfolio import Past
from tallybook.operations.position import Instants, of
from tallybook.operations.report_schedules import check_recipient
from tallybook.operations.sheets import Parquet
from tallybook.operations.watch import COMMAND_LINE
from tallybook.positions.periods import calendar_of

log = structlog.get_logger()
T = TypeVar("T")

_REPORT: Final = operator("report")


@dataclass(frozen=True, slots=True)
class Stores:
    """What pages are made of, and what they are written to. Without `mails`, which then wait for
    they know not how long, their files are left to be fetched.
    """

    schedules: Schedules
    people: People
    books: Books
    ledger: Ledger
    events: Events
    snapshot: Snapshot
    directories: Directories
    parquet: Parquet
    mails: bool


def report(stores: Stores, now: datetime) -> int:
    """Make all pages that are due, and return how many subscriptions were decided here.

    A run that is refused, or fails, is one that says why, so that it keeps nothing of the others.
    Where a store does not answer one, the others are tried all the same.

    Raises:
        Unavailable, Overloaded: a store does not answer; what was not decided is due again.
    """
    due = {one.id: at for one in stores.schedules.every(_REPORT) if (at := _due_at(one, now))}
    if not due:
        return 0
    here = _here(stores, max(due.values()), now)
    decided, silent = 0, list[TallybookError]()
    for one in due:
        try:
            decided += _decide(stores, here, one, now)
        except (Overloaded, Unavailable) as e:
            silent.append(e)
    if silent:
        raise silent[0]
    return decided


def _due_at(schedule: ReportSchedule, now: datetime) -> datetime | None:
    if not schedule.enabled:
        return None
    after = max(schedule.since, schedule.due_at or schedule.since)
    return last_due(schedule.cron, schedule.timezone, after, now)


def _here(stores: Stores, due_at: datetime, now: datetime) -> Here:
    """Return one mark for all that is made together and was due until an instant: the snapshot's
    where it may stand for what is known now.
    """
    newest = known(_REPORT, stores.books, stores.ledger, stores.events, None, now)
    state = stores.snapshot.state(_REPORT)
    if state is not None and not _is_fit(stores, state, newest, due_at):
        state = None
    when = of(state) if state else Instants(newest.now, newest, received(stores.ledger, newest.seq))
    return Here(
        stores.events,
        stores.snapshot,
        stores.parquet,
        stores.directories.at(_REPORT, when.mark.revision).on(when.now.date()),
        when,
        state,
        Past(),
        stores.mails,
    )


def _is_fit(stores: Stores, state: SnapshotState, newest: Mark, due_at: datetime) -> bool:
    """Tell whether the snapshot was begun when all was due, or knows all there is, and no contract
    has begun another day since. While facts come in, it never knows all.

    One that knows more than is loaded here is not: once it moves on, the rest is worked out.
    """
    knows = replace(state.mark, minute=newest.minute) == newest
    if not knows and (state.mark.now < due_at or state.mark.seq > newest.seq):
        return False
    directory = stores.directories.at(_REPORT, newest.revision)
    contracts = filter(None, map(directory.contract, directory.keys("contract")))
    calendars = {calendar_of(one, directory.account(one.account)) for one in contracts}
    return all(one.day_of(state.mark.now) == one.day_of(newest.now) for one in calendars)


def _decide(stores: Stores, here: Here, schedule_id: str, now: datetime) -> int:
    """Make a subscription's page and write it; 0 where others were faster, or it was changed
    meanwhile: it is due still as it is then.

    Raises:
        Unavailable, Overloaded: what a store says.
    """
    schedule = stores.schedules.schedule(_REPORT, schedule_id)
    at = _due_at(schedule, now) if schedule else None
    if schedule is None or at is None:
        return 0
    run = ReportRun(new_id(now), schedule.id, at, now, here.when.mark, (), {})
    found = _tried(schedule, partial(_made, stores, here, schedule, run))
    one, made = (replace(run, error=found), []) if isinstance(found, str) else found
    written = _tried(schedule, partial(_written, stores, schedule, one, made))
    if isinstance(written, str):
        written = _written(stores, schedule, replace(run, error=written), [])
    return written


def _written(
    stores: Stores, schedule: ReportSchedule, run: ReportRun, made: Sequence[Delivery]
) -> int:
    """Write a run and its mails, and return 1; 0 where it is not to be any more."""
    try:
        stores.schedules.decide(_REPORT, schedule, run, made)
    except Conflict:
        return 0
    return 1


def _made(
    stores: Stores, here: Here, schedule: ReportSchedule, run: ReportRun
) -> tuple[ReportRun, list[Delivery]]:
    """Return a run and its mails.

    Raises:
        Forbidden: `owner_gone`.
        NotFound, Invalid: its owner could not subscribe to this page now, as `pages.check` has it.
    """
    now = run.decided_at
    owner = _owner(stores, schedule, now)
    pages.check(
        owner, here.directory, schedule.page, pages.kept(schedule.page, schedule.query), here.when
    )
    made, missed = list[Delivery](), dict[str, str]()
    for address in schedule.recipients:
        found = _tried(schedule, partial(_mail, stores, here, schedule, owner, address, run))
        if isinstance(found, str):
            missed[address] = found
        else:
            made.append(found)
    sent = tuple(address for one in made for address in one.recipients)
    return replace(run, sent=sent, missed=missed), made


def _mail(
    stores: Stores,
    here: Here,
    schedule: ReportSchedule,
    owner: Scope,
    address: str,
    run: ReportRun,
) -> Delivery:
    """Return what is sent to one address.

    Raises:
        Forbidden: `reader_gone`.
        Invalid: `recipient_not_allowed`, where its owner could not name it now; and what `mail`
            says, as NotFound.
    """
    now = run.decided_at
    who = reader(stores.people, stores.directories, owner, address, now)
    if who is None:
        raise Forbidden("reader_gone", "they may see nothing of this any more.")
    check_recipient(owner, stores.people, address, now)
    return mail(here, schedule, who, run.id, now)


def _owner(stores: Stores, schedule: ReportSchedule, now: datetime) -> Scope:
    if schedule.owner == COMMAND_LINE:
        return operator(schedule.owner)
    scope = identify.by_name(stores.people, stores.directories, schedule.owner, now)
    if scope is None or not scope.may("read"):
        raise Forbidden(
            "owner_gone",
            f"{schedule.owner} may see nothing any more; have somebody else subscribe to it.",
        )
    return scope


def _tried(schedule: ReportSchedule, make: Callable[[], T]) -> T | str:
    """Return what is made, or why it could not be; what nobody foresaw is logged as well.

    Raises:
        Unavailable, Overloaded: a store does not answer.
    """
    try:
        return make()
    except (Overloaded, Unavailable):
        raise
    except TallybookError as e:
        return f"{e.code}: {e.detail}"
    except Exception as e:
        log.exception("page failed", subscription=schedule.id, page=schedule.page)
        return f"fault: {type(e).__name__}: {e}"
