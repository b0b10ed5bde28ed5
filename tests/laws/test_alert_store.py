"""The laws of every store of alerts and of the outbox: a run is one commit and decided once, what
it found is seen by account, and each delivery is sent by one process at a time.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tallybook.model.alert import (
    Finding,
    FindingEvent,
    FindingQuery,
    Recipients,
    Run,
    Subscription,
)
from tallybook.model.delivery import Delivery, DeliveryQuery
from tallybook.model.errors import Conflict
from tallybook.model.ids import new_id
from tallybook.model.mark import Mark
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.stores.books.alerts import BooksAlerts
from tallybook.stores.books.database import Database
from tallybook.stores.books.deliveries import BooksDeliveries, BooksOutbox, add
from tests.books import STORES, opened

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WHOLE = operator("ann@example.com")


_COUNTED = count()


def fresh() -> str:
    """Return an id above all before it."""
    return new_id(NOW + next(_COUNTED) * timedelta(milliseconds=1))


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


def subscription_of(**more: Any) -> Subscription:
    made = Subscription(
        id=fresh(),
        check="allotment.threshold",
        name="Ours",
        owner=WHOLE.who,
        values={"thresholds": ("80", "100"), "low": "0.75"},
        accounts=("acme",),
        branches=("North",),
        cron="0 7 * * 1-5",
        timezone="Europe/Berlin",
        recipients=Recipients(to=("a@example.com",), roles=("csm",), csm=True),
        subject="Ours",
        split_by="branch",
        mode="live",
        enabled=True,
        created_at=NOW,
        snooze_until=NOW + DAY,
        snooze_note="they move",
        excluded={"C-9": "on purpose"},
    )
    return replace(made, **more)


def run_of(subscription: Subscription, **more: Any) -> Run:
    made = Run(
        fresh(),
        subscription.id,
        "standard",
        NOW,
        NOW,
        NOW + timedelta(seconds=1),
        Mark(3, 2, 9),
    )
    return replace(made, unjudged={"data_stale": 2}, **more)


def finding_of(subscription: Subscription, number: int = 0, **more: Any) -> Finding:
    made = Finding(
        id=fresh(),
        subscription=subscription.id,
        check=subscription.check,
        entity=f"C-{number}",
        step="80",
        period="2026-04-01",
        account="acme",
        contract=f"C-{number}",
        line=None,
        branch="North",
        state="reached",
        severity="warning",
        message="80 % are used",
        inputs={"used": Decimal("80.5")},
        outputs={"share": None},
        money_at_risk=Decimal(number) + Decimal("0.25"),
        currency="EUR",
        status="open",
        first_seen=NOW,
        last_seen=NOW,
    )
    return replace(made, **more)


def delivery_of(number: int = 0, **more: Any) -> Delivery:
    at = NOW + timedelta(seconds=number)
    made = Delivery(
        id=fresh(),
        kind="alert.findings",
        account="",
        recipients=("a@example.com",),
        subject=f"Findings {number}",
        body="text",
        link="/findings",
        numbers={},
        created_at=at,
        created_by="system",
        due_at=at,
        html="<p>text</p>",
        cc=("c@example.com",),
    )
    return replace(made, **more)


def bound(account: str) -> Scope:
    whole = Member(account, FIRST_INSTANT, LAST_INSTANT)
    return Scope("bob@example.com", "customer_admin", (whole,))


def test_a_subscription_is_kept_as_it_is_and_seen_by_its_owner(database: Database) -> None:
    alerts = BooksAlerts(database)
    made = subscription_of()
    alerts.add(WHOLE, made)
    assert alerts.subscriptions(WHOLE) == [made]
    assert alerts.subscription(bound("acme"), made.id) is None
    theirs = subscription_of(owner="bob@example.com")
    alerts.add(bound("acme"), theirs)
    assert alerts.subscriptions(bound("acme")) == [theirs]
    changed = replace(made, name="Other", enabled=False, due_at=NOW)
    alerts.change(WHOLE, changed, NOW)
    assert alerts.subscription(WHOLE, made.id) == replace(changed, due_at=None)
    assert not alerts.remove(bound("acme"), made.id, NOW)
    assert alerts.remove(WHOLE, made.id, NOW)
    assert alerts.subscriptions(WHOLE) == [theirs]


def test_a_run_is_decided_once_and_is_one_commit(database: Database) -> None:
    alerts, sub = BooksAlerts(database), subscription_of()
    alerts.add(WHOLE, sub)
    run, found, letter = run_of(sub), finding_of(sub), delivery_of(subscription=sub.id)
    event = FindingEvent(found.id, NOW, run.id, "found")
    alerts.decide(WHOLE, run, [found], [event], [letter])
    again = run_of(sub)
    with pytest.raises(Conflict) as refusal:
        alerts.decide(WHOLE, again, [finding_of(sub, 1)], [], [delivery_of(1)])
    assert refusal.value.code == "run_decided"
    assert alerts.runs(WHOLE, sub.id, 9) == [run]
    assert alerts.remembered(WHOLE, sub.id) == [found]
    assert alerts.finding(WHOLE, found.id, NOW) == (found, [event])
    assert BooksDeliveries(database).page(WHOLE, DeliveryQuery(NOW)).items == (letter,)
    later = run_of(sub, due_at=NOW + DAY)
    (read,) = alerts.remembered(WHOLE, sub.id)
    resolved = replace(read, status="resolved", resolved_at=NOW + DAY, fingerprint=None)
    done = FindingEvent(found.id, NOW + DAY, later.id, "resolved")
    alerts.decide(WHOLE, later, [resolved], [done], [])
    assert alerts.finding(WHOLE, found.id, NOW) == (resolved, [event, done])
    swept = run_of(sub, kind="full", due_at=NOW)
    alerts.decide(WHOLE, swept, [], [], [])
    assert [one.id for one in alerts.runs(WHOLE, sub.id, 1)] == [swept.id]
    assert alerts.runs(WHOLE, sub.id, 9, before=later.id) == [run]
    owned = alerts.subscription(WHOLE, sub.id)
    assert owned is not None
    assert owned.due_at == NOW + DAY


def test_what_two_runs_found_at_once_is_written_by_the_first(database: Database) -> None:
    alerts, sub = BooksAlerts(database), subscription_of()
    alerts.add(WHOLE, sub)
    first, second = finding_of(sub), replace(finding_of(sub), id=fresh())
    by_hand, beside = run_of(sub, kind="full"), run_of(sub, kind="full", id=fresh())
    alerts.decide(WHOLE, by_hand, [first], [], [])
    with pytest.raises(Conflict) as refusal:
        alerts.decide(WHOLE, run_of(sub), [second], [], [delivery_of(1)], [beside])
    assert refusal.value.code == "findings_changed"
    assert alerts.runs(WHOLE, sub.id, 9) == [by_hand]
    assert alerts.remembered(WHOLE, sub.id) == [first]
    assert BooksDeliveries(database).page(WHOLE, DeliveryQuery(NOW)).total == 0


def test_findings_are_listed_by_what_is_at_risk_and_by_account(database: Database) -> None:
    alerts, sub = BooksAlerts(database), subscription_of()
    alerts.add(WHOLE, sub)
    made = [finding_of(sub, i) for i in range(5)]
    made.append(finding_of(sub, 5, account="other", money_at_risk=None, currency=None))
    made.append(finding_of(sub, 6, status="resolved", money_at_risk=Decimal(10) ** 15))
    alerts.decide(WHOLE, run_of(sub), made, [], [])
    page = alerts.page(WHOLE, FindingQuery(NOW, limit=3))
    assert [one.entity for one in page.items] == ["C-4", "C-3", "C-2"]
    assert (page.total, page.by_status) == (6, {"open": 6, "resolved": 1})
    assert page.money_at_risk == {"EUR": Decimal("11.25")}
    last = alerts.page(WHOLE, FindingQuery(NOW, offset=5))
    assert [one.entity for one in last.items] == ["C-5"]
    mine = alerts.page(bound("other"), FindingQuery(NOW))
    assert [one.entity for one in mine.items] == ["C-5"]
    assert alerts.finding(bound("other"), made[0].id, NOW) is None
    named = alerts.page(WHOLE, FindingQuery(NOW, text="c-3", check=sub.check, contract="C-3"))
    assert [one.entity for one in named.items] == ["C-3"]
    assert alerts.page(WHOLE, FindingQuery(NOW, check="none")).total == 0
    read = told(alerts, made[0].id)
    changed = replace(read, status="acknowledged", note="seen to")
    noted = FindingEvent(made[0].id, NOW, "ann", "acknowledged", "seen to")
    alerts.change_findings(WHOLE, [changed], [noted])
    assert alerts.finding(WHOLE, made[0].id, NOW) == (changed, [noted])
    assert alerts.remove(WHOLE, sub.id, NOW)
    assert alerts.page(WHOLE, FindingQuery(NOW, statuses=frozenset())).total == 0


def test_steps_of_a_period_are_at_risk_once_and_events_each(database: Database) -> None:
    alerts, sub, other = BooksAlerts(database), subscription_of(), subscription_of()
    dear = Decimal("1000000.5")  # more than one column of it differs
    steps = [("80", Decimal(7)), ("120", dear), ("100", None)]
    for one, some in ((sub, steps), (other, [("95", Decimal("1000000.25"))])):
        alerts.add(WHOLE, one)
        made = [finding_of(one, step=step, money_at_risk=money) for step, money in some]
        alerts.decide(WHOLE, run_of(one), made, [], [])
    assert alerts.page(WHOLE, FindingQuery(NOW)).money_at_risk == {"EUR": dear}
    events = [finding_of(sub, 1, step=f"2026-0{month}-01", period="") for month in (2, 3)]
    alerts.decide(WHOLE, run_of(sub, id=fresh(), due_at=NOW + DAY), events, [], [])
    assert alerts.page(WHOLE, FindingQuery(NOW)).money_at_risk == {"EUR": dear + Decimal("2.5")}


def test_what_was_written_since_it_was_read_is_not_overwritten(database: Database) -> None:
    alerts, sub = BooksAlerts(database), subscription_of()
    alerts.add(WHOLE, sub)
    found = finding_of(sub)
    alerts.decide(WHOLE, run_of(sub), [found], [], [])
    (read,) = alerts.remembered(WHOLE, sub.id)
    noted = FindingEvent(found.id, NOW, "ann", "acknowledged", "seen to")
    theirs = replace(told(alerts, found.id), status="acknowledged", note="seen to")
    alerts.change_findings(WHOLE, [theirs], [noted])
    later = run_of(sub, due_at=NOW + DAY)
    with pytest.raises(Conflict) as refusal:
        alerts.decide(WHOLE, later, [read], [], [delivery_of()])
    assert refusal.value.code == "findings_changed"
    with pytest.raises(Conflict):
        alerts.change_findings(WHOLE, [replace(read, status="resolved")], [])
    assert alerts.finding(WHOLE, found.id, NOW) == (theirs, [noted])
    assert len(alerts.runs(WHOLE, sub.id, 9)) == 1
    assert BooksDeliveries(database).page(WHOLE, DeliveryQuery(NOW)).total == 0
    alerts.decide(WHOLE, later, [replace(told(alerts, found.id), last_seen=NOW + DAY)], [], [])
    assert told(alerts, found.id).last_seen == NOW + DAY


def test_no_run_of_a_subscription_that_was_removed_leaves_anything(database: Database) -> None:
    alerts, sub = BooksAlerts(database), subscription_of()
    for kind in ("standard", "full", "test"):
        with pytest.raises(Conflict):
            alerts.decide(WHOLE, run_of(sub, kind=kind), [finding_of(sub)], [], [delivery_of()])
    assert alerts.page(WHOLE, FindingQuery(NOW)).total == 0
    assert BooksDeliveries(database).page(WHOLE, DeliveryQuery(NOW)).total == 0


def test_a_delivery_is_held_by_one_until_it_is_settled(database: Database) -> None:
    alerts, outbox, sub = BooksAlerts(database), BooksOutbox(database), subscription_of()
    alerts.add(WHOLE, sub)
    letters = [delivery_of(i) for i in range(3)]
    alerts.decide(WHOLE, run_of(sub), [], [], letters)
    assert claimed(outbox, "one", now=NOW - DAY) == []
    assert claimed(outbox, "one", limit=2) == letters[:2]
    assert claimed(outbox, "two") == letters[2:]
    sent = replace(letters[0], status="sent", attempts=1, sent_at=NOW)
    assert not outbox.settle(WHOLE, sent, "two")
    assert outbox.settle(WHOLE, sent, "one")
    dead = replace(letters[2], status="dead", attempts=1, error="550 no such user")
    assert outbox.settle(WHOLE, dead, "two")
    assert claimed(outbox, "three") == []
    assert outbox.resend(WHOLE, dead.id, NOW)
    assert not outbox.resend(WHOLE, sent.id, NOW)
    assert [one.id for one in claimed(outbox, "three")] == [dead.id]


def test_a_lease_that_ran_out_is_taken_over(database: Database) -> None:
    alerts, outbox, sub = BooksAlerts(database), BooksOutbox(database), subscription_of()
    alerts.add(WHOLE, sub)
    alerts.decide(WHOLE, run_of(sub), [], [], [delivery_of()])
    assert len(claimed(outbox, "one", lease_seconds=0)) == 1
    assert len(claimed(outbox, "two")) == 1


def test_deliveries_of_one_sequence_go_one_after_the_other(database: Database) -> None:
    alerts, outbox, sub = BooksAlerts(database), BooksOutbox(database), subscription_of()
    alerts.add(WHOLE, sub)
    hook: dict[str, Any] = {"channel": "webhook", "target": "w", "recipients": ()}
    first, second = (delivery_of(i, sequence_of="C-1", **hook) for i in range(2))
    other = delivery_of(2, sequence_of="C-2", **hook)
    alerts.decide(WHOLE, run_of(sub), [], [], [first, second, other])
    assert claimed(outbox, "one") == []
    first, second, other = (
        replace(one, numbers={**one.numbers, "sequence": number})
        for one, number in ((first, 1), (second, 2), (other, 1))
    )
    assert claimed(outbox, "one", channel="webhook") == [first, other]
    assert claimed(outbox, "two", channel="webhook") == []
    assert outbox.settle(WHOLE, replace(first, status="sent"), "one")
    assert claimed(outbox, "two", channel="webhook") == [second]


def told(alerts: BooksAlerts, finding_id: str) -> Finding:
    found = alerts.finding(WHOLE, finding_id, NOW)
    assert found is not None
    return found[0]


def claimed(
    outbox: BooksOutbox,
    holder: str,
    *,
    channel: Any = "mail",
    now: datetime = NOW + DAY,
    limit: int = 9,
    lease_seconds: int = 60,
) -> list[Delivery]:
    return outbox.claim(WHOLE, channel, now, holder, limit=limit, lease_seconds=lease_seconds)


def test_a_message_is_read_by_whom_it_is_for(database: Database) -> None:
    store, day = BooksDeliveries(database), NOW + DAY
    one = delivery_of(account="acme", recipients=("cora@acme.example",), bcc=("ann@example.com",))
    case = delivery_of(account="acme", kind="case.to_csm", recipients=("nadia@example.com",))
    with database.writer() as connection:
        for delivery in (one, case):
            add(connection, delivery)
    acme = (Member("acme", FIRST_INSTANT, LAST_INSTANT),)
    sees = {
        Scope("fay@example.com", "finance"): {one.id, case.id},
        Scope("ann@example.com", "analyst"): {one.id, case.id},
        Scope(one.created_by, "analyst"): {one.id, case.id},
        Scope("sam@example.com", "sales_rep"): {case.id},
        Scope("cora@acme.example", "customer_viewer", acme): {one.id, case.id},
        Scope("ora@acme.example", "customer_admin", acme): {case.id},
        Scope("%", "customer_admin", acme): {case.id},
    }
    for scope, expected in sees.items():
        page = store.page(scope, DeliveryQuery(day))
        assert ({found.id for found in page.items}, page.total) == (expected, len(expected))
        for delivery in (one, case):
            found = store.delivery(scope, delivery.id, day)
            assert (found is not None) == (delivery.id in expected)
