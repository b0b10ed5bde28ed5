"""The laws of every store of cases and deliveries: one commit each, told once, seen by account."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tallybook.model.case import Case, CaseQuery, Message
from tallybook.model.delivery import Delivery, DeliveryQuery
from tallybook.model.errors import Conflict
from tallybook.model.ids import new_id
from tallybook.model.scope import Member, Scope, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.stores.books.cases import BooksCases
from tallybook.stores.books.database import Database
from tallybook.stores.books.deliveries import BooksDeliveries
from tallybook.stores.books.people import BooksPeople
from tests.books import STORES, opened

NOW = datetime(2026, 4, 1, 12, 0, 0, 123456, tzinfo=UTC)
WHOLE = operator("ann@example.com")
SHOWN: dict[str, Any] = {"account_name": "Acme Größe", "service": "Messaging", "used": "1.50"}


def case_of(number: int = 0, **more: Any) -> Case:
    at = NOW + timedelta(minutes=number)
    fields: dict[str, Any] = {
        "id": new_id(at),
        "kind": "question",
        "account": "acme",
        "contract": "C-1",
        "line": "messages",
        "shown": SHOWN,
        "status": "open",
        "created_at": at,
        "created_by": WHOLE.who,
        "changed_at": at,
        "opening": f"Why {number}?",
    }
    return Case(**{**fields, **more})


def message_of(case: Case, **more: Any) -> Message:
    said = Message(1, case.created_by, "customer", case.created_at, case.opening)
    return replace(said, **more)


def delivery_of(case: Case, **more: Any) -> Delivery:
    made = Delivery(
        id=new_id(case.created_at),
        kind="case.to_csm",
        account=case.account,
        recipients=("nadia@example.com",),
        subject="Question",
        body=case.opening,
        link=f"/cases/{case.id}",
        numbers=SHOWN,
        created_at=case.created_at,
        created_by=case.created_by,
        due_at=case.created_at,
    )
    return replace(made, **more)


def bound(account: str, **span: datetime) -> Scope:
    start, end = span.get("start", FIRST_INSTANT), span.get("end", LAST_INSTANT)
    return Scope("bob@example.com", "customer_viewer", (Member(account, start, end),))


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


@pytest.fixture
def store(database: Database) -> BooksCases:
    return BooksCases(database)


def open_all(store: BooksCases, *cases: Case) -> None:
    for case in cases:
        store.open(WHOLE, case, message_of(case), delivery_of(case))


def test_a_case_comes_back_whole_with_what_was_written(store: BooksCases) -> None:
    case = case_of()
    first = message_of(case, idempotency_key="k1")
    store.open(WHOLE, case, first, delivery_of(case))
    later = NOW + timedelta(hours=1)
    reply = message_of(case, side="vendor", at=later, text="Because.\nné")
    store.answer(WHOLE, case.id, reply, "answered", None)
    found, written = store.case(WHOLE, case.id, NOW) or pytest.fail("it is there")
    assert found == replace(case, status="answered", changed_at=later, messages_count=2)
    assert written == [
        replace(first, delivery_status="queued"),
        replace(reply, number=2, delivery_status=None),
    ]
    assert store.case(WHOLE, "none", NOW) is None


def test_lists_are_newest_first_and_counted_by_status(store: BooksCases) -> None:
    cases = [case_of(n) for n in range(5)]
    other = case_of(9, account="stranger", opening="Grüße 100%", shown={**SHOWN, "service": "X"})
    open_all(store, *cases, other)
    store.change(WHOLE, cases[0].id, "closed", NOW)
    store.change(WHOLE, cases[1].id, "answered", NOW)

    def ids(**query: Any) -> list[str]:
        return [one.id for one in store.page(WHOLE, CaseQuery(NOW, **query)).items]

    newest = [other.id, *(case.id for case in reversed(cases))]
    assert ids() == newest
    assert ids(limit=2) == newest[:2]
    assert ids(limit=2, after=newest[1]) == newest[2:4]
    assert ids(limit=2, offset=4) == newest[4:]
    assert ids(status="closed") == [cases[0].id]
    assert ids(accounts=frozenset({"stranger"})) == [other.id]
    assert ids(accounts=frozenset()) == []
    assert ids(text="GRÜSSE 100%") == ids(text="stranger") == [other.id]
    assert ids(text="100_") == []
    assert ids(text="größe") == newest
    page = store.page(WHOLE, CaseQuery(NOW, status="open", limit=3))
    assert (page.total, page.more) == (4, True)
    assert page.counts == {"open": 4, "answered": 1, "closed": 1}
    assert not store.page(WHOLE, CaseQuery(NOW, status="open", limit=4)).more


def test_only_what_the_scope_sees_at_that_instant_is_there(
    store: BooksCases, database: Database
) -> None:
    mine, other = case_of(0), case_of(1, account="stranger")
    open_all(store, mine, other)
    deliveries = BooksDeliveries(database)
    page = deliveries.page(WHOLE, DeliveryQuery(NOW))
    known = {one.account: one.id for one in page.items}
    assert [one.account for one in page.items] == ["stranger", "acme"]
    for scope, seen in (
        (bound("acme"), ["acme"]),
        (bound("acme", end=NOW), []),
        (bound("acme", start=NOW, end=NOW + timedelta(seconds=1)), ["acme"]),
        (bound("nobody"), []),
        (Scope("x", "customer_admin", ()), []),
    ):
        found = store.page(scope, CaseQuery(NOW))
        assert [one.account for one in found.items] == seen
        assert sum(found.counts.values()) == found.total == len(seen)
        narrow = store.page(scope, CaseQuery(NOW, accounts=frozenset({"acme", "stranger"})))
        assert narrow == found
        told = deliveries.page(scope, DeliveryQuery(NOW))
        assert ([one.account for one in told.items], told.total) == (seen, len(seen))
        for case in (mine, other):
            is_seen = case.account in seen
            assert (store.case(scope, case.id, NOW) is not None) is is_seen
            told_of = deliveries.delivery(scope, known[case.account], NOW)
            assert (told_of is not None) is is_seen


def test_deliveries_come_back_whole(store: BooksCases, database: Database) -> None:
    cases = [case_of(n) for n in range(3)]
    made = [delivery_of(case, recipients=("a@x.io", "b@x.io"), error="né") for case in cases]
    for case, delivery in zip(cases, made, strict=True):
        store.open(WHOLE, case, message_of(case), delivery)
    deliveries = BooksDeliveries(database)
    assert deliveries.delivery(WHOLE, made[0].id, NOW) == made[0]
    assert deliveries.delivery(WHOLE, "none", NOW) is None
    page = deliveries.page(WHOLE, DeliveryQuery(NOW, limit=2))
    assert (page.items, page.more, page.total) == ((made[2], made[1]), True, 3)
    rest = deliveries.page(WHOLE, DeliveryQuery(NOW, limit=2, after=made[1].id))
    assert (rest.items, rest.more, rest.total) == ((made[0],), False, 3)
    assert not deliveries.page(WHOLE, DeliveryQuery(NOW, status="sent")).items
    assert deliveries.page(WHOLE, DeliveryQuery(NOW, status="queued")).total == 3


def test_the_same_key_of_an_author_writes_once(store: BooksCases, database: Database) -> None:
    case, again = case_of(0), case_of(1)
    first = message_of(case, idempotency_key="k")
    store.open(WHOLE, case, first, delivery_of(case))
    with pytest.raises(Conflict) as refused:
        store.open(WHOLE, again, message_of(again, idempotency_key="k"), delivery_of(again))
    assert refused.value.code == "idempotency_key_used"
    with pytest.raises(Conflict):
        store.answer(WHOLE, case.id, message_of(case, idempotency_key="k"), "closed", None)
    assert store.page(WHOLE, CaseQuery(NOW)).counts == {"open": 1}
    assert BooksDeliveries(database).page(WHOLE, DeliveryQuery(NOW)).total == 1
    assert store.written(WHOLE, "k") == (case.id, replace(first, delivery_status="queued"))
    assert store.written(WHOLE, "other") is None
    somebody = operator("other@example.com")
    assert store.written(somebody, "k") is None
    theirs = message_of(again, author="other@example.com", idempotency_key="k")
    store.open(somebody, again, theirs, None)
    assert store.page(WHOLE, CaseQuery(NOW)).total == 2


def test_a_closed_case_is_not_written_in_until_it_is_open_again(store: BooksCases) -> None:
    case = case_of()
    open_all(store, case)
    store.change(WHOLE, case.id, "closed", NOW)
    with pytest.raises(Conflict) as refused:
        store.answer(WHOLE, case.id, message_of(case), "open", delivery_of(case))
    assert refused.value.code == "case_closed"
    store.change(WHOLE, case.id, "open", NOW)
    store.answer(WHOLE, case.id, message_of(case), "open", None)
    assert (store.case(WHOLE, case.id, NOW) or pytest.fail("gone"))[0].messages_count == 2


def test_each_change_is_in_the_audit_trail(store: BooksCases, database: Database) -> None:
    case = case_of()
    open_all(store, case)
    store.answer(WHOLE, case.id, message_of(case), "answered", None)
    store.change(WHOLE, case.id, "closed", NOW)
    store.change(WHOLE, case.id, "open", NOW)
    audit = BooksPeople(database).audit(WHOLE, 10)
    assert [(e.who, e.what, e.entity) for e in audit] == [
        (WHOLE.who, f"case.{what}", case.id)
        for what in ("reopened", "closed", "answered", "opened")
    ]


def test_a_case_whose_delivery_cannot_be_written_is_not_there_either(
    store: BooksCases, database: Database
) -> None:
    first, second = case_of(0), case_of(1)
    delivery = delivery_of(first)
    store.open(WHOLE, first, message_of(first), delivery)
    with pytest.raises(IntegrityError):  # an id is taken twice
        store.open(WHOLE, second, message_of(second), replace(delivery, account="other"))
    assert store.case(WHOLE, second.id, NOW) is None
    assert len(BooksPeople(database).audit(WHOLE, 10)) == 1
