"""The HTTP API: one file a group of paths, found by its name. JSON only; pages live elsewhere.

A file holds `router`; its routes ask `web.caller` who calls, hand the question to an operation
and write the answer. They decide nothing.
"""

import sys

from fastapi import APIRouter

from tallybook.model import kinds


def router() -> APIRouter:
    """Gather the routes of every file of this folder under /api/v1."""
    room = sys.modules[__name__]
    gathered = APIRouter(prefix="/api/v1")
    for name in kinds.names(room):
        gathered.include_router(kinds.load(room, name).router)
    return gathered
