"""Subscriptions to checks, their runs and findings in SQL. What a run comes to is one commit: its
findings, their history, what is to be sent, and when it was due.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from tallybook.model.alert import (
    Finding,
    FindingEvent,
    FindingPage,
    FindingQuery,
    Recipients,
    Run,
    Subscription,
)
from tallybook.model.delivery import Delivery
from tallybook.model.errors import Conflict
from tallybook.model.mark import parse_mark
from tallybook.model.scope import Scope
from tallybook.stores.books import deliveries as outbox
from tallybook.stores.books import limbs, schedules
from tallybook.stores.books.database import Database
from tallybook.stores.books.people import note
from tallybook.stores.books.schema import LIMBS, fields
from tallybook.stores.books.schema import alert_run as runs
from tallybook.stores.books.schema import alert_subscription as subscriptions
from tallybook.stores.books.schema import finding as findings
from tallybook.stores.books.schema import finding_event as events
from tallybook.stores.books.seen import among, relation, seen

_MONEY: Final = [f"amount_{limb}" for limb in LIMBS["amount"]]
#: Findings that are written by one statement.
_A_STATEMENT: Final = 2_000


class BooksAlerts:
    """The port `Alerts` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def subscriptions(self, scope: Scope) -> list[Subscription]:
        """Return those the scope sees, oldest first."""
        with self._database.reader() as connection:
            found = select(subscriptions).where(*_mine(scope)).order_by(subscriptions.c.id)
            return [_subscription(row) for row in connection.execute(found)]

    def subscription(self, scope: Scope, subscription_id: str) -> Subscription | None:
        """Return one the scope sees."""
        one = select(subscriptions).where(subscriptions.c.id == subscription_id, *_mine(scope))
        with self._database.reader() as connection:
            row = connection.execute(one).one_or_none()
            return None if row is None else _subscription(row)

    def add(self, scope: Scope, subscription: Subscription) -> None:
        """Add one."""
        with self._database.writer() as connection:
            connection.execute(insert(subscriptions).values(_of_subscription(subscription)))
            note(connection, scope, subscription.created_at, "alert.subscribed", subscription.id)

    def change(self, scope: Scope, subscription: Subscription, at: datetime) -> None:
        """Replace the one with this id, but for when it was due."""
        values = _of_subscription(subscription)
        del values["due_at"]
        one = update(subscriptions).where(subscriptions.c.id == subscription.id, *_mine(scope))
        with self._database.writer() as connection:
            connection.execute(one.values(values))
            note(connection, scope, at, "alert.changed", subscription.id)

    def readdress(
        self,
        scope: Scope,
        checks: Mapping[str, Recipients],
        pages: Mapping[str, Sequence[str]],
        at: datetime,
    ) -> None:
        """Replace who is told by subscriptions to checks and to pages, in one transaction."""
        with self._database.writer() as connection:
            for key, told in checks.items():
                one = update(subscriptions).where(subscriptions.c.id == key, *_mine(scope))
                connection.execute(one.values(recipients=asdict(told)))
                note(connection, scope, at, "alert.changed", key)
            schedules.readdress(connection, scope, pages, at)

    def remove(self, scope: Scope, subscription_id: str, at: datetime) -> bool:
        """Remove one with its runs and findings; False where there is none."""
        one = delete(subscriptions).where(subscriptions.c.id == subscription_id, *_mine(scope))
        with self._database.writer() as connection:
            if connection.execute(one).rowcount != 1:
                return False
            theirs = select(findings.c.id).where(findings.c.subscription == subscription_id)
            connection.execute(delete(events).where(events.c.finding.in_(theirs)))
            for table in (findings, runs):
                connection.execute(delete(table).where(table.c.subscription == subscription_id))
            note(connection, scope, at, "alert.unsubscribed", subscription_id)
            return True

    def runs(
        self, scope: Scope, subscription_id: str, limit: int, before: str | None = None
    ) -> list[Run]:
        """Return the newest runs, or those before the run of an id, newest first."""
        if self.subscription(scope, subscription_id) is None:
            return []
        found = select(runs).where(runs.c.subscription == subscription_id)
        if before is not None:
            found = found.where(runs.c.id < before)
        with self._database.reader() as connection:
            rows = connection.execute(found.order_by(runs.c.id.desc()).limit(limit))
            return [Run(**fields(row, known_at=parse_mark(row.known_at))) for row in rows]

    def remembered(self, scope: Scope, subscription_id: str) -> list[Finding]:
        """Return what is remembered of a subscription, in order of (entity, step, period)."""
        scope.require("read")
        found = (
            select(findings)
            .where(findings.c.subscription == subscription_id)
            .order_by(findings.c.entity, findings.c.step, findings.c.period)
        )
        with self._database.reader() as connection:
            return [_finding(row) for row in connection.execute(found)]

    def decide(
        self,
        scope: Scope,
        run: Run,
        findings: Iterable[Finding],
        events: Iterable[FindingEvent],
        deliveries: Sequence[Delivery],
        beside: Sequence[Run] = (),
    ) -> None:
        """Write a run, and those beside it, with all that they found and what is to be sent, in one
        transaction.

        Raises:
            Conflict: `run_decided`, `findings_changed`.
        """
        scope.require("administer")
        with self._database.writer() as connection:
            for one in sorted((run, *beside), key=lambda each: each.subscription):
                _take(connection, one)
                row = {**asdict(one), "known_at": str(one.known_at), "unjudged": one.unjudged or {}}
                connection.execute(insert(runs).values(row))
            _write(connection, findings, events)
            for delivery in deliveries:
                outbox.add(connection, delivery)

    def page(self, scope: Scope, query: FindingQuery) -> FindingPage:
        """Return findings of accounts that the scope sees."""
        with self._database.reader() as connection:
            wanted = _wanted(connection, scope, query)
            by_check = _counts(connection, "check_code", [*wanted, *_of_status(query)])
            by_status = _counts(connection, "status", [*wanted, *_of_check(query)])
            every = [*wanted, *_of_status(query), *_of_check(query)]
            rows = connection.execute(
                select(findings)
                .where(*every)
                .order_by(*_order(query))
                .offset(query.offset)
                .limit(query.limit)
            )
            items = tuple(_finding(row) for row in rows)
            total = connection.scalar(select(func.count()).select_from(findings).where(*every))
            money = _money(connection, every)
        return FindingPage(items, total or 0, by_status, by_check, money)

    def finding(
        self, scope: Scope, finding_id: str, at: datetime
    ) -> tuple[Finding, list[FindingEvent]] | None:
        """Return one with its history, where the scope sees its account at an instant."""
        history = select(events).where(events.c.finding == finding_id).order_by(events.c.number)
        with self._database.reader() as connection:
            row = connection.execute(
                select(findings).where(findings.c.id == finding_id)
            ).one_or_none()
            if row is None or not scope.sees(row.account, at):
                return None
            return _finding(row), [_event(one) for one in connection.execute(history)]

    def change_findings(
        self, scope: Scope, findings: Collection[Finding], events: Iterable[FindingEvent]
    ) -> None:
        """Write what somebody did with findings, in one transaction.

        Raises:
            Conflict: `findings_changed`.
        """
        scope.require("read")
        with self._database.writer() as connection:
            _write(connection, findings, events)


def _mine(scope: Scope) -> list[ColumnElement[bool]]:
    return [] if scope.accounts is None else [subscriptions.c.owner == scope.who]


def _take(connection: Connection, run: Run) -> None:
    """Note when a subscription was due, unless that was decided by now; what is run on request
    leaves that as it is.
    """
    due_at = subscriptions.c.due_at
    one = update(subscriptions).where(subscriptions.c.id == run.subscription)
    if run.kind == "standard":
        one = one.where(or_(due_at.is_(None), due_at < run.due_at)).values(due_at=run.due_at)
    else:
        one = one.values(due_at=due_at)
    if connection.execute(one).rowcount != 1:
        raise Conflict(
            "run_decided", "Another process has decided this run, or removed its subscription."
        )


def _write(
    connection: Connection, found: Iterable[Finding], happened: Iterable[FindingEvent]
) -> None:
    """Replace findings by id, and add to their history; many at once.

    Raises:
        Conflict: `findings_changed`, where one is not as it was read, or was found by others first.
    """
    rest = iter(found)
    while some := list(islice(rest, _A_STATEMENT)):
        theirs = findings.c.id.in_(relation(connection, [one.id for one in some]))
        old = delete(findings).where(theirs).returning(findings.c.id, findings.c.revision)
        known = {row.id: row.revision for row in connection.execute(old)}
        if any(known.get(one.id, 0) != one.revision for one in some):
            raise _changed()
        try:
            connection.execute(insert(findings), [_of_finding(one) for one in some])
        except IntegrityError as e:  # a run by hand has found the same by now
            raise _changed() from e
    told = iter(happened)
    while lines := [_of_event(one) for one in islice(told, _A_STATEMENT)]:
        connection.execute(insert(events), lines)


def _changed() -> Conflict:
    return Conflict("findings_changed", "Somebody else wrote these findings meanwhile; try again.")


def _wanted(connection: Connection, scope: Scope, query: FindingQuery) -> list[ColumnElement[bool]]:
    found = among(connection, findings.c.account, seen(scope, query.accounts, query.at))
    for name in ("contract", "subscription"):
        if (value := getattr(query, name)) is not None:
            found.append(findings.c[name] == value)
    if query.visible is not None:
        found.append(findings.c.check_code.in_(sorted(query.visible)))
    if query.text:
        found.append(findings.c.text.contains(query.text.casefold(), autoescape=True))
    return found


def _of_status(query: FindingQuery) -> list[ColumnElement[bool]]:
    return [findings.c.status.in_(sorted(query.statuses))] if query.statuses else []


def _of_check(query: FindingQuery) -> list[ColumnElement[bool]]:
    return [] if query.check is None else [findings.c.check_code == query.check]


def _counts(
    connection: Connection, name: str, wanted: Sequence[ColumnElement[bool]]
) -> dict[str, int]:
    column = findings.c[name]
    counted = select(column.label("value"), func.count().label("found")).where(*wanted)
    return {row.value: row.found for row in connection.execute(counted.group_by(column))}


def _money(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> dict[str, Decimal]:
    """Add up the money at risk by currency, exactly: what several subscriptions to a check, or
    several steps of one period, found is there once, with the most that one of them says.
    """
    parts = list(limbs.sums(findings, "amount"))
    dear = (*wanted, findings.c.currency.is_not(None), findings.c.amount_m.is_not(None))
    # Where there is no period, a step is an event of its own, such as a closed statement.
    step = case((findings.c.period == "", findings.c.step), else_="")
    place = func.row_number().over(
        partition_by=(findings.c.check_code, findings.c.entity, findings.c.period, step),
        order_by=[*(findings.c[name].desc() for name in _MONEY), findings.c.id.desc()],
    )
    ranked = select(findings.c.id, place.label("place")).where(*dear).subquery()
    once = select(ranked.c.id).where(ranked.c.place == 1)
    rows = connection.execute(
        select(findings.c.currency, *parts)
        .where(findings.c.id.in_(once))
        .group_by(findings.c.currency)
        .order_by(findings.c.currency)
    )
    return {row[0]: limbs.decimal("amount", limbs.added(row[1:])) for row in rows}


def _order(query: FindingQuery) -> list[ColumnElement[Any]]:
    names = _MONEY if query.sort == "money_at_risk" else [query.sort]
    columns = [findings.c[name] for name in names]
    if query.descending:
        return [*(column.desc().nulls_last() for column in columns), findings.c.id.desc()]
    return [*(column.asc().nulls_first() for column in columns), findings.c.id.asc()]


def _of_subscription(subscription: Subscription) -> dict[str, Any]:
    row = asdict(subscription)
    row["check_code"] = row.pop("check")
    return {**row, "excluded": row["excluded"] or {}}


def _subscription(row: Row[Any]) -> Subscription:
    known = fields(row)
    recipients: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row.recipients.items()
    }
    values = {n: tuple(v) if isinstance(v, list) else v for n, v in row.values.items()}
    check = known.pop("check_code")
    known |= {
        "check": check,
        "values": values,
        "accounts": tuple(row.accounts),
        "branches": tuple(row.branches),
        "recipients": Recipients(**recipients),
    }
    return Subscription(**known)


def _of_finding(one: Finding) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in Finding.__dataclass_fields__}
    row["check_code"] = row.pop("check")
    row["revision"] += 1
    row |= zip(_MONEY, limbs.split("amount", row.pop("money_at_risk")), strict=True)
    names = (one.account, one.entity, one.message, one.check, one.branch)
    row["text"] = "\n".join(filter(None, names)).casefold()
    return row


def _finding(row: Row[Any]) -> Finding:
    known = fields(row)
    money = [known.pop(name) for name in _MONEY]
    del known["text"]
    check = known.pop("check_code")
    risk = None if money[0] is None else limbs.decimal("amount", limbs.whole(money))
    return Finding(**known, check=check, money_at_risk=risk)


def _of_event(one: FindingEvent) -> dict[str, Any]:
    return {name: getattr(one, name) for name in FindingEvent.__dataclass_fields__}


def _event(row: Row[Any]) -> FindingEvent:
    known = fields(row)
    del known["number"]
    return FindingEvent(**known)
