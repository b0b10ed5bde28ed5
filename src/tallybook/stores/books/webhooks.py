"""Webhooks in SQL: what deliveries are posted to, and the secrets that sign them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from tallybook.model.scope import Scope
from tallybook.model.time import from_micros, micros
from tallybook.model.webhook import Secret, Webhook
from tallybook.stores.books.database import Database
from tallybook.stores.books.people import note
from tallybook.stores.books.schema import fields
from tallybook.stores.books.schema import webhook as webhooks


class BooksWebhooks:
    """The port `Webhooks` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def webhooks(self, scope: Scope) -> list[Webhook]:
        """Return all, oldest first; see `Webhooks`."""
        scope.require("administer")
        with self._database.reader() as connection:
            rows = connection.execute(select(webhooks).order_by(webhooks.c.id))
            return [_webhook(row) for row in rows]

    def add(self, scope: Scope, webhook: Webhook) -> None:
        """Add one."""
        scope.require("administer")
        with self._database.writer() as connection:
            connection.execute(insert(webhooks).values(_values(webhook)))
            note(connection, scope, webhook.created_at, "webhook.added", webhook.id)

    def change(self, scope: Scope, webhook: Webhook, at: datetime) -> None:
        """Replace the one with this id."""
        scope.require("administer")
        this = update(webhooks).where(webhooks.c.id == webhook.id)
        with self._database.writer() as connection:
            connection.execute(this.values(_values(webhook)))
            note(connection, scope, at, "webhook.changed", webhook.id)

    def remove(self, scope: Scope, webhook_id: str, at: datetime) -> bool:
        """Remove one; False where there is none with this id."""
        scope.require("administer")
        with self._database.writer() as connection:
            this = delete(webhooks).where(webhooks.c.id == webhook_id)
            gone = connection.execute(this).rowcount
            if gone:
                note(connection, scope, at, "webhook.removed", webhook_id)
        return bool(gone)


def _values(webhook: Webhook) -> dict[str, Any]:
    secrets = [[one.text, micros(one.until) if one.until else None] for one in webhook.secrets]
    return {**asdict(webhook), "secrets": secrets}


def _webhook(row: Row[Any]) -> Webhook:
    secrets = (Secret(text, from_micros(at) if at else None) for text, at in row.secrets)
    return Webhook(**fields(row, secrets=tuple(secrets)))
