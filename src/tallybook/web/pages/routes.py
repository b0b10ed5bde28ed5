"""The pages' addresses, gathered."""

from fastapi import APIRouter

from tallybook.web.pages import account, events, export, sign_in, volume
from tallybook.web.pages.contracts import editor, listing, shown, statement

router = APIRouter()
for part in (sign_in, volume, account, events, export, listing, editor, shown, statement):
    router.include_router(part.router)
