"""The shapes of deliveries and webhooks for the OpenAPI document; see `_answers`."""

from typing import Final

from tallybook.model.delivery import Channel, DeliveryKind, DeliveryStatus
from tallybook.model.webhook import WebhookFormat
from tallybook.web.api._shapes import (
    INSTANT,
    TEXT,
    WHOLE,
    YES_OR_NO,
    Shape,
    many,
    maybe,
    one_of,
    record,
)

_WEBHOOK: Final = {
    "id": TEXT,
    "name": TEXT,
    "url": TEXT,
    "format": one_of(WebhookFormat),
    "enabled": YES_OR_NO,
    "owner": TEXT,
    "created_at": INSTANT,
    "old_secret_until": maybe(INSTANT),
}

ANSWERS_OF_DELIVERIES: Final[dict[str, Shape]] = {
    "Delivery": record(
        id=TEXT,
        kind=one_of(DeliveryKind),
        account=TEXT,
        channel=one_of(Channel),
        target=maybe(TEXT),
        recipients=many(TEXT),
        cc=many(TEXT),
        bcc=many(TEXT),
        subject=TEXT,
        # Null, as are `html` and `numbers`, where what it says may not be read.
        body=maybe(TEXT),
        html=maybe(TEXT),
        link=TEXT,
        # What the message is about: the line of a case as its page showed it, what was found, or a
        # page and the name of its file.
        numbers=maybe({"type": "object", "additionalProperties": True}),
        created_at=INSTANT,
        created_by=TEXT,
        status=one_of(DeliveryStatus),
        attempts=WHOLE,
        due_at=INSTANT,
        sent_at=maybe(INSTANT),
        error=maybe(TEXT),
        reached=many(TEXT),
        sequence_of=maybe(TEXT),
        subscription=maybe(TEXT),
        run=maybe(TEXT),
    ),
    "Webhook": record(**_WEBHOOK),
    "WebhookWithSecret": record(**_WEBHOOK, secret=TEXT),
}
