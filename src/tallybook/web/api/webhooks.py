"""Webhooks: where deliveries are posted to. Secrets are in the answer that makes them, only."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.webhook import Webhook
from tallybook.operations import webhooks as webhooks_op
from tallybook.operations.webhooks import Made
from tallybook.web.api._parameters import Body, Cursor, Limit, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import page_of, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, answer_page
from tallybook.web.services import Service

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


def _shape(found: Webhook, now: datetime) -> dict[str, Any]:
    ends = [one.until for one in found.secrets if one.until is not None and one.until > now]
    return {
        "id": found.id,
        "name": found.name,
        "url": found.url,
        "format": found.format,
        "enabled": found.enabled,
        "owner": found.owner,
        "created_at": found.created_at,
        "old_secret_until": ends[0] if ends else None,
    }


def _made(made: Made, now: datetime, status: int = 200) -> Response:
    return answer({**_shape(made.webhook, now), "secret": made.secret}, status)


@router.post(
    "",
    status_code=201,
    openapi_extra=says(ref("WebhookWithSecret"), body=ref("NewWebhook"), status=201),
)
def post_webhook(scope: Caller, service: Service, body: Body) -> Response:
    """Add a webhook; its secret is in this answer and never again."""
    now = service.clock.real_now()
    return _made(webhooks_op.add(scope, service.webhooks, as_mapping(body), now), now, 201)


@router.get("", openapi_extra=says(page_of("Webhook")))
def get_webhooks(
    scope: Caller, service: Service, cursor: Cursor = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Response:
    """List the webhooks, oldest first, without secrets."""
    now = service.clock.real_now()
    found = webhooks_op.listed(scope, service.webhooks, cursor=cursor, limit=limit)
    return answer_page(found, lambda one: _shape(one, now))


@router.get("/{webhook_id}", openapi_extra=says(ref("Webhook")))
def get_webhook(scope: Caller, service: Service, webhook_id: str) -> Response:
    """Return a webhook, without its secrets."""
    found = webhooks_op.one(scope, service.webhooks, webhook_id)
    return answer(_shape(found, service.clock.real_now()))


@router.patch("/{webhook_id}", openapi_extra=says(ref("Webhook"), body=ref("WebhookChange")))
def patch_webhook(scope: Caller, service: Service, webhook_id: str, body: Body) -> Response:
    """Rename a webhook, have it elsewhere, or switch it off or on."""
    now = service.clock.real_now()
    changed = webhooks_op.change(scope, service.webhooks, webhook_id, as_mapping(body), now)
    return answer(_shape(changed, now))


@router.post("/{webhook_id}/secret", openapi_extra=says(ref("WebhookWithSecret")))
def post_secret(scope: Caller, service: Service, webhook_id: str) -> Response:
    """Make a new secret; the old one signs beside it for a day."""
    now = service.clock.real_now()
    return _made(webhooks_op.rotate(scope, service.webhooks, webhook_id, now), now)


@router.delete("/{webhook_id}", status_code=204)
def delete_webhook(scope: Caller, service: Service, webhook_id: str) -> None:
    """Remove a webhook; what still waits for it is shown as dead."""
    webhooks_op.remove(scope, service.webhooks, webhook_id, service.clock.real_now())
