"""The laws of every store of webhooks: kept as they are, for administrators, and audited without a
secret.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tallybook.model.errors import Forbidden
from tallybook.model.ids import new_id
from tallybook.model.scope import Scope, operator
from tallybook.model.webhook import Secret, Webhook
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import audit
from tallybook.stores.books.webhooks import BooksWebhooks
from tests.books import STORES, opened

NOW = datetime(2026, 4, 1, 12, 0, 0, 123456, tzinfo=UTC)
WHOLE = operator("ann@example.com")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    found = opened(request.param, tmp_path)
    yield found
    found.close()


def webhook_of(number: int = 0) -> Webhook:
    return Webhook(
        id=new_id(NOW + timedelta(seconds=number)),
        name="Größe",
        url="https://example.com/in",
        format="standard",
        owner=WHOLE.who,
        secrets=(Secret(SECRET), Secret(SECRET[::-1], NOW)),
        enabled=True,
        created_at=NOW,
    )


def test_webhooks_are_kept_as_they_are_oldest_first(database: Database) -> None:
    store = BooksWebhooks(database)
    second, first = webhook_of(1), webhook_of(0)
    store.add(WHOLE, second)
    store.add(WHOLE, first)
    assert store.webhooks(WHOLE) == [first, second]
    changed = replace(first, name="Other", enabled=False, secrets=(Secret("whsec_AAAA"),))
    store.change(WHOLE, changed, NOW)
    assert store.webhooks(WHOLE) == [changed, second]
    assert store.remove(WHOLE, second.id, NOW)
    assert not store.remove(WHOLE, second.id, NOW)
    assert store.webhooks(WHOLE) == [changed]


def test_each_change_is_audited_without_a_secret(database: Database) -> None:
    store = BooksWebhooks(database)
    store.add(WHOLE, one := webhook_of())
    store.change(WHOLE, replace(one, name="Other"), NOW)
    store.remove(WHOLE, one.id, NOW)
    with database.reader() as connection:
        noted = [str(row) for row in connection.execute(select(audit))]
    assert len(noted) == 3
    assert all(one.id in line and WHOLE.who in line for line in noted)
    assert not any("whsec_" in line for line in noted)


def test_only_administrators_have_to_do_with_them(database: Database) -> None:
    store, scope = BooksWebhooks(database), Scope("fay@example.com", "finance")
    for call in (
        lambda: store.webhooks(scope),
        lambda: store.add(scope, webhook_of()),
        lambda: store.change(scope, webhook_of(), NOW),
        lambda: store.remove(scope, "w", NOW),
    ):
        with pytest.raises(Forbidden):
            call()
    assert store.webhooks(WHOLE) == []
