"""The rule of attempts, and what one process does with what it has claimed, on real Books."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.delivery import Attachment, Delivery, DeliveryQuery, Outcome
from tallybook.model.ids import new_id
from tallybook.model.limits import DEAD_FILE_DAYS, DELIVERY_ATTEMPTS_MAX
from tallybook.model.scope import operator
from tallybook.model.webhook import Webhook
from tallybook.operations.deliver import Outlets, Stores, attempted, deliver
from tallybook.stores.books.database import Database
from tallybook.stores.books.deliveries import BooksDeliveries, BooksOutbox, add
from tallybook.stores.books.webhooks import BooksWebhooks
from tests.books import opened

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
SYSTEM = operator("test")
FAILED = Outcome("failed", "try later")


def mail(number: int = 0, **more: Any) -> Delivery:
    made = Delivery(
        id=new_id(NOW + timedelta(seconds=number)),
        kind="alert.findings",
        account="",
        recipients=("ann@example.com",),
        subject=f"{number}",
        body="x",
        link="/findings",
        numbers={},
        created_at=NOW,
        created_by="system",
        due_at=NOW,
    )
    return replace(made, **more)


def test_pauses_grow_to_eight_minutes_and_end_after_about_seven_days() -> None:
    one, now, pauses = mail(), NOW, []
    while one.status != "dead":
        one = attempted(one, FAILED, now)
        pauses.append((one.due_at - now).total_seconds())
        now = one.due_at
    assert pauses[:7] == [30, 60, 120, 240, 480, 480, 480]
    assert one.attempts == DELIVERY_ATTEMPTS_MAX == len(pauses)
    assert timedelta(days=6, hours=20) < now - NOW < timedelta(days=7, hours=4)
    assert one.error == f"given up after {DELIVERY_ATTEMPTS_MAX} attempts: try later"


def test_an_attempt_keeps_who_was_reached_before() -> None:
    before = mail(reached=("ann@example.com",), attempts=2)
    after = attempted(before, Outcome("sent", reached=("bo@example.com",)), NOW)
    assert after.reached == ("ann@example.com", "bo@example.com")
    assert (after.status, after.attempts, after.sent_at, after.error) == ("sent", 3, NOW, None)


class Wire:
    """A way out that does as it is told, by the subject of a mail, and notes who came by."""

    def __init__(self, said: dict[str, Outcome] | None = None) -> None:
        self.said = said or {}
        self.came: list[str] = []
        self.sent: list[Delivery] = []

    def send(self, deliveries: Iterable[Delivery]) -> Generator[Outcome]:
        """Attempt one after the other."""
        for one in deliveries:
            self.came.append(one.subject)
            self.sent.append(one)
            yield self.said.get(one.subject, Outcome("sent", reached=one.addresses))

    def post(self, webhook: Webhook, delivery: Delivery) -> Outcome:
        """Attempt one."""
        self.came.append(f"{webhook.name} {delivery.subject}")
        return self.said.get(delivery.subject, Outcome("sent"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = opened("sqlite", tmp_path)
    yield found
    found.close()


def put(database: Database, *deliveries: Delivery) -> None:
    with database.writer() as connection:
        for one in deliveries:
            add(connection, one)


def run(database: Database, wire: Wire, now: datetime = NOW) -> int:
    stores = Stores(BooksOutbox(database), BooksWebhooks(database))
    return deliver(stores, Outlets(wire, wire), now, "one")


def kept(database: Database) -> dict[str, Delivery]:
    page = BooksDeliveries(database).page(SYSTEM, DeliveryQuery(NOW, limit=500))
    return {one.subject: one for one in page.items}


def test_more_than_one_claim_is_sent_in_one_go(database: Database) -> None:
    put(database, *(mail(i) for i in range(120)))
    wire = Wire()
    assert run(database, wire) == 120
    assert wire.came == [str(i) for i in range(120)]
    assert {one.status for one in kept(database).values()} == {"sent"}
    assert run(database, wire) == 0


def test_what_became_of_one_is_written_before_the_next_is_begun(database: Database) -> None:
    class Looking(Wire):
        def send(self, deliveries: Iterable[Delivery]) -> Generator[Outcome]:
            for number, outcome in enumerate(super().send(deliveries)):
                settled = [one for one in kept(database).values() if one.status == "sent"]
                assert len(settled) == number
                yield outcome

    put(database, *(mail(i) for i in range(3)))
    assert run(database, Looking()) == 3


def test_a_server_that_is_down_is_asked_once_and_the_rest_waits_as_it_was(
    database: Database,
) -> None:
    put(database, *(mail(i) for i in range(60)))
    wire = Wire({"2": Outcome("failed", "nobody there", is_down=True)})
    assert run(database, wire) == 3
    found = kept(database)
    assert [found[str(i)].status for i in range(4)] == ["sent", "sent", "failed", "queued"]
    assert found["2"].due_at == NOW + timedelta(seconds=30)
    assert (found["3"], found["59"].attempts) == (mail(3, id=found["3"].id), 0)
    assert run(database, Wire(), NOW + timedelta(seconds=29)) == 57
    assert run(database, Wire(), NOW + timedelta(seconds=30)) == 1


def test_posts_of_one_object_wait_for_the_one_before(database: Database) -> None:
    hook = Webhook("w-1", "Ours", "https://example.com/", "slack", "ann", (), True, NOW)  # noqa: FBT003 - a row
    BooksWebhooks(database).add(SYSTEM, hook)
    put(
        database,
        *(
            mail(i, channel="webhook", target="w-1", sequence_of=of, recipients=())
            for i, of in enumerate(("a", "a", "b", "a"))
        ),
    )
    wire = Wire({"0": FAILED})
    assert run(database, wire) == 1
    assert wire.came == ["Ours 0"], "one that fails is left alone for the round"
    wire = Wire({"1": Outcome("dead", "gone")})
    run(database, wire, NOW + timedelta(minutes=1))
    assert wire.came == ["Ours 0", "Ours 2", "Ours 1", "Ours 3"]
    assert [kept(database)[str(i)].status for i in range(4)] == ["sent", "dead", "sent", "sent"]


def paged(number: int = 0, **more: Any) -> Delivery:
    """Return a mail with a file."""
    file = Attachment("volume.csv", "text/csv", b"1,2")
    html = "<h1>Volume</h1><p>All 2 are in volume.csv.</p>"
    made = {"kind": "report.page", "numbers": {"file": "volume.csv"}, "html": html}
    return mail(number, **{**made, "attachment": file, **more})


def files(database: Database, *deliveries: Delivery) -> list[bool]:
    """Tell of which deliveries there is a file."""
    outbox = BooksOutbox(database)
    return [outbox.attachment(SYSTEM, one.id) is not None for one in deliveries]


def test_the_file_of_a_dead_mail_is_kept_for_some_days(database: Database) -> None:
    dead, waits, fails = (paged(number) for number in range(3))
    put(database, dead, waits, fails)
    wire = Wire({"0": Outcome("dead", "no such user"), "2": FAILED})
    died = NOW + timedelta(days=3)  # it was due long before: nothing had been sent for days
    ends = died + timedelta(days=DEAD_FILE_DAYS)
    run(database, wire, died)
    run(database, wire, ends - timedelta(seconds=1))
    assert files(database, dead, waits, fails) == [True, False, True]
    run(database, Wire({"2": FAILED}), ends + timedelta(seconds=1))
    assert files(database, dead, waits, fails) == [False, False, True]
    assert BooksOutbox(database).forget(SYSTEM, ends) == 0


def test_a_mail_that_is_sent_again_has_its_file_or_says_that_it_is_gone(
    database: Database,
) -> None:
    soon, late = paged(0), paged(1)
    put(database, soon, late)
    dead = Outcome("dead", "no such user")
    run(database, Wire({"0": dead, "1": dead}))
    outbox, wire = BooksOutbox(database), Wire()
    assert outbox.resend(SYSTEM, soon.id, NOW)
    run(database, wire)
    much_later = NOW + timedelta(days=DEAD_FILE_DAYS + 1)
    run(database, wire, much_later)
    assert outbox.resend(SYSTEM, late.id, much_later)
    run(database, wire, much_later)
    whole, bare = wire.sent
    assert (whole.body, whole.html, whole.attachment) == (soon.body, soon.html, soon.attachment)
    said = "volume.csv was kept for 7 days and is gone; the page has it still."
    assert (bare.body, bare.attachment) == (f"{said}\n\n{late.body}", None)
    assert bare.html == f"<h1>Volume</h1>\n<p>{said}</p><p>All 2 are in volume.csv.</p>"
    assert bare.link == late.link
