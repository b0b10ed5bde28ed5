"""Definitions by the folder: all versions of many keys at once, as files hold them."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.ports import NounName
from tallybook.operations.export import Exported, export
from tallybook.web.api._answers import WHOLE, page_of, record
from tallybook.web.api._parameters import Cursor, Limit
from tallybook.web.api._schemas import says
from tallybook.web.caller import Caller
from tallybook.web.exact import answer_page, verbatim
from tallybook.web.services import Service

router = APIRouter()

_PAGE = page_of("Definition", record(count=WHOLE, retired=WHOLE))
_encoder = msgspec.json.Encoder(decimal_format="number")


def _shape(exported: Exported) -> dict[str, object]:
    """Write documents so that each number and each text of their free parts stays what it is."""
    documents = verbatim(_encoder.encode(exported.documents))
    return {
        "noun": exported.noun,
        "key": exported.key,
        "version": exported.version,
        "documents": documents,
    }


@router.get("/definitions", openapi_extra=says(_PAGE), tags=["definitions"])
def export_page(
    scope: Caller,
    service: Service,
    noun: Annotated[NounName, Query(description="account, meter or contract")],
    cursor: Cursor = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
) -> Response:
    """List what stands or is planned, with a document for each version, oldest first."""
    directory, now = service.directories.current(scope), service.clock.now()
    page = export(scope, directory, noun, now, cursor=cursor, limit=limit)
    return answer_page(page, _shape)
