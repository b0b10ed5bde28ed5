"""The pages' addresses, gathered."""

from typing import Final

from fastapi import APIRouter

from tallybook.web.pages import account, events, export, sign_in, volume
from tallybook.web.pages.cases import contact
from tallybook.web.pages.cases import listing as cases
from tallybook.web.pages.cases import shown as case
from tallybook.web.pages.contracts import editor, listing, shown, statement

router = APIRouter()
_PARTS: Final = (
    sign_in,
    volume,
    account,
    events,
    export,
    listing,
    editor,
    shown,
    statement,
    contact,
    cases,
    case,
)
for part in _PARTS:
    router.include_router(part.router)
