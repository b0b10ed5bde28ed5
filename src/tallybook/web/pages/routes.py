"""The pages' addresses, gathered."""

from fastapi import APIRouter

from tallybook.web.pages import account, events, sign_in, volume
from tallybook.web.pages.contracts import listing

router = APIRouter()
for part in (sign_in, volume, account, events, listing):
    router.include_router(part.router)
