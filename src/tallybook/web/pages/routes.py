"""The pages' addresses, gathered."""

from fastapi import APIRouter

from tallybook.web.pages import account, events, sign_in, volume
from tallybook.web.pages.contracts import listing, shown

router = APIRouter()
for part in (sign_in, volume, account, events, listing, shown):
    router.include_router(part.router)
