"""The pages' addresses, gathered."""

from fastapi import APIRouter

from tallybook.web.pages import sign_in

router = APIRouter()
router.include_router(sign_in.router)
