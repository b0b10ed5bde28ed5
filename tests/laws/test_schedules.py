"""The laws of every store of page subscriptions: each is its owner's, a run is one commit and
decided once, and the file of a mail is there for each attempt until it was sent.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.alert import Recipients
from tallybook.model.delivery import Attachment, Delivery, DeliveryQuery
from tallybook.model.errors import Conflict, Forbidden
from tallybook.model.ids import new_id
from tallybook.model.mark import Mark
from tallybook.model.schedule import ReportRun, ReportSchedule
from tallybook.model.scope import Scope, operator
from tallybook.stores.books.alerts import BooksAlerts
from tallybook.stores.books.database import Database
from tallybook.stores.books.deliveries import BooksDeliveries, BooksOutbox
from tallybook.stores.books.schedules import BooksSchedules
from tests.books import STORES, opened
from tests.laws.test_alert_store import subscription_of

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
DAY = timedelta(days=1)
WHOLE = operator("ann@example.com")
ANN = Scope("ann@example.com", "analyst")
BOB = Scope("bob@example.com", "analyst")
FILE = Attachment("volume.csv", "text/csv; charset=utf-8", bytes(range(256)))


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


def added(schedules: BooksSchedules, **more: Any) -> ReportSchedule:
    made = ReportSchedule(
        id=new_id(NOW),
        owner=ANN.who,
        name="Volume",
        page="/volume",
        query="status=over",
        format="csv",
        cron="0 7 * * *",
        timezone="UTC",
        recipients=("ann@example.com", "chief@example.com"),
        enabled=True,
        created_at=NOW - DAY,
        since=NOW - DAY,
    )
    return schedules.add(ANN, replace(made, **more))


def run_of(schedule: ReportSchedule, at: datetime = NOW, **more: Any) -> ReportRun:
    found = ReportRun(new_id(at), schedule.id, at, at, Mark(3, 2, 1), ("ann@example.com",), {})
    return replace(found, **more)


def mail_of(schedule: ReportSchedule, attachment: Attachment | None = FILE) -> Delivery:
    return Delivery(
        id=new_id(NOW),
        kind="report.page",
        account="",
        recipients=("ann@example.com",),
        subject="Volume",
        body="all of it",
        link="/volume",
        numbers={},
        created_at=NOW,
        created_by=ANN.who,
        due_at=NOW,
        subscription=schedule.id,
        attachment=attachment,
    )


def claimed(database: Database) -> list[Delivery]:
    outbox = BooksOutbox(database)
    return outbox.claim(WHOLE, "mail", NOW, "us", limit=10, lease_seconds=60)


def listed(database: Database) -> list[Delivery]:
    return list(BooksDeliveries(database).page(WHOLE, DeliveryQuery(NOW)).items)


def test_a_run_is_decided_once_by_whoever_is_first(database: Database) -> None:
    schedules = BooksSchedules(database)
    made = added(schedules)

    def decide(_: int) -> bool:
        try:
            schedules.decide(WHOLE, made, run_of(made), [mail_of(made)])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(decide, range(12))) == 1
    assert len(listed(database)) == len(schedules.runs(ANN, made.id, 10)) == 1
    with pytest.raises(Conflict) as refusal:
        schedules.decide(WHOLE, made, run_of(made, NOW - DAY), [mail_of(made)])
    assert refusal.value.code == "run_decided"
    schedules.decide(WHOLE, made, run_of(made, NOW + DAY), [])
    assert [run.due_at for run in schedules.runs(ANN, made.id, 10)] == [NOW + DAY, NOW]
    (kept,) = schedules.every(WHOLE)
    assert kept.due_at == NOW + DAY


@pytest.mark.parametrize("gone", ["off", "for others", "removed"])
def test_what_is_off_changed_or_removed_by_then_is_not_decided(
    database: Database, gone: str
) -> None:
    schedules = BooksSchedules(database)
    made = added(schedules)
    schedules.decide(WHOLE, made, run_of(made, NOW - DAY), [])
    if gone == "off":
        schedules.change(ANN, replace(made, enabled=False), NOW)
    elif gone == "for others":
        schedules.change(ANN, replace(made, recipients=("ann@example.com",)), NOW)
    else:
        assert schedules.remove(ANN, made.id, NOW)
        assert schedules.runs(ANN, made.id, 10) == []
    with pytest.raises(Conflict):
        schedules.decide(WHOLE, made, run_of(made), [mail_of(made)])
    assert listed(database) == []


def test_what_a_run_says_is_kept_as_it_is(database: Database) -> None:
    schedules = BooksSchedules(database)
    made = added(schedules)
    run = run_of(made, missed={"chief@example.com": "reader_gone: so"}, error="owner_gone: so")
    schedules.decide(WHOLE, made, run, [])
    assert schedules.runs(ANN, made.id, 10) == [run]
    assert schedules.runs(BOB, made.id, 10) == []


def test_a_change_leaves_when_it_was_due(database: Database) -> None:
    schedules = BooksSchedules(database)
    made = added(schedules)
    schedules.decide(WHOLE, made, run_of(made), [])
    schedules.change(ANN, replace(made, name="Mine"), NOW)
    schedules.change(BOB, replace(made, name="Bob's"), NOW)
    assert schedules.schedules(ANN) == [replace(made, name="Mine", due_at=NOW)]
    schedules.change(WHOLE, replace(made, name="An administrator's"), NOW)
    assert schedules.schedule(WHOLE, made.id) == replace(
        made, name="An administrator's", due_at=NOW
    )
    assert schedules.schedule(BOB, made.id) is None


def test_only_who_administers_sees_those_of_everybody_and_decides(database: Database) -> None:
    schedules = BooksSchedules(database)
    made = added(schedules)
    for ask in (
        lambda: schedules.every(ANN),
        lambda: schedules.decide(ANN, made, run_of(made), []),
    ):
        with pytest.raises(Forbidden):
            ask()


def test_one_that_asks_for_the_same_is_found(database: Database) -> None:
    schedules = BooksSchedules(database)
    made = added(schedules)
    assert added(schedules, name="again").id == made.id
    others = [
        added(schedules, **more)
        for more in (
            {"cron": "0 8 * * *"},
            {"timezone": "Asia/Tokyo"},
            {"recipients": ("ann@example.com",)},
            {"format": "xlsx"},
            {"query": ""},
        )
    ]
    assert len({made.id, *(one.id for one in others)}) == 6


def test_the_file_of_a_mail_is_there_until_it_was_sent(database: Database) -> None:
    schedules = BooksSchedules(database)
    made = added(schedules)
    schedules.decide(WHOLE, made, run_of(made), [mail_of(made)])
    outbox = BooksOutbox(database)
    assert [one.attachment for one in listed(database)] == [None]
    for status in ("failed", "dead"):
        (one,) = claimed(database)
        assert outbox.attachment(WHOLE, one.id) == FILE
        assert outbox.settle(WHOLE, replace(one, status=status), "us")
        assert outbox.resend(WHOLE, one.id, NOW)
    (one,) = claimed(database)
    assert (one.attachment, outbox.attachment(WHOLE, one.id)) == (None, FILE)
    assert not outbox.settle(WHOLE, replace(one, status="sent"), "another")
    assert outbox.attachment(WHOLE, one.id) == FILE
    assert outbox.settle(WHOLE, replace(one, status="sent"), "us")
    assert outbox.attachment(WHOLE, one.id) is None


def test_the_file_of_a_mail_that_died_before_then_is_forgotten(database: Database) -> None:
    schedules, outbox = BooksSchedules(database), BooksOutbox(database)
    made = added(schedules)
    schedules.decide(WHOLE, made, run_of(made), [mail_of(made), mail_of(made)])
    one, other = claimed(database)
    outbox.settle(WHOLE, replace(one, status="dead"), "us")
    outbox.settle(WHOLE, replace(other, status="failed"), "us")
    assert [outbox.forget(WHOLE, at) for at in (NOW, NOW + DAY, NOW + DAY)] == [0, 1, 0]
    assert [outbox.attachment(WHOLE, mail.id) for mail in (one, other)] == [None, FILE]
    with pytest.raises(Forbidden):
        outbox.forget(ANN, NOW)


def test_an_address_is_replaced_in_checks_and_pages_or_in_none(database: Database) -> None:
    alerts, schedules = BooksAlerts(database), BooksSchedules(database)
    check, page = subscription_of(), added(schedules)
    alerts.add(WHOLE, check)
    checks = {check.id: Recipients(to=("new@example.com",))}
    pages = {page.id: ("new@example.com",)}

    class Torn(dict[str, tuple[str, ...]]):
        """What breaks off once all is written."""

        def items(self) -> Any:
            yield from super().items()
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        alerts.readdress(WHOLE, checks, Torn(pages), NOW)
    assert alerts.subscription(WHOLE, check.id) == check
    assert schedules.schedule(ANN, page.id) == page
    alerts.readdress(BOB, {}, pages, NOW)
    assert schedules.schedule(ANN, page.id) == page, "it is not Bob's"
    alerts.readdress(WHOLE, checks, pages, NOW)
    assert alerts.subscription(WHOLE, check.id) == replace(check, recipients=checks[check.id])
    assert schedules.schedule(ANN, page.id) == replace(page, recipients=pages[page.id])
