"""Webhooks: added with a secret that is shown once, changed, given a new secret, removed. Posts
nothing.
"""

import base64
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from tallybook.model import limits
from tallybook.model.alert_ports import Webhooks
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.ids import new_id
from tallybook.model.nouns import Document, Noun, parse
from tallybook.model.scope import Scope
from tallybook.model.webhook import Secret, Webhook, WebhookFormat
from tallybook.operations._page import Page, page_of
from tallybook.operations.people import Plain
from tallybook.outlets._reach import parts_of
from tallybook.outlets._signing import PREFIX

#: What the scheme asks for is 24 to 64.
_SECRET_BYTES: Final = 32
_OVERLAP: Final = timedelta(hours=limits.SECRET_OVERLAP_HOURS)

Url = Annotated[str, StringConstraints(max_length=limits.WEBHOOK_URL_CHARS_MAX)]


class NewWebhook(Noun):
    """What is asked of a new webhook."""

    name: Annotated[Plain, Field(min_length=1)]
    url: Url
    format: WebhookFormat = "standard"
    enabled: bool = True


class WebhookChange(Noun):
    """What is to be different; what is left out, or null, stays."""

    name: Annotated[Plain, Field(min_length=1)] | None = None
    url: Url | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook and its newest secret, which is shown now and never again."""

    webhook: Webhook
    secret: str


def listed(scope: Scope, webhooks: Webhooks, *, cursor: str | None, limit: int) -> Page[Webhook]:
    """Return the webhooks, oldest first.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("administer")
    return page_of(webhooks.webhooks(scope), lambda one: one.id, cursor=cursor, limit=limit)


def one(scope: Scope, webhooks: Webhooks, webhook_id: str) -> Webhook:
    """Return a webhook.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `webhook_not_found`.
    """
    scope.require("administer")
    for known in webhooks.webhooks(scope):
        if known.id == webhook_id:
            return known
    raise NotFound("webhook_not_found", f"There is no webhook {webhook_id!r}.")


def add(scope: Scope, webhooks: Webhooks, body: Document, now: datetime) -> Made:
    """Add a webhook.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `document_invalid`, `webhook_url_invalid`, `too_many_webhooks`.
    """
    scope.require("administer")
    asked = parse(NewWebhook, body)
    parts_of(asked.url)
    if len(webhooks.webhooks(scope)) >= limits.WEBHOOKS_MAX:
        raise Invalid(
            "too_many_webhooks",
            f"There are at most {limits.WEBHOOKS_MAX} webhooks; remove one first.",
            limit=limits.WEBHOOKS_MAX,
        )
    secret = _secret()
    made = Webhook(
        id=new_id(now),
        name=asked.name,
        url=asked.url,
        format=asked.format,
        owner=scope.who,
        secrets=(secret,),
        enabled=asked.enabled,
        created_at=now,
    )
    webhooks.add(scope, made)
    return Made(made, secret.text)


def change(
    scope: Scope, webhooks: Webhooks, webhook_id: str, body: Document, now: datetime
) -> Webhook:
    """Rename a webhook, have it elsewhere, or switch it off or on.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `webhook_not_found`.
        Invalid: `document_invalid`, `webhook_url_invalid`.
    """
    known = one(scope, webhooks, webhook_id)
    asked = parse(WebhookChange, body)
    if asked.url is not None:
        parts_of(asked.url)
    said = {name: value for name, value in asked.model_dump().items() if value is not None}
    changed = replace(known, **said)
    if changed != known:
        webhooks.change(scope, changed, now)
    return changed


def rotate(scope: Scope, webhooks: Webhooks, webhook_id: str, now: datetime) -> Made:
    """Give a webhook a new secret. The one it had signs beside it for a day, in which the receiver
    changes over; one from before that is at its end.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `webhook_not_found`.
    """
    known = one(scope, webhooks, webhook_id)
    old = replace(known.secrets[0], until=now + _OVERLAP)
    secret = _secret()
    made = replace(known, secrets=(secret, old))
    webhooks.change(scope, made, now)
    return Made(made, secret.text)


def remove(scope: Scope, webhooks: Webhooks, webhook_id: str, now: datetime) -> None:
    """Remove a webhook; what still waits for it is dead at its next attempt, and shown.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `webhook_not_found`.
    """
    one(scope, webhooks, webhook_id)
    webhooks.remove(scope, webhook_id, now)


def _secret() -> Secret:
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode())
