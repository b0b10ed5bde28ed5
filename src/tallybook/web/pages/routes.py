"""The pages' addresses, gathered."""

from fastapi import APIRouter

from tallybook.web.pages import account, events, sign_in, volume

router = APIRouter()
for part in (sign_in, volume, account, events):
    router.include_router(part.router)
