"""The pages' addresses, gathered."""

from fastapi import APIRouter

from tallybook.web.pages import account, events, export, self_check, sign_in, subscriptions, volume
from tallybook.web.pages.alerts import catalogue, inbox, one, outbox, subscribed
from tallybook.web.pages.cases import contact
from tallybook.web.pages.cases import listing as cases
from tallybook.web.pages.cases import shown as case
from tallybook.web.pages.contracts import editor, listing, shown, statement

router = APIRouter()
_PAGES = (sign_in, volume, account, events, export, subscriptions, self_check, contact, cases, case)
_ALERTS = (catalogue, subscribed, one, inbox, outbox)
for part in (*_PAGES, *_ALERTS, listing, editor, shown, statement):
    router.include_router(part.router)
